//! What is asked of the task that owns the documents.

use std::io;

use tokio::sync::{mpsc, oneshot};

use crate::{model::BucketName, rules::Document};

/// Requests that wait for the store, which may be in a scan. A further asker waits.
const REQUESTS_MAX: usize = 64;

/// Where to ask.
#[derive(Clone, Debug)]
pub struct Requests(mpsc::Sender<Request>);

/// Where the store hears.
pub(super) type Asked = mpsc::Receiver<Request>;

/// One of the things that can be asked.
#[derive(Debug)]
pub(super) enum Request {
    /// What document is in force for this bucket?
    Get { bucket: BucketName, reply: oneshot::Sender<Result<Option<Document>, Unreadable>> },
    /// Put this document in the place of the bucket's.
    Put { bucket: BucketName, document: Document, reply: oneshot::Sender<Result<(), PutError>> },
}

/// Why a document is not stored. The bucket's former one is in force.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Nobody can say what the directory holds.
    #[error("notifications.directory is not what it was; {problem}")]
    Directory {
        /// Why.
        problem: String,
    },
    /// The file cannot be written.
    #[error("cannot write into notifications.directory; make room there, or let fanfare write")]
    Write(#[source] io::Error),
    /// Nobody is there to write it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why nobody can say which document a bucket has.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// Its file is broken and there is no earlier one.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Nobody is there to ask.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// The bucket's file is broken, and nothing is in force in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bucket's notification document cannot be read; `fanfare check` and /readyz say why")]
pub struct Unreadable;

/// The store has stopped, as the daemon is about to.
#[derive(Debug, thiserror::Error)]
#[error("fanfare is about to stop")]
pub struct Stopped;

/// Makes the two ends.
pub(super) fn requests() -> (Requests, Asked) {
    let (sender, asked) = mpsc::channel(REQUESTS_MAX);
    (Requests(sender), asked)
}

impl Requests {
    /// The document in force for a bucket, if it has any.
    pub async fn document(&self, bucket: BucketName) -> Result<Option<Document>, GetError> {
        let (reply, document) = oneshot::channel();
        self.0.send(Request::Get { bucket, reply }).await.or(Err(Stopped))?;
        Ok(document.await.or(Err(Stopped))??)
    }

    /// Stores a document in the place of the bucket's; an empty one removes it. When this returns,
    /// the document is on stable storage and in force. Of two at the same time, one comes after
    /// the other. Whoever stops waiting may find it stored all the same.
    pub async fn put(&self, bucket: BucketName, document: Document) -> Result<(), PutError> {
        let (reply, stored) = oneshot::channel();
        let put = Request::Put { bucket, document, reply };
        self.0.send(put).await.or(Err(Stopped))?;
        stored.await.or(Err(Stopped))?
    }
}
