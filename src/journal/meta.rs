//! The small mutable things, in redb: the checkpoint and the quarantine.
//!
//! Never the truth about a record: without this file the log is scanned whole. It must not hold
//! anything whose loss would lose an accepted event.

use std::{
    fs, io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{checkpoint::Checkpoint, disk::Disk, meta_file::MetaFile};

const CHECKPOINT: TableDefinition<'_, (), &[u8]> = TableDefinition::new("checkpoint");
const QUARANTINE: TableDefinition<'_, u64, Row<'static>> = TableDefinition::new("quarantine");
const TOTALS: TableDefinition<'_, &str, u64> = TableDefinition::new("totals");
/// The key in `TOTALS` of the bytes that the quarantine holds.
const HELD: &str = "quarantine_bytes";
/// The key in `TOTALS` of the last row's key, so that no key is given twice.
const LAST: &str = "quarantine_last";
/// More than a checkpoint needs; what redb keeps of it counts against the idle process.
const CACHE_BYTES: usize = 1 << 20;

/// Microseconds since 1970, reason, body.
type Row<'a> = (i64, &'a str, &'a [u8]);

/// Why the small things could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// The database refused.
    #[error("cannot use {}", path.display())]
    Database {
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

impl MetaError {
    /// What the disk said, if it was the disk.
    pub(super) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Database { source, .. } => match &**source {
                redb::Error::Io(error) => error.kind(),
                _ => io::ErrorKind::Other,
            },
            Self::Corrupt { .. } => io::ErrorKind::InvalidData,
        }
    }
}

/// A body that was set aside, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Grows with each row.
    pub key: u64,
    /// When it was set aside.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
    /// The bytes as they came.
    pub body: Bytes,
}

/// Something to set aside: it is not what it was sent as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Why, in words.
    pub reason: String,
    /// The bytes as they came.
    pub body: Bytes,
}

#[derive(Debug)]
pub(super) struct Meta {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// redb has one writer at a time, so waiting here costs nothing more; and a database that met
    /// a full disk serves again only after it was opened anew, which the lock makes safe.
    database: Mutex<Option<Database>>,
}

/// What opening found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) meta: Meta,
    pub(super) checkpoint: Option<Checkpoint>,
    /// There was a file, or a checkpoint in it, and it was unusable.
    pub(super) lost: bool,
    pub(super) moved_to: Option<PathBuf>,
}

impl Meta {
    /// Opens the file, or moves it aside if it is corrupt and begins a new one.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        aside: &Path,
    ) -> Result<Found, MetaError> {
        let (opened, moved_to) = match examine(&disk, &path) {
            Err(Trouble::World(source)) => return Err(failed(&path, source)),
            Err(Trouble::Corrupt) => {
                let moved = free_name(aside);
                fs::rename(&path, &moved).map_err(|error| failed(&path, error))?;
                (examine(&disk, &path), Some(moved))
            }
            opened => (opened, None),
        };
        let (database, bytes) = opened.map_err(|trouble| trouble.at(&path))?;
        let checkpoint = bytes.as_deref().map(decode);
        let unreadable = checkpoint.as_ref().is_some_and(Option::is_none);
        let lost = unreadable || moved_to.is_some();
        let meta = Self { disk, path, database: Mutex::new(Some(database)) };
        Ok(Found { meta, checkpoint: checkpoint.flatten(), lost, moved_to })
    }

    pub(super) fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), MetaError> {
        let bytes = encode(checkpoint);
        self.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            transaction.open_table(CHECKPOINT)?.insert((), bytes.as_slice())?;
            Ok(transaction.commit()?)
        })
    }

    /// Sets bodies aside, durably, in one commit; the oldest rows give way. Returns how many did.
    pub(super) fn quarantine(
        &self,
        time: Timestamp,
        asides: &[Aside],
        limit: u64,
    ) -> Result<u64, MetaError> {
        self.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            let mut evicted = 0;
            for Aside { reason, body } in asides {
                evicted += set_aside(&transaction, (time.as_microsecond(), reason, body), limit)?;
            }
            transaction.commit()?;
            Ok(evicted)
        })
    }

    pub(super) fn quarantined(&self) -> Result<Vec<Quarantined>, MetaError> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            let table = transaction.open_table(QUARANTINE)?;
            let mut rows = Vec::new();
            for row in table.iter()? {
                let (key, row) = row?;
                let (time, reason, body) = row.value();
                let time = Timestamp::from_microsecond(time).unwrap_or_default();
                let body = Bytes::copy_from_slice(body);
                rows.push(Quarantined { key: key.value(), time, reason: reason.into(), body });
            }
            Ok(rows)
        })
    }

    fn with<T>(
        &self,
        operation: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, MetaError> {
        let mut slot = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match slot.take() {
            Some(database) => database,
            None => examine(&self.disk, &self.path).map_err(|trouble| trouble.at(&self.path))?.0,
        };
        let (database, done) = guarded(|| {
            let done = operation(&database)?;
            Ok((database, done))
        })
        .map_err(|trouble| trouble.at(&self.path))?;
        *slot = Some(database);
        Ok(done)
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
    fn at(self, path: &Path) -> MetaError {
        match self {
            Self::World(source) => failed(path, source),
            Self::Corrupt => MetaError::Corrupt { path: path.into() },
        }
    }
}

/// redb answers some corrupt pages with a panic, which must not end the process: the file can be
/// replaced. The state that the panic leaves is dropped with the database.
fn guarded<T>(operation: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Trouble> {
    match panic::catch_unwind(AssertUnwindSafe(operation)) {
        Ok(done) => {
            done.map_err(
                |error| {
                    if is_corrupt(&error) { Trouble::Corrupt } else { Trouble::World(error) }
                },
            )
        }
        Err(_) => Err(Trouble::Corrupt),
    }
}

/// Opens the database and uses it once in every way, so that corruption shows now. Returns the
/// bytes of the checkpoint.
fn examine(disk: &Arc<dyn Disk>, path: &Path) -> Result<(Database, Option<Vec<u8>>), Trouble> {
    guarded(|| {
        let file = MetaFile::open(disk, path)?;
        let database = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(file)?;
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        transaction.open_table(QUARANTINE)?;
        transaction.open_table(TOTALS)?;
        let stored = transaction.open_table(CHECKPOINT)?.get(())?.map(|it| it.value().to_vec());
        transaction.commit()?;
        Ok((database, stored))
    })
}

/// JSON after its CRC: redb does not check what it reads, and a wrong account would lose records.
fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    let json = serde_json::to_vec(checkpoint).expect("numbers and names are JSON");
    let mut bytes = crc32c::crc32c(&json).to_le_bytes().to_vec();
    bytes.extend_from_slice(&json);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let (crc, json) = bytes.split_first_chunk()?;
    let whole = u32::from_le_bytes(*crc) == crc32c::crc32c(json);
    whole.then(|| serde_json::from_slice(json).ok()).flatten()
}

fn set_aside(transaction: &WriteTransaction, row: Row<'_>, limit: u64) -> Result<u64, redb::Error> {
    let mut totals = transaction.open_table(TOTALS)?;
    let mut rows = transaction.open_table(QUARANTINE)?;
    let total = |name| Ok::<_, redb::Error>(totals.get(name)?.map_or(0, |total| total.value()));
    let (mut held, key) = (total(HELD)? + weight(row), total(LAST)? + 1);
    let mut evicted = 0;
    while held > limit {
        let Some((_, oldest)) = rows.pop_first()? else { break };
        held = held.saturating_sub(weight(oldest.value()));
        evicted += 1;
    }
    rows.insert(key, row)?;
    totals.insert(HELD, held)?;
    totals.insert(LAST, key)?;
    Ok(evicted)
}

/// What a row counts against the limit: its texts, and what the table needs for it.
fn weight((_, reason, body): Row<'_>) -> u64 {
    const ROW_BYTES: usize = 64;
    (ROW_BYTES + reason.len() + body.len()) as u64
}

fn failed(path: &Path, source: impl Into<redb::Error>) -> MetaError {
    MetaError::Database { path: path.into(), source: Box::new(source.into()) }
}

fn is_corrupt(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        redb::Error::Io(error) => matches!(error.kind(), InvalidData | UnexpectedEof),
        redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo => false,
        _ => true,
    }
}

/// A name in the directory that no earlier accident has taken.
fn free_name(directory: &Path) -> PathBuf {
    (0..u32::MAX)
        .map(|n| directory.join(format!("meta-{n}.redb")))
        .find(|path| !path.exists())
        .expect("fewer than 2^32 accidents")
}
