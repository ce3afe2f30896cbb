//! Replaces a file so that whoever reads it finds the old content or the new, never a mixture.

use std::{fs, io, io::Write, path::Path};

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
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content)?;
    if flush == Flush::Now {
        file.sync_all()?;
    }
    fs::rename(&temporary, path)?;
    if flush == Flush::Now {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}
