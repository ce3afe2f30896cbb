//! A redb database whose bad pages and full disks do not end the process.
//!
//! redb answers some corrupt pages with a panic, and one that met a full disk serves again only
//! after it was opened anew. Both are met here: an operation is guarded, and after one that failed
//! the next begins with a fresh look at the file. It knows nothing of what the tables mean.

use std::{
    fs, io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use redb::Database;

use super::{database_file::DatabaseFile, disk::Disk};

/// More than a checkpoint needs; what redb keeps of it counts against the idle process.
const CACHE_BYTES: usize = 1 << 20;

/// Why what is in a database could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database refused.
    #[error("cannot use {}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: Box<redb::Error>,
    },
    /// The file is not what was written.
    #[error("{} is corrupt; the next start moves it aside", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
}

impl DatabaseError {
    /// What the disk said, if it was the disk.
    pub(super) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Refused { source, .. } => match &**source {
                redb::Error::Io(error) => error.kind(),
                _ => io::ErrorKind::Other,
            },
            Self::Corrupt { .. } => io::ErrorKind::InvalidData,
        }
    }
}

/// Uses a database once in every way, so that corruption shows when it is opened.
pub(super) type Examine = fn(&Database) -> Result<(), redb::Error>;

/// A database and what it takes to open it again.
#[derive(Debug)]
pub(super) struct Guarded {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    examine: Examine,
    /// redb has one writer at a time, so waiting here costs nothing more. Empty until the first
    /// operation, and after one that failed; the journal's lock makes opening again safe.
    slot: Mutex<Option<Database>>,
}

impl Guarded {
    /// Touches nothing until the first operation.
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf, examine: Examine) -> Self {
        Self { disk, path, examine, slot: Mutex::default() }
    }

    /// Opens the file, or moves it into the directory `aside` if it is corrupt, and answers where.
    /// What is used next is then a new file.
    pub(super) fn open(&self, aside: &Path) -> Result<Option<PathBuf>, DatabaseError> {
        match self.with(|_| Ok(())) {
            Ok(()) => Ok(None),
            Err(DatabaseError::Corrupt { .. }) => self.move_aside(aside).map(Some),
            Err(error) => Err(error),
        }
    }

    /// Moves the file into the directory, and answers where.
    pub(super) fn move_aside(&self, directory: &Path) -> Result<PathBuf, DatabaseError> {
        drop(self.slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        let moved = free_name(directory, &self.path);
        let renamed = fs::rename(&self.path, &moved);
        renamed.map_err(|error| failed(&self.path, error))?;
        Ok(moved)
    }

    /// Whether there is a file.
    pub(super) fn exists(&self) -> Result<bool, DatabaseError> {
        self.path.try_exists().map_err(|error| failed(&self.path, error))
    }

    /// Does something with the database, one at a time, and opens it first if need be.
    pub(super) fn with<T>(
        &self,
        operation: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, DatabaseError> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = slot.take();
        let (database, done) = guarded(|| {
            let database = taken.map_or_else(|| self.load(), Ok)?;
            let done = operation(&database)?;
            Ok((database, done))
        })
        .map_err(|trouble| trouble.at(&self.path))?;
        *slot = Some(database);
        Ok(done)
    }

    fn load(&self) -> Result<Database, redb::Error> {
        if self.path.try_exists()? {
            return self.open_at(&self.path);
        }
        // A file that is made on a full disk, or when the power fails, would pass for a corrupt one.
        let new = self.path.with_extension("new");
        let made = self.open_at(&new).and_then(|database| {
            fs::rename(&new, &self.path)?;
            self.disk.sync_directory(self.path.parent().unwrap_or(Path::new(".")))?;
            Ok(database)
        });
        if made.is_err() {
            drop(self.disk.remove(&new));
        }
        made
    }

    fn open_at(&self, path: &Path) -> Result<Database, redb::Error> {
        let file = DatabaseFile::open(&self.disk, path)?;
        let database = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(file)?;
        (self.examine)(&database)?;
        Ok(database)
    }
}

/// Why the database did not do what it was asked.
enum Trouble {
    /// The disk, a permission, another holder.
    World(redb::Error),
    /// The file is not what redb wrote.
    Corrupt,
}

impl Trouble {
    fn at(self, path: &Path) -> DatabaseError {
        match self {
            Self::World(source) => failed(path, source),
            Self::Corrupt => DatabaseError::Corrupt { path: path.into() },
        }
    }
}

/// A panic of redb must not end the process: the file can be replaced. The state that the panic
/// leaves is dropped with the database.
fn guarded<T>(operation: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Trouble> {
    match panic::catch_unwind(AssertUnwindSafe(operation)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if is_corrupt(&error) => Err(Trouble::Corrupt),
        Ok(Err(error)) => Err(Trouble::World(error)),
        Err(_) => Err(Trouble::Corrupt),
    }
}

fn failed(path: &Path, source: impl Into<redb::Error>) -> DatabaseError {
    DatabaseError::Refused { path: path.into(), source: Box::new(source.into()) }
}

fn is_corrupt(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        redb::Error::Io(error) => matches!(error.kind(), InvalidData | UnexpectedEof),
        redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo => false,
        _ => true,
    }
}

/// A name in the directory that no earlier accident of this file has taken.
fn free_name(directory: &Path, path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    (0..u32::MAX)
        .map(|n| directory.join(format!("{stem}-{n}.redb")))
        .find(|path| !path.exists())
        .expect("fewer than 2^32 accidents")
}
