//! What the writer takes into its next commit: appends, as far as there is room and quota for them, and
//! lanes that nobody has heard of yet.
//!
//! Invariant: what is refused has left no trace in the group.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Instant,
};

use super::{
    AppendError, NewRecord,
    entry::{Release, Stored},
    frame::{HEADER, RECORD},
    ledger::Ledger,
    reader::{Opened, Tail},
    segment::PAGE,
    writer::{Lane, Reply, Writer, answer},
};

/// A group takes no more appends when it has as many records or bytes.
const GROUP_RECORDS: usize = 4096;
pub(super) const GROUP_BYTES: usize = 8 << 20;

/// What the next commit will hold, without the acknowledgements.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) releases: Vec<Release>,
    pub(super) records: Vec<Stored>,
    /// Of the records, if ids matter.
    pub(super) ids: HashSet<u128>,
    pub(super) bytes: usize,
    /// Of it, what is for lanes that have a quota.
    pub(super) waiting: BTreeMap<u32, u64>,
    pub(super) replies: Vec<(Reply, u64)>,
}

impl Group {
    pub(super) fn is_full(&self) -> bool {
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

impl Writer {
    pub(super) fn admit_append(&mut self, mut records: Vec<NewRecord>, reply: Reply) {
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

    pub(super) fn room_for(&mut self, frame: u64) -> Result<(), AppendError> {
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

    /// The number of a lane; a new one is made known.
    pub(super) fn lane(&mut self, name: &Arc<str>) -> u32 {
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

    pub(super) fn open_reader(&mut self, name: &Arc<str>) -> Opened {
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
}
