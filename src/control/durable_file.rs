//! Replaces a file so that a crash leaves the old content or the new, never a mixture.

use std::{fs, io, io::Write, path::Path};

/// Writes a temporary file beside the target, syncs it, renames it over the target, and syncs
/// the directory.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no parent or name");
    let (directory, name) = path.parent().zip(path.file_name()).ok_or_else(missing)?;
    let temporary = directory.join(format!(".{}.new", name.to_string_lossy()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    fs::File::open(directory)?.sync_all()
}
