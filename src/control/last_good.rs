//! Copies of the last readable documents, for a restart beside a broken one.
//!
//! They are kept in the directory of the documents, under a name that is no document's. Where they
//! cannot be kept everything else goes on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tracing::warn;

use super::{
    listing::list,
    read::{Scope, read_document},
};
use crate::{
    durable_file::{Flush, replace},
    model::{BucketName, OneLine},
    rules::Document,
};

/// The owner of the copies.
#[derive(Debug)]
pub(super) struct LastGood {
    directory: PathBuf,
    /// The last attempt to keep a copy failed, and was reported: a read-only directory is one
    /// finding, whatever the number of documents.
    refused: bool,
    /// There was a directory of copies once.
    seen: bool,
}

impl LastGood {
    pub(super) fn new(documents: &Path) -> Self {
        let directory = documents.join(".last-good");
        let seen = directory.is_dir();
        Self { directory, refused: false, seen }
    }

    /// Keeps a copy, unless there is one already.
    pub(super) fn keep(&mut self, stem: &str, document: &Document, flush: Flush) {
        let (path, text) = (self.path(stem), document.to_json());
        if fs::read(&path).is_ok_and(|copy| copy == text.as_bytes()) {
            return;
        }
        let kept = self.create_directory().and_then(|()| replace(&path, text.as_bytes(), flush));
        self.report(kept);
    }

    /// Reads a copy, if there is one that can be used.
    pub(super) fn read(&self, stem: &str, scope: &Scope) -> Option<(BucketName, Document)> {
        read_document(&self.path(stem), scope).ok()
    }

    /// Drops the copy of a document that was removed: a later, broken document of that bucket must
    /// not bring back what an operator took away.
    pub(super) fn remove(&mut self, stem: &str) {
        let removed = match fs::remove_file(self.path(stem)) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return,
            removed => removed,
        };
        self.report(removed);
    }

    /// The documents of which there are copies.
    pub(super) fn stems(&self) -> Vec<String> {
        list(&self.directory).map_or_else(|_| Vec::new(), |listing| listing.into_keys().collect())
    }

    /// Whether the directory of the copies is gone, which nobody removes with a document.
    pub(super) fn are_lost(&self) -> bool {
        self.seen && !self.directory.exists()
    }

    /// Not the directory above: where that is gone, somebody is about to put another in its place.
    fn create_directory(&mut self) -> io::Result<()> {
        match fs::create_dir(&self.directory) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            created => created?,
        }
        self.seen = true;
        Ok(())
    }

    fn report(&mut self, outcome: io::Result<()>) {
        let was_refused = std::mem::replace(&mut self.refused, outcome.is_err());
        if let Err(cause) = outcome
            && !was_refused
        {
            let directory = OneLine(self.directory.display());
            warn!(%directory, %cause, "cannot keep copies of the documents; if one breaks, a restart will find nothing, or something old, in its place");
        }
    }

    fn path(&self, stem: &str) -> PathBuf {
        self.directory.join(format!("{stem}.json"))
    }
}
