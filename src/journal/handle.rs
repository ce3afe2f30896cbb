//! The handle: what every other stage holds of the journal.
//!
//! It only asks and looks; the writer's thread owns all state. The journal stops when the last
//! handle and the last reader are gone.

use std::{
    collections::HashSet,
    fs::File,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytesize::ByteSize;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
};
use uuid::Uuid;

use super::{
    Aside, Config, DatabaseError, History, NewRecord, Quarantined, Reader,
    dead::Store,
    entry::{Amount, Totals},
    ledger::Ledger,
    meta::Meta,
    segment::{Layout, Place},
    writer::Command,
};
use crate::failpoint;

/// One append is one frame, whose length must fit its header with room to spare.
pub(super) const APPEND_BYTES_MAX: u64 = 1 << 30;

/// Why records were not appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no room until more has been delivered.
    #[error(
        "the journal holds {} of at most {}; see which destinations do not take theirs, or raise \
         `journal.size_limit`",
        ByteSize::b(*bytes), ByteSize::b(*limit)
    )]
    Full {
        /// What it holds.
        bytes: u64,
        /// What it may hold.
        limit: u64,
    },
    /// One of the lanes has too much pending.
    #[error(
        "`{lane}` has {} pending of at most {}; see why it does not take them, or raise its `quota`",
        ByteSize::b(*bytes), ByteSize::b(*limit)
    )]
    OverQuota {
        /// The lane.
        lane: Arc<str>,
        /// What it has pending.
        bytes: u64,
        /// What it may have.
        limit: u64,
    },
    /// It would not fit into an empty journal.
    #[error(
        "the request needs {bytes} bytes of the journal, which may hold {limit}; send fewer events \
         at once, or raise `journal.size_limit`"
    )]
    TooLarge {
        /// What it needs.
        bytes: u64,
        /// What the journal may hold, or take at once.
        limit: u64,
    },
    /// The disk refused; nothing was accepted, and a later append may succeed.
    #[error("the disk did not take the records; check its free space")]
    Disk {
        /// What the disk said.
        source: Arc<io::Error>,
    },
    /// The disk could not say what is durable: the process must end.
    #[error("the journal has failed; start again from what is durable")]
    Failed,
    /// The journal has stopped.
    #[error("the journal has stopped")]
    Closed,
}

/// What became of an append, beside that it is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// How many ids had been accepted within the window: their records were not appended again.
    pub duplicates: u64,
}

/// Why a lane's reader was not opened.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenReaderError {
    /// A lane has one reader at a time.
    #[error("lane `{lane}` already has a reader")]
    Taken {
        /// The lane.
        lane: Arc<str>,
    },
    /// The journal has stopped, or failed.
    #[error("the journal has stopped")]
    Closed,
}

/// A lane as the journal counts it, at one moment:
/// `accepted = delivered + dead + discarded + lost + pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Records it was ever given. What was redriven is not counted again.
    pub accepted: u64,
    /// Records its receiver has.
    pub delivered: u64,
    /// Its dead letters.
    pub dead: u64,
    /// Records that an operator's own command or setting gave up.
    pub discarded: u64,
    /// Records that corruption took, each reported when it was found.
    pub lost: u64,
    /// Records that it has not finished durably.
    pub pending: u64,
    /// The bytes of their bodies.
    pub pending_bytes: u64,
}

/// Why appends are refused.
#[derive(Clone, Debug)]
pub enum Refusing {
    /// The last append did not fit the limit, and nothing was freed since.
    Full,
    /// The disk refused a write, and has not had space for the reserve since.
    Disk {
        /// What it said last.
        source: Arc<io::Error>,
    },
}

/// The journal as it stands.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What the segments hold.
    pub bytes: u64,
    /// What they may hold.
    pub bytes_limit: u64,
    /// How many there are.
    pub segments: usize,
    /// What the dead letters hold.
    pub dead_letters_bytes: u64,
    /// What they may hold.
    pub dead_letters_limit: u64,
    /// How many bodies are in quarantine.
    pub quarantine_rows: u64,
    /// What they hold.
    pub quarantine_bytes: u64,
    /// What they may hold.
    pub quarantine_limit: u64,
    /// Groups made durable since the start.
    pub commits: u64,
    /// Records made durable since the start.
    pub records: u64,
    /// Checkpoints since the start.
    pub checkpoints: u64,
    /// Compactions since the start.
    pub compactions: u64,
    /// The last write or checkpoint that failed, until one succeeds.
    pub last_error: Option<Arc<io::Error>>,
    /// Appends are refused now, but may be taken later.
    pub refusing: Option<Refusing>,
    /// The writer has failed: the process must end.
    pub failed: bool,
}

/// The counts of a lane, written by the writer only, all at once: whoever looks sees one moment.
#[derive(Debug)]
pub(super) struct Meter {
    name: Arc<str>,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Debug)]
struct Counts {
    totals: Totals,
    pending: Amount,
}

impl Counts {
    fn of(ledger: &Ledger) -> Self {
        Self { totals: ledger.totals, pending: ledger.pending() }
    }
}

impl Meter {
    pub(super) fn new(ledger: &Ledger) -> Self {
        Self { name: Arc::clone(&ledger.name), counts: Mutex::new(Counts::of(ledger)) }
    }

    pub(super) fn publish(&self, ledger: &Ledger) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = Counts::of(ledger);
    }

    pub(super) fn status(&self) -> LaneStatus {
        let Counts { totals, pending } =
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Totals { accepted, delivered, dead, discarded, lost } = totals;
        let Amount { records: pending, bytes: pending_bytes } = pending;
        let name = Arc::clone(&self.name);
        LaneStatus { name, accepted, delivered, dead, discarded, lost, pending, pending_bytes }
    }
}

/// What handles, readers and the writer have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) journal: Uuid,
    pub(super) meta: Arc<Meta>,
    pub(super) dead: Store,
    pub(super) meters: watch::Sender<Arc<[Arc<Meter>]>>,
    /// What the writer knows; the two databases know the rest of it.
    pub(super) status: watch::Sender<Status>,
    /// After the last durable frame; the writer's.
    end: Mutex<Place>,
    /// The lanes that have a reader. A lane is claimed before its reader is asked for and let go
    /// when that is dropped, so the writer has seen every acknowledgement of the one before. Taken
    /// only then, never per record.
    claims: Mutex<HashSet<Arc<str>>>,
    quarantine_limit: u64,
    deduplicates: bool,
    /// Held for as long as anything could write.
    _lock: File,
}

impl Shared {
    pub(super) fn new(
        config: &Config,
        layout: Layout,
        lock: File,
        (meta, dead): (Meta, Store),
        journal: Uuid,
    ) -> Self {
        Self {
            layout,
            journal,
            meta: Arc::new(meta),
            dead,
            meters: watch::Sender::new([].into()),
            status: watch::Sender::default(),
            end: Mutex::default(),
            claims: Mutex::default(),
            quarantine_limit: config.quarantine_limit.as_u64(),
            deduplicates: config.dedupe_window.is_some(),
            _lock: lock,
        }
    }

    /// After the last durable frame.
    pub(super) fn end(&self) -> Place {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_end(&self, end: Place) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    /// Of every lane, by its number.
    pub(super) fn lane_names(&self) -> Vec<Arc<str>> {
        self.meters.borrow().iter().map(|meter| Arc::clone(&meter.name)).collect()
    }

    fn claim(self: &Arc<Self>, lane: &Arc<str>) -> Option<Claim> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = claims.insert(Arc::clone(lane));
        claimed.then(|| Claim { shared: Arc::clone(self), lane: Arc::clone(lane) })
    }

    /// Why the writer does not answer.
    pub(super) fn ended(&self) -> AppendError {
        if self.status.borrow().failed { AppendError::Failed } else { AppendError::Closed }
    }
}

/// The right to read a lane.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) shared: Arc<Shared>,
    pub(super) lane: Arc<str>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claims = self.shared.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.remove(&self.lane);
    }
}

/// The handle of an open journal.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(super) shared: Arc<Shared>,
    /// A full queue makes its sender wait. It never drops.
    pub(super) queue: mpsc::Sender<Command>,
}

impl Journal {
    pub(super) fn new(shared: Arc<Shared>, queue: mpsc::Sender<Command>) -> Self {
        Self { shared, queue }
    }

    /// Appends all of the records or none; they are durable when it returns `Ok`. Records whose id
    /// was accepted within the window are left out; those of one append that share an id are one
    /// thing, and never copies of each other.
    ///
    /// Dropped half-way, it may still append.
    pub async fn append(&self, records: Vec<NewRecord>) -> Result<Appended, AppendError> {
        if records.is_empty() {
            return Ok(Appended::default());
        }
        let bytes = records.iter().map(|record| record.body.len() as u64).sum();
        if bytes > APPEND_BYTES_MAX {
            return Err(AppendError::TooLarge { bytes, limit: APPEND_BYTES_MAX });
        }
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Command::Append { records, reply }).await.is_err() {
            return Err(self.shared.ended());
        }
        let duplicates = answer.await.unwrap_or_else(|_| Err(self.shared.ended()))?;
        Ok(Appended { duplicates })
    }

    /// Whether copies are known by their ids.
    pub fn deduplicates(&self) -> bool {
        self.shared.deduplicates
    }

    /// Opens the lane's reader, of which there is one at a time, before the first record that the
    /// lane has not acknowledged. A lane that is new begins at the end of the journal.
    pub async fn reader(&self, lane: &Arc<str>) -> Result<Reader, OpenReaderError> {
        let taken = || OpenReaderError::Taken { lane: Arc::clone(lane) };
        let claim = self.shared.claim(lane).ok_or_else(taken)?;
        let (reply, answer) = oneshot::channel();
        let open = Command::Open { lane: Arc::clone(lane), reply };
        self.queue.send(open).await.or(Err(OpenReaderError::Closed))?;
        let opened = answer.await.or(Err(OpenReaderError::Closed))?;
        Ok(Reader::new(claim, self.queue.clone(), opened))
    }

    /// Waits until the writer has come to this, behind all that it was asked before. It answers
    /// whether there still is a writer.
    pub async fn ping(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Command::Ping(reply)).await.is_ok() && answer.await.is_ok()
    }

    /// Every lane the journal has heard of.
    pub fn lanes(&self) -> Vec<LaneStatus> {
        self.shared.meters.borrow().iter().map(|meter| meter.status()).collect()
    }

    /// The lane that has the most bytes pending: where to look when the journal is full.
    pub fn largest_lane(&self) -> Option<LaneStatus> {
        self.lanes().into_iter().max_by_key(|lane| lane.pending_bytes)
    }

    /// What was accepted from the first moment on and before the second, and after this record,
    /// as far as it is still there: pending, retained, or not freed yet.
    pub fn history(&self, since: Timestamp, until: Timestamp, after: Option<u64>) -> History {
        History::new(Arc::clone(&self.shared), since, until, after)
    }

    /// The journal as it stands. Does not wait.
    pub fn status(&self) -> Status {
        let Shared { dead, meta, status, quarantine_limit, .. } = &*self.shared;
        let quarantine = meta.held();
        Status {
            dead_letters_bytes: dead.bytes(),
            dead_letters_limit: dead.limit(),
            quarantine_rows: quarantine.rows,
            quarantine_bytes: quarantine.bytes,
            quarantine_limit: *quarantine_limit,
            ..status.borrow().clone()
        }
    }

    /// Sets bodies aside, all or none, durably; returns how many of the oldest rows gave way.
    pub async fn quarantine(&self, asides: Vec<Aside>) -> Result<u64, DatabaseError> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            shared.meta.quarantine(Timestamp::now(), &asides, shared.quarantine_limit)
        })
        .await
        .expect("a database call is neither cancelled nor panics")
    }

    /// What was set aside after this row, oldest first: at most so many rows, and no more bytes
    /// unless the first alone has more.
    pub async fn quarantined(
        &self,
        after: Option<u64>,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Quarantined>, DatabaseError> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || shared.meta.quarantined(after, rows_max, bytes_max))
            .await
            .expect("a database call is neither cancelled nor panics")
    }

    /// Removes rows that were set aside, and replaces what others hold, all or none, durably. A row
    /// that is not there any more is left out. Answers how many were removed.
    pub async fn settle_quarantine(
        &self,
        gone: Vec<u64>,
        left: Vec<(u64, Aside)>,
    ) -> Result<u64, DatabaseError> {
        let shared = Arc::clone(&self.shared);
        failpoint::here("journal::settle");
        let settled = spawn_blocking(move || shared.meta.settle_quarantine(&gone, &left))
            .await
            .expect("a database call is neither cancelled nor panics");
        failpoint::here("journal::settled");
        settled
    }
}
