//! The writer: one OS thread that owns the end of the log and the account of every lane.
//!
//! It commits at once whatever is queued and never waits to form a group: with one sender the
//! latency of a commit is that sender's rate. Only acknowledgements wait a moment for a record to
//! ride with. It answers an append only after the fsync; after a failed one it answers nothing
//! more and ends.
//!
//! This file has its state and its loop. What it takes into a commit is in `admit` and `release`, the
//! commit in `commit`, what it does beside that in `upkeep`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use ::metrics::Histogram;
use tokio::{
    runtime::{self, Runtime},
    sync::{mpsc, oneshot, watch},
    time::timeout_at,
};

use super::{
    AppendError, Config, DeadLetterId, Journal, NewRecord, WriteError,
    admit::Group,
    checkpoint::{Carried, Checkpointer, Desk},
    dead::Leaving,
    entry::Ack,
    handle::{Meter, Shared},
    ledger::Ledger,
    log::Log,
    metrics,
    reader::{Opened, Tail},
    recent::Recent,
    room::{RETRY, Room},
};

/// Appends and acknowledgements that may wait for the disk.
const QUEUE: usize = 4096;
/// How long acknowledgements wait for a record to ride with.
const ACKS_WAIT: Duration = Duration::from_millis(10);

/// What is asked of the writer.
#[derive(Debug)]
pub(super) enum Command {
    Append {
        records: Vec<NewRecord>,
        reply: Reply,
    },
    Acknowledge {
        lane: u32,
        ack: Ack,
    },
    Open {
        lane: Arc<str>,
        reply: oneshot::Sender<Opened>,
    },
    /// Dead letters that are to be none any more; answered with how many of them were some.
    Release {
        letters: Vec<Leaving>,
        reply: Reply,
    },
    /// Their rows are gone.
    Forget {
        ids: Vec<DeadLetterId>,
    },
    Checkpointed(Carried),
    /// The checkpoint thread panicked.
    CheckpointsEnded,
    /// Nothing but an answer.
    Ping(oneshot::Sender<()>),
}

/// A number with a meaning of its own for each command.
pub(super) type Reply = oneshot::Sender<Result<u64, AppendError>>;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ledger: Ledger,
    /// How many bytes it may have pending.
    pub(super) quota: Option<u64>,
    /// Its name is in the segment that is written.
    pub(super) declared: bool,
    pub(super) tail: watch::Sender<Tail>,
    pub(super) meter: Arc<Meter>,
}

impl Lane {
    pub(super) fn new(ledger: Ledger, tail: Tail, quota: Option<u64>) -> Self {
        let meter = Arc::new(Meter::new(&ledger));
        Self { ledger, quota, declared: false, tail: watch::Sender::new(tail), meter }
    }
}

/// The end of the journal that writes. Runs on a thread of its own.
#[derive(Debug)]
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    queue: mpsc::Receiver<Command>,
    /// Given to the checkpoint thread; weak, since open senders keep the writer running.
    sender: mpsc::WeakSender<Command>,
    pub(super) log: Log,
    pub(super) lanes: Vec<Lane>,
    pub(super) ids: HashMap<Arc<str>, u32>,
    pub(super) next_seq: u64,
    pub(super) group: Group,
    /// What copies are known by; nothing if nobody asks for it.
    pub(super) recent: Option<Recent>,
    pub(super) acks: BTreeMap<u32, Ack>,
    pub(super) acks_due: Option<Instant>,
    pub(super) room: Room,
    pub(super) checkpoint_interval: Duration,
    /// In microseconds.
    pub(super) retention: i64,
    pub(super) checkpoint_due: Option<Instant>,
    /// Orders that were not answered yet.
    pub(super) checkpoints: usize,
    /// The segments that one of them makes one of.
    pub(super) merging: Option<Vec<u64>>,
    /// Every handle and reader is gone.
    pub(super) closing: bool,
    pub(super) buffer: Vec<u8>,
    pub(super) commit_duration: Histogram,
}

/// What recovery knows of the lanes.
#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) ledgers: Vec<Ledger>,
    pub(super) next_seq: u64,
    /// To be written soon.
    pub(super) acks: BTreeMap<u32, Ack>,
    pub(super) recent: Option<Recent>,
}

/// A journal's two ends.
pub(super) fn pair(
    config: &Config,
    shared: Shared,
    log: Log,
    room: Room,
    Accounts { ledgers, next_seq, acks, recent }: Accounts,
) -> (Journal, Writer) {
    let shared = Arc::new(shared);
    let (sender, queue) = mpsc::channel(QUEUE);
    let tail = |ledger: &Ledger| Tail { end: log.end, end_seq: ledger.end, ..Tail::default() };
    let lanes: Vec<Lane> = ledgers
        .into_iter()
        .map(|ledger| {
            let tail = tail(&ledger);
            let quota = room.quotas.of(&ledger.name);
            Lane::new(ledger, tail, quota)
        })
        .collect();
    let ids = lanes.iter().map(|lane| Arc::clone(&lane.ledger.name)).zip(0..).collect();
    let writer = Writer {
        shared: Arc::clone(&shared),
        queue,
        sender: sender.downgrade(),
        log,
        lanes,
        ids,
        next_seq,
        group: Group::default(),
        acks_due: (!acks.is_empty()).then(Instant::now),
        acks,
        recent,
        room,
        checkpoint_interval: config.checkpoint_interval(),
        retention: i64::try_from(config.retention.as_micros()).unwrap_or(i64::MAX),
        checkpoint_due: None,
        checkpoints: 0,
        merging: None,
        closing: false,
        buffer: Vec::new(),
        commit_duration: metrics::commit_duration(),
    };
    writer.publish_meters();
    writer.publish_status();
    writer.shared.set_end(writer.log.end);
    (Journal::new(shared, sender), writer)
}

/// Why the writer woke up.
enum Woken {
    Asked(Command),
    Due,
    Closed,
}

impl Writer {
    /// Runs until every handle and reader is gone and what they asked is written, then writes a
    /// last checkpoint. Blocks; must not be called from within an async runtime.
    pub fn run(mut self) -> Result<(), WriteError> {
        let timer = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(WriteError::Start)?;
        let desk = Desk {
            disk: Arc::clone(&self.log.disk),
            layout: self.log.layout.clone(),
            meta: Arc::clone(&self.shared.meta),
            writer: self.sender.clone(),
        };
        let checkpointer = Checkpointer::start(desk).map_err(WriteError::Start)?;
        // What recovery read need not be read again.
        self.checkpoint_due = Some(Instant::now());
        let ended = self.serve(&timer, &checkpointer);
        if ended.is_err() {
            self.shared.status.send_modify(|status| status.failed = true);
        }
        // Closed before the join: the checkpoint thread must not wait for a place in the queue.
        self.queue.close();
        let last = ended.is_ok().then(|| self.order());
        checkpointer.stop(last);
        ended
    }

    fn serve(&mut self, timer: &Runtime, checkpointer: &Checkpointer) -> Result<(), WriteError> {
        loop {
            match self.wait(timer) {
                Woken::Asked(command) => {
                    self.admit(command)?;
                    self.drain_queue()?;
                }
                Woken::Due => {}
                Woken::Closed => self.closing = true,
            }
            let acks_due = self.acks_due.is_some_and(|due| due <= Instant::now());
            if !self.group.replies.is_empty() || acks_due || self.closing {
                self.commit()?;
            }
            let retry = self.room.retry_is_due();
            if retry || self.room.is_full() {
                self.make_room()?;
            }
            if self.closing {
                return Ok(());
            }
            self.checkpoint(checkpointer);
            // Not while a checkpoint may be in want of the same space.
            if retry && self.checkpoints == 0 {
                self.room.fill();
                self.succeeded();
                if self.room.refusing_disk() && self.retained_until().is_some() {
                    // What is only retained gives way, a segment each time.
                    self.checkpoint_by(Instant::now());
                }
            }
        }
    }

    fn wait(&mut self, timer: &Runtime) -> Woken {
        let dues = [self.acks_due, self.checkpoint_due, self.room.retry_at()];
        let due = dues.into_iter().flatten().min();
        let Some(due) = due else {
            return self.queue.blocking_recv().map_or(Woken::Closed, Woken::Asked);
        };
        let queue = &mut self.queue;
        match timer.block_on(async { timeout_at(due.into(), queue.recv()).await }) {
            Ok(Some(command)) => Woken::Asked(command),
            Ok(None) => Woken::Closed,
            Err(_) => Woken::Due,
        }
    }

    fn drain_queue(&mut self) -> Result<(), WriteError> {
        while !self.group.is_full() {
            let Ok(command) = self.queue.try_recv() else { break };
            self.admit(command)?;
        }
        Ok(())
    }

    fn admit(&mut self, command: Command) -> Result<(), WriteError> {
        match command {
            Command::Append { records, reply } => self.admit_append(records, reply),
            Command::Acknowledge { lane, ack } => {
                self.acks.entry(lane).or_default().merge(&ack);
                let wait = if self.room.retry_at().is_some() { RETRY } else { ACKS_WAIT };
                self.acks_due.get_or_insert_with(|| Instant::now() + wait);
            }
            Command::Open { lane, reply } => {
                let opened = self.open_reader(&lane);
                // A caller that has gone dropped its claim with its future.
                drop(reply.send(opened));
            }
            Command::Release { letters, reply } => self.admit_release(letters, reply),
            Command::Forget { ids } => self.forget(&ids),
            Command::Checkpointed(carried) => return self.checkpointed(carried),
            Command::CheckpointsEnded => return Err(WriteError::Checkpoints),
            // Whoever asked may have given up.
            Command::Ping(reply) => drop(reply.send(())),
        }
        Ok(())
    }

    pub(super) fn publish_meters(&self) {
        let meters = self.lanes.iter().map(|lane| Arc::clone(&lane.meter)).collect();
        self.shared.meters.send_replace(meters);
    }

    pub(super) fn succeeded(&self) {
        if self.room.retry_at().is_none() {
            self.shared.status.send_modify(|status| status.last_error = None);
        }
        self.publish_status();
    }

    pub(super) fn publish_status(&self) {
        let (bytes, segments) = (self.log.bytes, self.log.segments.len());
        self.shared.status.send_modify(|status| {
            (status.bytes, status.segments) = (bytes, segments);
            status.bytes_limit = self.room.limit();
            status.refusing = self.room.refusing();
        });
    }
}

/// A caller that has gone does not wait for its answer.
pub(super) fn answer(reply: Reply, result: Result<u64, AppendError>) {
    drop(reply.send(result));
}
