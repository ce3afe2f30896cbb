//! Checkpoints: how far the log is accounted for, so that a start need not read all of it.
//!
//! Written by their own thread, since redb's commit is several times slower than the log's. That
//! thread unlinks segments, and only after the checkpoint that makes them unnecessary is durable.

use std::{
    collections::BTreeMap,
    error::Error,
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::WeakSender;
use tracing::{debug, warn};
use uuid::Uuid;

use super::{
    compact::{CompactError, Compaction, Merge, Merged},
    disk::Disk,
    ledger::Ledger,
    meta::Meta,
    recent::Recollection,
    segment::{Layout, Place},
    writer::Command,
};
use crate::failpoint;

/// The account of every lane at one place of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) journal: Uuid,
    /// The number of the next record.
    pub(super) next_seq: u64,
    /// Of the last commit, in microseconds since 1970.
    pub(super) time: i64,
    /// What follows this place is not in the accounts.
    pub(super) replay: Place,
    pub(super) lanes: BTreeMap<u32, Ledger>,
}

/// A checkpoint to write, the segments that it makes unnecessary, and those to make one of then.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) checkpoint: Checkpoint,
    /// What to remember beside it, if anything.
    pub(super) recent: Option<Recollection>,
    pub(super) unlink: Vec<u64>,
    pub(super) merge: Option<Merge>,
}

/// What came of an order.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) unlinked: Vec<u64>,
    /// The ids that were accepted lately are durable with it up to this number.
    pub(super) remembered: Option<u64>,
    pub(super) error: Option<io::Error>,
    pub(super) merged: Option<Result<Merged, CompactError>>,
}

/// The thread that writes checkpoints.
#[derive(Debug)]
pub(super) struct Checkpointer {
    orders: SyncSender<Order>,
    thread: JoinHandle<()>,
}

/// What the thread needs.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) layout: Layout,
    pub(super) meta: Arc<Meta>,
    /// Weak, since the open queue is what keeps the writer running.
    pub(super) writer: WeakSender<Command>,
}

impl Checkpointer {
    pub(super) fn start(desk: Desk) -> io::Result<Self> {
        // One order may wait while one is written; the writer tries again later.
        let (orders, inbox) = sync_channel(1);
        let run = move || {
            let ran = panic::catch_unwind(AssertUnwindSafe(|| desk.run(&inbox)));
            if let Err(panicked) = ran {
                // The writer would find this thread busy for ever.
                desk.tell(Command::CheckpointsEnded);
                panic::resume_unwind(panicked);
            }
        };
        let thread = thread::Builder::new().name("checkpoint".into()).spawn(run)?;
        Ok(Self { orders, thread })
    }

    /// `false` if the thread is busy.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Writes what was ordered, and a last checkpoint if there is one.
    pub(super) fn stop(self, last: Option<Order>) {
        let Self { orders, thread } = self;
        if let Some(order) = last
            && orders.send(order).is_err()
        {
            warn!("the last checkpoint was not written; the next start reads more of the log");
        }
        drop(orders);
        if thread.join().is_err() {
            warn!("the checkpoint thread panicked; the next start reads more of the log");
        }
    }
}

impl Desk {
    fn run(&self, inbox: &Receiver<Order>) {
        let mut failing = false;
        // Segments that stand for nothing any more, and could not be unlinked.
        let mut leftovers = Vec::new();
        while let Ok(order) = inbox.recv() {
            failpoint::here("journal::checkpoint");
            let set = self.meta.set_checkpoint(&order.checkpoint, order.recent.as_ref());
            let remembered = order.recent.filter(|_| set.is_ok()).map(|recent| recent.end);
            let (unlinked, error) = match set {
                Ok(()) => {
                    failpoint::here("journal::checkpointed");
                    self.unlink(&order.unlink)
                }
                Err(error) => (Vec::new(), Some(io::Error::new(error.kind(), error))),
            };
            if let Some(error) = error.as_ref().filter(|_| !failing) {
                warn!(error = error as &dyn Error, "checkpoint failed, will retry");
            }
            failing = error.is_some();
            let merge = order.merge.filter(|_| !failing);
            let merged = merge.map(|merge| self.merge(&order.checkpoint, &merge, &mut leftovers));
            let carried = Carried { unlinked, remembered, error, merged };
            self.tell(Command::Checkpointed(carried));
        }
    }

    fn merge(
        &self,
        checkpoint: &Checkpoint,
        merge: &Merge,
        leftovers: &mut Vec<u64>,
    ) -> Result<Merged, CompactError> {
        let (disk, layout) = (&*self.disk, &self.layout);
        let merged = Compaction { disk, layout, checkpoint }.run(merge)?;
        leftovers.extend(merge.segments.iter().skip(1));
        let (unlinked, _) = self.unlink(leftovers);
        leftovers.retain(|id| !unlinked.contains(id));
        Ok(merged)
    }

    fn tell(&self, command: Command) {
        if let Some(writer) = self.writer.upgrade()
            && writer.blocking_send(command).is_err()
        {
            debug!("the writer has ended");
        }
    }

    /// The segments that are gone, and why another is not.
    fn unlink(&self, segments: &[u64]) -> (Vec<u64>, Option<io::Error>) {
        let (mut unlinked, mut failed) = (Vec::new(), None);
        for &segment in segments {
            failpoint::here("journal::unlink");
            match self.disk.remove(&self.layout.segment(segment)) {
                Ok(()) => {
                    failpoint::here("journal::unlinked");
                    debug!(segment, "segment unlinked");
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    debug!(segment, %error, "cannot unlink a segment");
                    failed = Some(error);
                    continue;
                }
            }
            unlinked.push(segment);
        }
        (unlinked, failed)
    }
}
