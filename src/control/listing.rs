//! What the directory holds, by bucket.
//!
//! Every name of a document that the directory gives is in the listing, whether or not its file can
//! be examined: a link whose target is away for a moment must not pass for a removal.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};

use super::{DocumentError, OpenError};

/// How old a file's time must be to tell every later write from this one.
const RECENT: SignedDuration = SignedDuration::from_secs(1);

/// The files by stem, so that a file with an impossible name is a broken document too.
pub(super) type Listing = BTreeMap<String, Found>;

/// The files of one bucket: one, unless somebody left two.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Each with the state it is in, or why nobody can say.
    pub(super) files: Vec<(PathBuf, Result<Stamp, io::ErrorKind>)>,
    /// A file that was written a moment ago may be written again without a change of its time.
    pub(super) recent: bool,
}

/// What tells one state of a file from another. Length and time of writing are not enough: tools
/// that copy files keep the time, so another file with the same two may take the place of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Nobody can set the time of the last change, so only that one is trusted.
    fn is_recent(&self, now: Timestamp) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let changed = SignedDuration::new(seconds, i32::try_from(nanoseconds).unwrap_or(0));
        now.as_duration() - changed < RECENT
    }
}

impl Found {
    /// What a listing would find after this file was written.
    pub(super) fn just_written(path: PathBuf) -> Self {
        let stamp = examine(&path).unwrap_or(Err(io::ErrorKind::NotFound));
        Self { files: vec![(path, stamp)], recent: true }
    }

    /// The one file of the bucket.
    pub(super) fn file(&self) -> Result<&Path, DocumentError> {
        match self.files.as_slice() {
            [(path, _)] => Ok(path),
            [_, (other, _), ..] => Err(DocumentError::Twice { other: other.clone() }),
            [] => Err(DocumentError::Read(io::ErrorKind::NotFound.into())),
        }
    }
}

/// The documents of a directory.
pub fn documents_in(directory: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let found = list(directory)
        .map_err(|source| OpenError::Directory { path: directory.into(), source })?;
    let files = found.into_values().flat_map(|found| found.files);
    Ok(files.map(|(path, _)| path).collect())
}

/// Files of a directory that nobody reads, although their names are nearly those of documents.
pub fn misnamed_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let is_near = |path: &PathBuf| {
        let ending = path.extension().map(OsStr::to_ascii_lowercase);
        let ending = ending.as_deref().and_then(OsStr::to_str);
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_near = matches!(ending, Some("json" | "xml" | "yaml" | "yml" | "txt"));
        is_near && !is_hidden && stem_of(path).is_none()
    };
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<_> = entries.collect::<io::Result<_>>()?;
    files.retain(is_near);
    files.sort();
    Ok(files)
}

/// Lists a directory. Names that begin with a dot are not documents: editors and Kubernetes keep
/// their own files under such names.
pub(super) fn list(directory: &Path) -> io::Result<Listing> {
    let mut listing = Listing::new();
    let now = Timestamp::now();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(stem) = stem_of(&path) else { continue };
        let Some(stamp) = examine(&path) else { continue };
        let found = listing.entry(stem).or_default();
        found.recent |= stamp.is_ok_and(|stamp| stamp.is_recent(now));
        found.files.push((path, stamp));
    }
    for found in listing.values_mut() {
        found.files.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Ok(listing)
}

/// The files of one bucket that are there at this moment, the JSON one first.
pub(super) fn files_of(directory: &Path, stem: &str) -> Vec<PathBuf> {
    let files = ["json", "xml"].map(|form| directory.join(format!("{stem}.{form}")));
    files.into_iter().filter(|file| fs::symlink_metadata(file).is_ok()).collect()
}

/// The state of a file; none if its name disappeared since the directory gave it.
fn examine(path: &Path) -> Option<Result<Stamp, io::ErrorKind>> {
    let examined = fs::metadata(path).map_err(|cause| cause.kind());
    let is_gone = |path| {
        fs::symlink_metadata(path).is_err_and(|cause| cause.kind() == io::ErrorKind::NotFound)
    };
    if examined.as_ref().is_err_and(|kind| *kind == io::ErrorKind::NotFound) && is_gone(path) {
        return None;
    }
    Some(examined.map(|metadata| Stamp::of(&metadata)))
}

/// The name of the bucket, if the file is named like a document.
pub(super) fn stem_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".xml"))?;
    (!stem.starts_with('.')).then(|| stem.to_owned())
}
