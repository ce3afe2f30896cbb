//! Changes several files of the documents' directory together.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tracing::error;

use crate::durable_file::{Flush, directory_of, replace, unless_missing};

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
