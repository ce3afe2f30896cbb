//! Replaces a file so that whoever reads it finds the old content or the new, never a mixture.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// When the new content has to be on stable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Before the replacement, which is on stable storage in the end: a crash of the machine, too,
    /// leaves the old content or the new.
    Now,
    /// When the system gets round to it: a crash of the machine may leave neither.
    Later,
}

/// Writes a temporary file beside the target and renames it over the target.
pub fn replace(path: &Path, content: &[u8], flush: Flush) -> io::Result<()> {
    let temporary = temporary(path)?;
    let replaced =
        write(&temporary, path, content, flush).and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        // It may hold the last blocks of a full disk. Where it cannot be removed it does no harm.
        drop(fs::remove_file(&temporary));
    }
    replaced?;
    match flush {
        Flush::Now => directory_of(path)?.sync_all(),
        Flush::Later => Ok(()),
    }
}

fn temporary(path: &Path) -> io::Result<PathBuf> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no name");
    let name = path.file_name().ok_or_else(missing)?;
    Ok(path.with_file_name(format!(".{}.new", name.to_string_lossy())))
}

/// Whoever could read the old file can read the new one.
fn write(temporary: &Path, path: &Path, content: &[u8], flush: Flush) -> io::Result<()> {
    let mut file = fs::File::create(temporary)?;
    if let Some(metadata) = unless_missing(fs::metadata(path))? {
        file.set_permissions(metadata.permissions())?;
    }
    file.write_all(content)?;
    match flush {
        Flush::Now => file.sync_all(),
        Flush::Later => Ok(()),
    }
}

/// The directory that holds the file.
pub fn directory_of(path: &Path) -> io::Result<fs::File> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no directory");
    fs::File::open(path.parent().ok_or_else(missing)?)
}

/// Nothing instead of an error where there is no file.
pub fn unless_missing<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}
