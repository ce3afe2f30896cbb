//! The handle of the replays: what whoever asks for one holds. It only asks and looks; the
//! [`Runner`](super::Runner) owns them.

use std::{io, sync::Arc};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Order, Replay};
use crate::model::Destination;

/// Asks for replays, ends them, and knows of all.
#[derive(Clone, Debug)]
pub struct Replays {
    /// A full queue makes its sender wait. It never drops.
    requests: mpsc::Sender<Request>,
    known: watch::Receiver<Arc<[Replay]>>,
}

/// Why no replay was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is one at a time.
    #[error("replay {id} is running; wait for its end, or cancel it")]
    Running {
        /// Which.
        id: u64,
    },
    /// Nothing lies between the two times.
    #[error("there is nothing between since {since} and until {until}; since is the earlier one")]
    Empty {
        /// The beginning as it was given.
        since: Timestamp,
        /// The end as it was given, or now.
        until: Timestamp,
    },
    /// Nobody but the asker says that the destination is to have these events.
    #[error(
        "no rule names {destination}, so it would get every event that fits; correct the ARN, or \
         say `everything`"
    )]
    Unnamed {
        /// The destination as it was given.
        destination: Destination,
    },
    /// A replay that could not be remembered would not survive a restart.
    #[error("the replay cannot be written down in the journal's directory")]
    Disk(#[source] io::Error),
    /// The daemon stops.
    #[error("the daemon is stopping")]
    Stopped,
}

/// Why a replay was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no replay of this number.
    #[error("there is no replay {id}; `fanfare replay --status` lists them")]
    Unknown {
        /// The number.
        id: u64,
    },
    /// The daemon stops.
    #[error("the daemon is stopping")]
    Stopped,
}

/// What the runner is asked.
#[derive(Debug)]
pub(super) enum Request {
    Start { order: Order, reply: oneshot::Sender<Result<Replay, StartError>> },
    Cancel { id: u64, reply: oneshot::Sender<Result<Replay, CancelError>> },
}

impl Replays {
    pub(super) fn new(
        requests: mpsc::Sender<Request>,
        known: watch::Receiver<Arc<[Replay]>>,
    ) -> Self {
        Self { requests, known }
    }

    /// Those that run or have ended, the oldest first.
    pub fn all(&self) -> Arc<[Replay]> {
        Arc::clone(&self.known.borrow())
    }

    /// The replay of this number.
    pub fn find(&self, id: u64) -> Option<Replay> {
        self.known.borrow().iter().find(|replay| replay.id == id).cloned()
    }

    /// Starts a replay, which goes on until it has read everything, across restarts.
    pub async fn start(&self, order: Order) -> Result<Replay, StartError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Start { order, reply };
        self.requests.send(request).await.or(Err(StartError::Stopped))?;
        answer.await.unwrap_or(Err(StartError::Stopped))
    }

    /// Ends a replay; what it has sent stays sent. One that has ended is answered as it is.
    pub async fn cancel(&self, id: u64) -> Result<Replay, CancelError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Cancel { id, reply };
        self.requests.send(request).await.or(Err(CancelError::Stopped))?;
        answer.await.unwrap_or(Err(CancelError::Stopped))
    }
}
