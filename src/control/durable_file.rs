//! Replaces a file so that whoever reads it finds the old content or the new, never a mixture.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use tracing::error;

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

/// Writes a file and removes others, all of one directory, for good or not at all. A link is
/// followed: its target is what is written.
///
/// A crash in between may leave files that were to be removed beside the old content.
pub(super) fn swap(written: Option<(&Path, &[u8])>, removed: &[PathBuf]) -> io::Result<()> {
    let target = written.map(|(path, content)| {
        (fs::canonicalize(path).unwrap_or_else(|_missing| path.into()), content)
    });
    let target = target.as_ref().map(|(path, content)| (path.as_path(), *content));
    let paths = removed.iter().map(PathBuf::as_path).chain(target.map(|(path, _)| path));
    // Everything that can be refused beforehand is.
    let before = paths.map(|path| Ok((path, content_of(path)?, directory_of(path)?)));
    let before: Vec<_> = before.collect::<io::Result<_>>()?;
    let swapped = removed
        .iter()
        .try_for_each(|path| unless_missing(fs::remove_file(path)).map(drop))
        .and_then(|()| target.map_or(Ok(()), |(path, text)| replace(path, text, Flush::Now)))
        .and_then(|()| before.iter().try_for_each(|(_, _, directory)| directory.sync_all()));
    if swapped.is_err() {
        for (path, content, _) in &before {
            put_back(path, content.as_deref());
        }
    }
    swapped
}

/// Removes what a crash left of temporary files.
pub(super) fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| {
            name.starts_with('.') && (name.ends_with(".json.new") || name.ends_with(".xml.new"))
        });
        if is_ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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

fn put_back(path: &Path, content: Option<&[u8]>) {
    let back = match content {
        Some(content) => replace(path, content, Flush::Later),
        None => unless_missing(fs::remove_file(path)).map(drop),
    };
    if let Err(cause) = back {
        let file = path.display().to_string();
        error!(file, %cause, "cannot put a notification document back");
    }
}

fn content_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    unless_missing(fs::read(path))
}

fn directory_of(path: &Path) -> io::Result<fs::File> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no directory");
    fs::File::open(path.parent().ok_or_else(missing)?)
}

fn unless_missing<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}
