//! Watches the directory of documents and puts what changed in force.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, watch},
    task::{JoinError, spawn_blocking},
    time::sleep_until,
};
use tracing::{debug, info, warn};

use super::{
    Broken, Config, InForce, PutError, Scope, Status,
    documents::{Change, Documents},
    files,
    listing::documents_in,
    requests::{Asked, Request, Requests, requests},
    watch::DirectoryWatch,
};
use crate::{
    model::{BucketName, Destination, OneLine},
    route::Shared,
    rules::Document,
    stop::Stop,
};

/// How long to wait after a change for the rest of it.
const QUIET: Duration = Duration::from_millis(100);
/// How often to see whether something is due, and whether the directory is still the same one.
const LOOK: Duration = Duration::from_secs(1);
/// How long to write copies before looking at the directory again.
const COPYING: Duration = Duration::from_millis(100);
/// How many times as long as a scan took to wait before the next one.
const SCANS_REST: u32 = 4;
/// How often to scan without being told: network file systems tell nothing.
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
    destinations: watch::Sender<HashMap<Arc<str>, Destination>>,
    status: watch::Sender<Status>,
    changed: Arc<Notify>,
    asked: Asked,
    watch: DirectoryWatch,
    /// When to look whether a scan is due.
    look_at: Instant,
    scan_at: Instant,
    /// How long to wait after a change: a scan of a large directory must not follow another at once.
    quiet: Duration,
    /// Why the directory cannot be read, while it cannot.
    unreadable: Option<Broken>,
}

impl Store {
    /// Loads every document and puts the rules in force. A broken document is no error: it shows
    /// in the [`Status`]. Documents are asked for and stored through the [`Requests`].
    pub fn open(
        config: &Config,
        scope: Scope,
        routes: Shared,
    ) -> Result<(Self, Requests), OpenError> {
        let directory = config.directory.clone();
        // A directory that cannot be read is the settings' fault, whatever watching it would say.
        documents_in(&directory)?;
        let changed = Arc::new(Notify::new());
        // Watched before the first scan, so that no change falls between the two.
        let watch = DirectoryWatch::open(&directory, Arc::clone(&changed))
            .map_err(|source| OpenError::Watch { path: directory.clone(), source })?;
        if let Err(cause) = files::sweep(&directory) {
            debug!(%cause, "cannot remove what a crash left of a document that was stored");
        }
        let mut documents = Documents::new(directory.clone(), scope, routes);
        let now = Instant::now();
        documents
            .scan(now)
            .map_err(|source| OpenError::Directory { path: directory.clone(), source })?;
        documents.forget_the_removed();
        let (requests, asked) = requests();
        let mut store = Self {
            documents,
            directory,
            destinations: watch::Sender::default(),
            status: watch::Sender::default(),
            changed,
            asked,
            watch,
            look_at: now + QUIET,
            scan_at: now + RESCAN,
            quiet: QUIET,
            unreadable: None,
        };
        store.publish();
        Ok((store, requests))
    }

    /// The destinations that the rules in force name, now and after every change.
    pub fn destinations(&self) -> watch::Receiver<HashMap<Arc<str>, Destination>> {
        self.destinations.subscribe()
    }

    /// How the documents are doing, now and after every change.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Follows the directory and answers requests until nobody is left to ask and the stop is
    /// requested, or until the stop expires.
    pub async fn run(mut self, stop: Stop) -> Result<(), WatchError> {
        let mut may_ask = true;
        loop {
            let look_at = self.look_at;
            // The look comes before the requests: who asks without pause must not hide a change.
            tokio::select! {
                biased;
                () = stop.expired() => return Ok(()),
                () = sleep_until(look_at.into()) => {
                    self = self.blocking(|store| store.look(Instant::now())).await?.0;
                }
                () = self.changed.notified() => {
                    self.scan_at = self.scan_at.min(Instant::now() + self.quiet);
                    self.look_at = self.look_at.min(self.scan_at);
                }
                request = self.asked.recv(), if may_ask => match request {
                    Some(request) => self = self.answer(request).await?,
                    None => may_ask = false,
                },
                () = stop.requested(), if !may_ask => return Ok(()),
            }
        }
    }

    /// An asker that has gone needs no answer.
    async fn answer(self, request: Request) -> Result<Self, JoinError> {
        match request {
            Request::Get { bucket, reply } => {
                drop(reply.send(self.documents.document(&bucket).map(Option::<&Document>::cloned)));
                Ok(self)
            }
            Request::Put { bucket, document, reply } => {
                let put = move |store: &mut Self| store.put(&bucket, document);
                let (store, stored) = self.blocking(put).await?;
                drop(reply.send(stored));
                Ok(store)
            }
        }
    }

    fn put(&mut self, bucket: &BucketName, document: Document) -> Result<(), PutError> {
        if let Some(broken) = &self.unreadable {
            return Err(PutError::Directory { problem: broken.problem.clone() });
        }
        self.documents.put(bucket, document, Instant::now()).map_err(PutError::Write)?;
        self.publish();
        Ok(())
    }

    /// Waits for the disk on a thread that may wait.
    async fn blocking<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Self) -> T + Send + 'static,
    ) -> Result<(Self, T), JoinError> {
        spawn_blocking(move || {
            let done = work(&mut self);
            (self, done)
        })
        .await
    }

    fn look(&mut self, now: Instant) {
        let is_due = self.documents.look_again_at().is_some_and(|at| at <= now);
        if self.watch.renew() || is_due || self.scan_at <= now {
            self.scan_at = now + RESCAN;
            self.scan(now);
            self.quiet = QUIET.max(now.elapsed() * SCANS_REST);
        }
        self.documents.copy_for(COPYING);
        let pause = if self.documents.has_uncopied() { QUIET } else { LOOK };
        self.look_at = (Instant::now() + pause).min(self.scan_at);
    }

    fn scan(&mut self, now: Instant) {
        let directory = OneLine(self.directory.display());
        match self.documents.scan(now) {
            Ok(change) => {
                let is_back = self.unreadable.take().is_some();
                if is_back {
                    info!(%directory, "the notification documents can be read again");
                }
                if is_back || change == Change::Something {
                    self.publish();
                }
            }
            Err(cause) => {
                let problem = format!("cannot read the directory: {cause}");
                let file = self.directory.clone();
                let broken = Broken { file, problem, in_force: InForce::LastGood };
                if self.unreadable.as_ref() != Some(&broken) {
                    warn!(%directory, %cause, "cannot read the notification documents; the rules stay as they are");
                    self.unreadable = Some(broken);
                    self.publish();
                }
            }
        }
    }

    fn publish(&mut self) {
        let table = self.documents.table();
        self.destinations.send_if_modified(|destinations| table.announce(destinations));
        let Status { mut generation, mut applied, .. } = *self.status.borrow();
        if self.documents.take_change() {
            (generation, applied) = (generation + 1, Timestamp::now());
        }
        let Status { loaded, mut broken, .. } = self.documents.status();
        broken.extend(self.unreadable.clone());
        self.status.send_replace(Status { loaded, broken, generation, applied });
    }
}
