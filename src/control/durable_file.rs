//! Replaces a file so that whoever reads it finds the old content or the new, never a mixture; and
//! removes files for good.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// When the new content has to be on stable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// Before the replacement, which is on stable storage in the end: a crash of the machine, too,
    /// leaves the old content or the new.
    Now,
    /// When the system gets round to it: a crash of the machine may leave neither.
    Later,
}

/// Writes a temporary file beside the target and renames it over the target.
pub(super) fn replace(path: &Path, content: &[u8], flush: Flush) -> io::Result<()> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no parent or name");
    let (directory, name) = path.parent().zip(path.file_name()).ok_or_else(missing)?;
    let temporary = directory.join(format!(".{}.new", name.to_string_lossy()));
    let replaced = write(&temporary, content, flush).and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        // It may hold the last blocks of a full disk. Where it cannot be removed it does no harm.
        drop(fs::remove_file(&temporary));
    }
    replaced?;
    match flush {
        Flush::Now => sync(directory),
        Flush::Later => Ok(()),
    }
}

/// Removes files of this directory for good; one that is not there is removed already.
pub(super) fn remove(directory: &Path, files: &[&PathBuf]) -> io::Result<()> {
    for file in files {
        match fs::remove_file(file) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    if files.is_empty() { Ok(()) } else { sync(directory) }
}

fn write(path: &Path, content: &[u8], flush: Flush) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(content)?;
    match flush {
        Flush::Now => file.sync_all(),
        Flush::Later => Ok(()),
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}
