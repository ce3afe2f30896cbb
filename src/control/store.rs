//! Watches the directory of documents and puts what changed in force.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::{Notify, watch},
    task::{JoinError, spawn_blocking},
    time::sleep,
};
use tracing::warn;

use super::{
    Config,
    documents::{Change, Documents, Scope, Status, documents_in},
};
use crate::{model::Destination, route::Shared, stop::Stop};

/// How long to wait after a change for the rest of it.
const QUIET: Duration = Duration::from_millis(100);
/// How long after a read a document that was just written is read again.
const SECOND_LOOK: Duration = Duration::from_millis(1_100);
/// How often to look without being told: network file systems tell nothing.
const RESCAN: Duration = Duration::from_secs(30);

/// Why the documents cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be read.
    #[error("cannot read notifications.directory {}; create it or correct the setting", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory cannot be watched.
    #[error("cannot watch notifications.directory {}", path.display())]
    Watch {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: notify::Error,
    },
}

/// Why watching ended on its own: a scan panicked, which is a bug.
#[derive(Debug, thiserror::Error)]
#[error("the scan of the notification documents panicked")]
pub struct WatchError(#[from] JoinError);

/// The owner of the documents.
#[derive(Debug)]
pub struct Store {
    documents: Documents,
    directory: PathBuf,
    routes: Shared,
    destinations: watch::Sender<HashMap<Arc<str>, Destination>>,
    status: watch::Sender<Status>,
    changed: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

impl Store {
    /// Loads every document and puts the rules in force. A broken document is no error: it shows
    /// in the [`Status`].
    pub fn open(config: &Config, scope: Scope, routes: Shared) -> Result<Self, OpenError> {
        let directory = config.directory.clone();
        // A directory that is not there is the settings' fault, whatever watching it would say.
        documents_in(&directory)?;
        let changed = Arc::new(Notify::new());
        // Watched before the first scan, so that no change falls between the two.
        let watcher = watch_directory(&directory, Arc::clone(&changed))
            .map_err(|source| OpenError::Watch { path: directory.clone(), source })?;
        let mut documents = Documents::new(directory.clone(), scope);
        documents
            .scan()
            .and_then(|_| documents.forget_the_removed())
            .map_err(|source| OpenError::Directory { path: directory.clone(), source })?;
        let store = Self {
            documents,
            directory,
            routes,
            destinations: watch::Sender::default(),
            status: watch::Sender::default(),
            changed,
            _watcher: watcher,
        };
        store.publish();
        Ok(store)
    }

    /// The destinations that the rules in force name, now and after every change.
    pub fn destinations(&self) -> watch::Receiver<HashMap<Arc<str>, Destination>> {
        self.destinations.subscribe()
    }

    /// How the documents are doing, now and after every change.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Follows the directory until the stop.
    pub async fn run(mut self, stop: Stop) -> Result<(), WatchError> {
        loop {
            let next = if self.documents.must_look_again() { SECOND_LOOK } else { RESCAN };
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                () = self.changed.notified() => sleep(QUIET).await,
                () = sleep(next) => {}
            }
            self = spawn_blocking(move || {
                self.rescan();
                self
            })
            .await?;
        }
    }

    fn rescan(&mut self) {
        match self.documents.scan() {
            Ok(Change::Something) => self.publish(),
            Ok(Change::Nothing) => {}
            Err(cause) => {
                let directory = self.directory.display();
                warn!(%directory, %cause, "cannot read the notification documents; the rules stay as they are");
            }
        }
    }

    fn publish(&self) {
        let table = self.documents.table().clone();
        self.destinations.send_replace(table.destinations());
        self.routes.store(table);
        self.status.send_replace(self.documents.status());
    }
}

fn watch_directory(directory: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
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
