//! The writer: one OS thread that owns the end of the log and the account of every lane.
//!
//! It commits at once whatever is queued and never waits to form a group: with one sender the
//! latency of a commit is that sender's rate. Only acknowledgements wait a moment for a record to
//! ride with. It answers an append only after the fsync; after a failed one it answers nothing
//! more and ends.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
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
    AppendError, Config, DeadLetterId, Journal, NewRecord, Origin, WriteError,
    checkpoint::{Carried, Checkpointer, Desk},
    dead::Leaving,
    entry::{Ack, Amount, Fate, Release, Stored},
    frame::{Draft, HEADER, RECORD},
    handle::{Meter, Shared},
    ledger::Ledger,
    log::{CommitError, Log, holder},
    metrics,
    reader::{Opened, Tail},
    recent::Recent,
    room::{Need, RETRY, Room, is_full},
    segment::{PAGE, Place},
};

/// Appends and acknowledgements that may wait for the disk.
const QUEUE: usize = 4096;
/// A group takes no more appends when it has as many records or bytes.
const GROUP_RECORDS: usize = 4096;
const GROUP_BYTES: usize = 8 << 20;
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
type Reply = oneshot::Sender<Result<u64, AppendError>>;

/// What the next commit will hold, without the acknowledgements.
#[derive(Debug, Default)]
struct Group {
    releases: Vec<Release>,
    records: Vec<Stored>,
    /// Of the records, if ids matter.
    ids: HashSet<u128>,
    bytes: usize,
    /// Of it, what is for lanes that have a quota.
    waiting: BTreeMap<u32, u64>,
    replies: Vec<(Reply, u64)>,
}

impl Group {
    fn is_full(&self) -> bool {
        self.records.len() >= GROUP_RECORDS || self.bytes >= GROUP_BYTES
    }
}

/// Records of an append that are accepted already.
#[derive(Debug, Default)]
struct Copies {
    /// How many ids they have.
    count: u64,
    /// One of them is not durable before the group is.
    waiting: bool,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ledger: Ledger,
    /// How many bytes it may have pending.
    quota: Option<u64>,
    /// Its name is in the segment that is written.
    declared: bool,
    tail: watch::Sender<Tail>,
    meter: Arc<Meter>,
}

impl Lane {
    fn new(ledger: Ledger, tail: Tail, quota: Option<u64>) -> Self {
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
    ids: HashMap<Arc<str>, u32>,
    pub(super) next_seq: u64,
    group: Group,
    /// What copies are known by; nothing if nobody asks for it.
    pub(super) recent: Option<Recent>,
    acks: BTreeMap<u32, Ack>,
    acks_due: Option<Instant>,
    pub(super) room: Room,
    checkpoint_interval: Duration,
    /// In microseconds.
    pub(super) retention: i64,
    pub(super) checkpoint_due: Option<Instant>,
    /// Orders that were not answered yet.
    pub(super) checkpoints: usize,
    /// The segments that one of them makes one of.
    pub(super) merging: Option<Vec<u64>>,
    /// Every handle and reader is gone.
    closing: bool,
    buffer: Vec<u8>,
    commit_duration: Histogram,
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

    /// Nothing else may come that has one ordered: a full journal takes no append.
    pub(super) fn checkpoint_failed(&mut self, error: io::Error) {
        let at_once = if is_full(error.kind()) {
            self.borrow_space(error)
        } else {
            self.shared.status.send_modify(|status| status.last_error = Some(Arc::new(error)));
            false
        };
        let wait = if at_once { Duration::ZERO } else { RETRY };
        self.checkpoint_by(Instant::now() + wait);
        self.publish_status();
    }

    fn admit_append(&mut self, mut records: Vec<NewRecord>, reply: Reply) {
        let Copies { count, waiting } = self.drop_copies(&mut records);
        if records.is_empty() && !waiting {
            answer(reply, Ok(count));
            return;
        }
        let size = |record: &NewRecord| record.body.len() + RECORD + 4 * record.lanes.len();
        let bytes: usize = records.iter().map(size).sum();
        let frame = (HEADER + bytes) as u64 + PAGE;
        if let Some(error) = records.iter().find_map(|record| self.over_quota(record)) {
            answer(reply, Err(error));
            return;
        }
        if let Err(error) = self.room_for(frame) {
            answer(reply, Err(error));
            return;
        }
        self.group.bytes += bytes;
        self.group.replies.push((reply, count));
        for record in records {
            if self.recent.is_some() {
                self.group.ids.extend(record.id);
            }
            let lanes: Vec<u32> = record.lanes.iter().map(|lane| self.lane(lane)).collect();
            let NewRecord { body, id, origin, .. } = record;
            for &lane in &lanes {
                if self.quota(lane).is_some() {
                    *self.group.waiting.entry(lane).or_default() += body.len() as u64;
                }
            }
            self.group.records.push(Stored { lanes, id: id.unwrap_or(0), origin, body });
        }
    }

    /// Takes the records away whose ids were accepted lately, or wait for the same commit.
    fn drop_copies(&mut self, records: &mut Vec<NewRecord>) -> Copies {
        let Some(recent) = &mut self.recent else { return Copies::default() };
        recent.expire(self.log.tick());
        let waits = |id| self.group.ids.contains(&id);
        let mut copies = HashSet::new();
        records.retain(|record| {
            let copy = record.id.filter(|&id| id != 0 && (recent.contains(id) || waits(id)));
            copies.extend(copy);
            copy.is_none()
        });
        Copies { count: copies.len() as u64, waiting: copies.into_iter().any(waits) }
    }

    fn room_for(&mut self, frame: u64) -> Result<(), AppendError> {
        let was_full = self.room.is_full();
        let admitted = self.room.admit(self.log.bytes, self.group.bytes as u64, frame);
        if admitted.is_err() {
            // What is only retained gives way.
            if self.room.is_full() && !was_full {
                self.checkpoint_by(Instant::now());
            }
            self.publish_status();
        }
        admitted
    }

    fn quota(&self, lane: u32) -> Option<u64> {
        self.lanes.get(lane as usize).and_then(|lane| lane.quota)
    }

    /// A lane that has less than its quota takes the next append whole, so that none is too large.
    fn over_quota(&self, record: &NewRecord) -> Option<AppendError> {
        record.lanes.iter().find_map(|name| {
            let &id = self.ids.get(name)?;
            let lane = self.lanes.get(id as usize)?;
            let limit = lane.quota?;
            let waiting = self.group.waiting.get(&id).copied().unwrap_or(0);
            let bytes = lane.ledger.pending().bytes + waiting;
            let lane = Arc::clone(name);
            (bytes >= limit).then_some(AppendError::OverQuota { lane, bytes, limit })
        })
    }

    /// A letter that was released before, and whose row is still there, is none.
    fn admit_release(&mut self, mut letters: Vec<Leaving>, reply: Reply) {
        letters.retain(|Leaving { id, .. }| {
            let lane = self.ids.get(&id.lane).and_then(|&lane| self.lanes.get(lane as usize));
            lane.is_none_or(|lane| !lane.ledger.released.contains(&id.seq))
        });
        let size =
            |letter: &Leaving| 8 + letter.body.as_ref().map_or(0, |it| it.len() + RECORD + 4);
        let bytes: usize = letters.iter().map(size).sum();
        let frame = (HEADER + bytes) as u64 + PAGE;
        // What is purged takes no more than an acknowledgement does.
        if letters.iter().any(|letter| letter.body.is_some())
            && let Err(error) = self.room_for(frame)
        {
            answer(reply, Err(error));
            return;
        }
        if letters.is_empty() {
            answer(reply, Ok(0));
            return;
        }
        self.group.bytes += bytes;
        self.group.replies.push((reply, letters.len() as u64));
        for letter in letters {
            self.take_back(letter);
        }
    }

    fn take_back(&mut self, Leaving { id, body }: Leaving) {
        let lane = self.lane(&id.lane);
        let fate = if body.is_some() { Fate::Redriven } else { Fate::Purged };
        match self.group.releases.last_mut() {
            Some(last) if last.lane == lane && last.fate == fate => last.seqs.push(id.seq),
            _ => self.group.releases.push(Release { lane, fate, seqs: vec![id.seq] }),
        }
        if let Some(body) = body {
            let record = Stored { lanes: vec![lane], id: 0, origin: Origin::Redrive, body };
            self.group.records.push(record);
        }
    }

    fn forget(&mut self, ids: &[DeadLetterId]) {
        for DeadLetterId { lane, seq } in ids {
            let lane = self.ids.get(lane).and_then(|&lane| self.lanes.get_mut(lane as usize));
            if let Some(lane) = lane {
                lane.ledger.released.remove(seq);
            }
        }
    }

    /// The number of a lane; a new one is made known.
    fn lane(&mut self, name: &Arc<str>) -> u32 {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = u32::try_from(self.lanes.len()).expect("fewer than 2^32 lanes");
        let tail = Tail { end: self.log.end, ..Tail::default() };
        let quota = self.room.quotas.of(name);
        self.lanes.push(Lane::new(Ledger::new(Arc::clone(name)), tail, quota));
        self.ids.insert(Arc::clone(name), id);
        self.publish_meters();
        id
    }

    fn open_reader(&mut self, name: &Arc<str>) -> Opened {
        let id = self.lane(name);
        let lane = self.lanes.get(id as usize).expect("just found");
        let mut done = lane.ledger.done.clone();
        if let Some(waiting) = self.acks.get(&id) {
            done.extend(&waiting.runs);
        }
        let drained = done.first_gap() >= lane.ledger.end;
        let (start, next_seq) = if drained {
            (self.log.end, self.next_seq)
        } else {
            (self.log.start_of(done.first_gap()), done.first_gap())
        };
        let (tail, meter) = (lane.tail.subscribe(), Arc::clone(&lane.meter));
        Opened { id, start, next_seq, done, tail, meter }
    }

    /// Makes the group and the waiting acknowledgements durable, and says so.
    fn commit(&mut self) -> Result<(), WriteError> {
        let group = std::mem::take(&mut self.group);
        if group.replies.is_empty() {
            return self.commit_acks();
        }
        match self.write(&group) {
            Ok(()) => {
                group.replies.into_iter().for_each(|(reply, count)| answer(reply, Ok(count)));
                Ok(())
            }
            Err(CommitError::Refused(source)) => {
                let source = Arc::new(source);
                self.refuse(Arc::clone(&source));
                let error = AppendError::Disk { source };
                group.replies.into_iter().for_each(|(reply, _)| answer(reply, Err(error.clone())));
                self.commit_acks()
            }
            Err(CommitError::Fatal(error)) => {
                // First, so that whoever asks next hears the same.
                self.shared.status.send_modify(|status| status.failed = true);
                let failed = || Err(AppendError::Failed);
                group.replies.into_iter().for_each(|(reply, _)| answer(reply, failed()));
                Err(error)
            }
        }
    }

    /// Acknowledgements without records, out of the reserve if need be: they free space, and must
    /// not share the fate of what does not fit.
    fn commit_acks(&mut self) -> Result<(), WriteError> {
        while !self.acks.is_empty() {
            match self.write(&Group::default()) {
                Ok(()) => {}
                Err(CommitError::Refused(source)) => {
                    if !self.borrow_space(source) {
                        self.acks_due = Some(Instant::now() + RETRY);
                        break;
                    }
                }
                Err(CommitError::Fatal(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// After a refused write: whether it may be tried again at once.
    fn borrow_space(&mut self, source: io::Error) -> bool {
        self.refuse(Arc::new(source));
        self.room.lend(self.need())
    }

    fn refuse(&mut self, source: Arc<io::Error>) {
        self.room.refuse(Arc::clone(&source));
        self.shared.status.send_modify(|status| status.last_error = Some(source));
        self.publish_status();
    }

    /// Whether what waits to be written, or was, frees a segment.
    fn need(&self) -> Need {
        let floors = self.lanes.iter().zip(0..).map(|(lane, id)| {
            let mut done = lane.ledger.done.clone();
            self.acks.get(&id).into_iter().for_each(|ack| done.extend(&ack.runs));
            let gap = done.first_gap();
            if gap >= lane.ledger.end { self.next_seq } else { gap }
        });
        let floor = floors.min().unwrap_or(self.next_seq);
        let frees = floor == self.next_seq || !self.log.below(floor).is_empty();
        if frees || self.closing { Need::Urgent } else { Need::Durability }
    }

    fn write(&mut self, group: &Group) -> Result<(), CommitError> {
        if self.log.prepare(self.next_seq)? {
            self.begin_segment();
        }
        let time = self.log.tick();
        let mut draft = Draft::new(self.next_seq, time, std::mem::take(&mut self.buffer));
        for (lane, id) in self.lanes.iter().zip(0..).filter(|(lane, _)| !lane.declared) {
            draft.declare(&lane.ledger.declaration(id));
        }
        self.acks.iter().for_each(|(&id, ack)| draft.acknowledge(id, ack));
        group.releases.iter().for_each(|release| draft.release(release));
        group.records.iter().for_each(|record| draft.record(record));
        let begun = Instant::now();
        let (at, buffer) = self.log.commit(draft)?;
        self.commit_duration.record(begun.elapsed());
        // A rare large group must not keep its memory.
        self.buffer = if buffer.capacity() > GROUP_BYTES / 8 { Vec::new() } else { buffer };
        self.account(group, at);
        Ok(())
    }

    /// Every segment's first frame declares every lane, with its account: no segment needs another.
    fn begin_segment(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.declared = false);
        self.checkpoint_due = Some(Instant::now());
    }

    /// What a durable frame changes: in the same order as recovery reads it.
    fn account(&mut self, group: &Group, at: Place) {
        self.lanes.iter_mut().for_each(|lane| lane.declared = true);
        self.acks_due = None;
        // The lanes that the frame concerns; where the first record of one that had none lies.
        let mut touched: BTreeMap<u32, Option<u64>> = BTreeMap::new();
        for (id, ack) in std::mem::take(&mut self.acks) {
            let lane = self.lanes.get_mut(id as usize).expect("its reader was opened");
            lane.ledger.acknowledge(&ack, |segment| holder(&self.log.segments, segment));
            touched.insert(id, None);
        }
        for release in &group.releases {
            let lane = self.lanes.get_mut(release.lane as usize).expect("it has dead letters");
            lane.ledger.release(release);
            touched.entry(release.lane).or_default();
        }
        for (record, seq) in group.records.iter().zip(self.next_seq..) {
            for (place, &id) in record.lanes.iter().enumerate() {
                let again = record.lanes.iter().take(place).any(|&before| before == id);
                if again {
                    continue;
                }
                let lane = self.lanes.get_mut(id as usize).expect("made known on admission");
                let drained = lane.ledger.drained();
                let resume = touched.entry(id).or_default();
                *resume = resume.or(drained.then_some(seq));
                let amount = Amount { records: 1, bytes: record.body.len() as u64 };
                lane.ledger.append(seq, at.segment, record.origin, amount);
            }
        }
        for record in group.records.iter().filter(|record| record.id != 0) {
            let time = self.log.time;
            self.recent.iter_mut().for_each(|recent| recent.add(record.id, time));
        }
        self.next_seq += group.records.len() as u64;
        self.shared.set_end(self.log.end);
        for (id, resume) in touched {
            let lane = self.lanes.get(id as usize).expect("made known on admission");
            lane.meter.publish(&lane.ledger);
            lane.tail.send_if_modified(|tail| {
                let grown = tail.end_seq < lane.ledger.end;
                if grown {
                    (tail.end, tail.end_seq) = (self.log.end, lane.ledger.end);
                }
                if let Some(seq) = resume {
                    (tail.resume, tail.resume_seq) = (at, seq);
                }
                grown
            });
        }
        let refused = self.room.retry_at().is_some();
        let interval = self.checkpoint_interval.min(if refused { RETRY } else { Duration::MAX });
        self.checkpoint_by(Instant::now() + interval);
        if !group.records.is_empty() {
            self.room.taken();
        }
        self.shared.status.send_modify(|status| {
            status.commits += 1;
            status.records += group.records.len() as u64;
        });
        self.succeeded();
    }

    /// The segment that is written is never unlinked: when it holds only what is delivered and an
    /// append was refused for want of space, it is sealed early.
    fn make_room(&mut self) -> Result<(), WriteError> {
        let last = self.log.segments.last_key_value();
        let holds_records = last.is_some_and(|(_, segment)| segment.first_seq < self.next_seq);
        if !holds_records || self.floor() < self.next_seq {
            return Ok(());
        }
        loop {
            match self.log.roll(self.next_seq) {
                Ok(()) => {
                    self.begin_segment();
                    return Ok(());
                }
                Err(CommitError::Refused(source)) => {
                    if !self.borrow_space(source) {
                        return Ok(());
                    }
                }
                Err(CommitError::Fatal(error)) => return Err(error),
            }
        }
    }

    /// No lane needs a record below it.
    pub(super) fn floor(&self) -> u64 {
        let floors = self.lanes.iter().map(|lane| lane.ledger.floor(self.next_seq));
        floors.min().unwrap_or(self.next_seq)
    }

    fn checkpoint(&mut self, checkpointer: &Checkpointer) {
        let now = Instant::now();
        if self.checkpoint_due.is_none_or(|due| due > now) {
            return;
        }
        // One at a time: what it unlinks and merges must not be named in another.
        if self.checkpoints > 0 {
            // Again soon, with a newer state.
            self.checkpoint_due = Some(now + self.checkpoint_interval.min(RETRY));
            return;
        }
        let order = self.order_with_merge();
        self.merging = order.merge.as_ref().map(|merge| merge.segments.clone());
        self.checkpoints += usize::from(checkpointer.order(order));
        self.checkpoint_due = self.retained_until();
    }

    pub(super) fn checkpoint_by(&mut self, due: Instant) {
        self.checkpoint_due = Some(self.checkpoint_due.map_or(due, |earlier| earlier.min(due)));
    }

    fn publish_meters(&self) {
        let meters = self.lanes.iter().map(|lane| Arc::clone(&lane.meter)).collect();
        self.shared.meters.send_replace(meters);
    }

    pub(super) fn succeeded(&self) {
        if self.room.retry_at().is_none() {
            self.shared.status.send_modify(|status| status.last_error = None);
        }
        self.publish_status();
    }

    fn publish_status(&self) {
        let (bytes, segments) = (self.log.bytes, self.log.segments.len());
        self.shared.status.send_modify(|status| {
            (status.bytes, status.segments) = (bytes, segments);
            status.bytes_limit = self.room.limit();
            status.refusing = self.room.refusing();
        });
    }
}

/// A caller that has gone does not wait for its answer.
fn answer(reply: Reply, result: Result<u64, AppendError>) {
    drop(reply.send(result));
}
