//! A commit: the group and the acknowledgements that wait become one durable frame, and then a change of
//! the accounts.
//!
//! Invariant: nothing is answered, and no account changes, before the frame is durable; what it changes
//! is what recovery would read from it.

use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    AppendError, WriteError,
    admit::{GROUP_BYTES, Group},
    entry::Amount,
    frame::Draft,
    log::{CommitError, holder},
    room::{Need, RETRY},
    segment::Place,
    writer::{Writer, answer},
};

impl Writer {
    /// Makes the group and the waiting acknowledgements durable, and says so.
    pub(super) fn commit(&mut self) -> Result<(), WriteError> {
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
    pub(super) fn begin_segment(&mut self) {
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
    pub(super) fn make_room(&mut self) -> Result<(), WriteError> {
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

    /// After a refused write: whether it may be tried again at once.
    pub(super) fn borrow_space(&mut self, source: io::Error) -> bool {
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
}
