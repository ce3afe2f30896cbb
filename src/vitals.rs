//! How the daemon is doing, in one sentence, and whether it moves at all.
//!
//! It only looks and asks; it mends nothing.

use std::{fmt, sync::Arc, time::Duration};

use bytesize::ByteSize;
use tokio::{sync::watch, time::timeout};

use crate::{
    control,
    deliver::{LaneState, Pulse, Statuses},
    journal::{self, Journal},
    reload,
};

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Vitals {
    /// What is pending.
    pub journal: Journal,
    /// Whether the lanes move.
    pub lanes: Pulse,
    /// How each lane is doing.
    pub statuses: Statuses,
    /// The notification documents.
    pub documents: watch::Receiver<control::Status>,
    /// How the last reload went.
    pub reload: watch::Receiver<reload::Status>,
}

/// Who does not move.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Stuck {
    /// The journal's thread: the disk hangs, most likely.
    #[error("the journal's writer has not answered for {0:?}; look at the disk")]
    Writer(Duration),
    /// The task that owns the lanes.
    #[error("the owner of the lanes has not answered for {0:?}")]
    Lanes(Duration),
    /// Single lanes: they wait for something that has no deadline.
    #[error("lanes that do not move: {}", .0.join(", "))]
    Lane(Vec<Arc<str>>),
}

impl Vitals {
    /// What the daemon does, in one line for the service manager.
    pub fn sentence(&self) -> String {
        let refused = refusal(&self.journal.status());
        let broken = self.documents.borrow().broken.len();
        let reload = self.reload.borrow().problem.clone();
        let parts = [
            refused.map(|why| format!("Refusing events: {why}")),
            Some(self.deliveries()),
            (broken > 0).then(|| format!("{} cannot be used", count(broken, "document"))),
            reload.map(|why| format!("The last reload changed nothing: {why}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(". ")
    }

    fn deliveries(&self) -> String {
        let lanes = self.statuses.all();
        if lanes.is_empty() {
            return "No destination yet".into();
        }
        let states = LaneState::ALL.into_iter().filter_map(|state| {
            let of_state = lanes.iter().filter(|lane| lane.state == state).count();
            (of_state > 0).then(|| format!("{of_state} {}", state.name()))
        });
        let states = states.collect::<Vec<_>>().join(", ");
        let all = count(lanes.len(), "destination");
        match self.journal.lanes().iter().map(|lane| lane.pending).sum::<u64>() {
            0 => format!("{all}: {states}; nothing pending"),
            pending => format!("{all}: {states}; {pending} pending"),
        }
    }

    /// Whether the journal's writer and every lane move; the writer and the owner of the lanes may
    /// take the given time to say so.
    pub async fn check(&self, patience: Duration) -> Result<(), Stuck> {
        let (writer, lanes) = tokio::join!(
            timeout(patience, self.journal.ping()),
            timeout(patience, self.lanes.stuck())
        );
        if writer.is_err() {
            return Err(Stuck::Writer(patience));
        }
        match lanes {
            Ok(Some(stuck)) if !stuck.is_empty() => Err(Stuck::Lane(stuck)),
            // What has ended ends the process, which is nobody's to delay.
            Ok(_) => Ok(()),
            Err(_) => Err(Stuck::Lanes(patience)),
        }
    }
}

/// Why the journal takes no events, if it does not.
pub fn refusal(status: &journal::Status) -> Option<String> {
    if status.failed {
        return Some("the disk could not say what is durable; the process has to end".into());
    }
    let (bytes, limit) = (ByteSize::b(status.bytes), ByteSize::b(status.bytes_limit));
    status.refusing.as_ref().map(|refusing| match refusing {
        journal::Refusing::Full => format!("full: {bytes} of at most {limit}"),
        journal::Refusing::Disk { source } => format!("the disk refuses: {source}"),
    })
}

fn count(number: usize, noun: &str) -> impl fmt::Display {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
