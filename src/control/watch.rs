//! Tells when something happens in the directory, also after another one took its place.
//!
//! The kernel watches a directory, not a name: once the directory is removed, renamed or mounted
//! over, it says nothing about the one that has the name now. So the name is looked up from time to
//! time, and the watch set up anew.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

use crate::model::OneLine;

/// Watches whatever directory has the name.
#[derive(Debug)]
pub(super) struct DirectoryWatch {
    directory: PathBuf,
    changed: Arc<Notify>,
    /// The directory that is watched; none while there is none of that name.
    watched: Option<Identity>,
    watcher: Option<RecommendedWatcher>,
}

/// Device, inode and birth: a new directory is often given the inode of the one just removed.
type Identity = (u64, u64, Option<SystemTime>);

impl DirectoryWatch {
    /// Notifies `changed` of every change from now on.
    pub(super) fn open(directory: &Path, changed: Arc<Notify>) -> notify::Result<Self> {
        // Identified before it is watched: if it is replaced in between, the next look finds out.
        let watched = identity_of(directory);
        let watcher = Some(watch(directory, Arc::clone(&changed))?);
        Ok(Self { directory: directory.into(), changed, watched, watcher })
    }

    /// Follows the name to another directory. Whether it had to: then nobody watched for a moment.
    pub(super) fn renew(&mut self) -> bool {
        let identity = identity_of(&self.directory);
        if identity == self.watched {
            return false;
        }
        self.watched = identity;
        self.watcher = None;
        if identity.is_some() {
            match watch(&self.directory, Arc::clone(&self.changed)) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(cause) => {
                    let directory = OneLine(self.directory.display());
                    warn!(%directory, %cause, "cannot watch the notification documents; changes apply late");
                }
            }
        }
        true
    }
}

fn identity_of(directory: &Path) -> Option<Identity> {
    let metadata = fs::metadata(directory).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

fn watch(directory: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    // What happened does not matter, and an error means that something may have been missed:
    // the scan finds out either way.
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.map_or(true, |event| !event.kind.is_access()) {
            changed.notify_one();
        }
    })?;
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
