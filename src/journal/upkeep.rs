//! The writer's upkeep: when a checkpoint is made, what it lets the writer unlink and merge, and what
//! came of that.
//!
//! Invariant: a segment is unlinked only when no lane needs a record in it or before it, and neither
//! unlinked nor merged while it is retained, unless the journal would soon refuse an append: then
//! the oldest goes first.

use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{debug, warn};

use super::{
    WriteError,
    checkpoint::{Carried, Checkpoint, Checkpointer, Order},
    compact::{Candidate, CompactError, Merge, Merged, choose, copied},
    entry::Amount,
    log::holder,
    recent::Recent,
    room::{Need, RETRY, is_full},
    writer::Writer,
};

/// Of what is retained, so much may be looked at again in vain.
const RETAINED_WAIT_MIN: Duration = Duration::from_secs(1);

impl Writer {
    pub(super) fn checkpoint(&mut self, checkpointer: &Checkpointer) {
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

    pub(super) fn checkpointed(&mut self, carried: Carried) -> Result<(), WriteError> {
        let Carried { unlinked, remembered, error, merged } = carried;
        self.checkpoints -= 1;
        if let (Some(recent), Some(end)) = (&mut self.recent, remembered) {
            recent.saved(end);
        }
        self.merging.take_if(|_| merged.is_some());
        self.log.forget(&unlinked);
        match merged {
            Some(Ok(merged)) => self.merged(&merged),
            Some(Err(CompactError::Refused(error))) => {
                self.not_merged(&error);
            }
            Some(Err(CompactError::Illegible { segment, source })) => {
                warn!(segment, error = %source, "a segment cannot be read, and is not merged");
                self.log.give_up(segment);
                // Those beside it may be.
                self.checkpoint_due = Some(Instant::now());
            }
            Some(Err(CompactError::Fatal(source))) => {
                return Err(WriteError::Sync { path: self.log.layout.segments(), source });
            }
            None if unlinked.is_empty() => {}
            None => self.room.freed(),
        }
        self.room.retry_now();
        if let Some(error) = error {
            self.checkpoint_failed(error);
        } else {
            self.shared.status.send_modify(|status| status.checkpoints += 1);
            self.succeeded();
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

    fn not_merged(&mut self, error: &io::Error) {
        debug!(%error, "segments not merged");
        // It takes space to free some; but the lower half of the reserve is for acknowledgements.
        if is_full(error.kind()) && self.room.refusing_disk() && self.room.lend(Need::Durability) {
            self.checkpoint_due = Some(Instant::now());
        }
    }

    fn merged(&mut self, merged: &Merged) {
        let mut live = Amount::default();
        for (segment, amount) in self.lanes.iter().flat_map(|lane| lane.ledger.live()) {
            if (merged.first..=merged.through).contains(&segment) {
                live.add(amount);
            }
        }
        self.log.merge(merged, copied(live));
        for lane in &mut self.lanes {
            lane.ledger.settle_in(|segment| holder(&self.log.segments, segment));
        }
        self.shared.status.send_modify(|status| status.compactions += 1);
        self.room.freed();
        // There may be more to merge.
        self.checkpoint_due = Some(Instant::now());
    }

    /// Without a merge.
    pub(super) fn order(&self) -> Order {
        let ledgers = self.lanes.iter().map(|lane| lane.ledger.clone());
        let checkpoint = Checkpoint {
            journal: self.log.journal,
            next_seq: self.next_seq,
            time: self.log.time,
            replay: self.log.end,
            lanes: (0..).zip(ledgers).collect(),
        };
        let merging = self.merging.as_ref().and_then(|segments| segments.first());
        let mut unlink = self.unneeded();
        // What is merged now will stand for more than it does yet.
        unlink.retain(|id| merging.is_none_or(|first| id < first));
        let recent = self.recent.as_ref().map(Recent::recollect);
        Order { checkpoint, recent, unlink, merge: None }
    }

    /// With what to merge, beside the segments that are unlinked.
    pub(super) fn order_with_merge(&self) -> Order {
        let mut order = self.order();
        order.merge = self.choose(&order.unlink);
        order
    }

    /// No lane needs a record below it.
    pub(super) fn floor(&self) -> u64 {
        let floors = self.lanes.iter().map(|lane| lane.ledger.floor(self.next_seq));
        floors.min().unwrap_or(self.next_seq)
    }

    /// The oldest segments that no lane needs and that need not be retained.
    fn unneeded(&self) -> Vec<u64> {
        let (expired, mut held) = (self.expired(), self.log.bytes);
        let below = self.log.below(self.floor()).into_iter().zip(0..);
        let gives_way = below.take_while(|&(id, place)| {
            let bytes = self.log.segments.get(&id).map_or(0, |segment| segment.bytes);
            let goes = place < expired || self.room.is_tight(held, self.log.bytes);
            held -= bytes;
            goes
        });
        gives_way.map(|(id, _)| id).collect()
    }

    /// How many segments, from the oldest on, hold nothing that is younger than the retention.
    fn expired(&self) -> usize {
        let bound = self.log.now().saturating_sub(self.retention);
        let ends = self.log.segments.values().skip(1).map(|next| next.time);
        ends.take_while(|&end| end <= bound).count()
    }

    /// When the oldest of the segments that are only retained need not be any more.
    pub(super) fn retained_until(&self) -> Option<Instant> {
        let expired = self.expired();
        let oldest = self.log.below(self.floor()).len() > expired;
        let next = self.log.segments.values().nth(expired + 1).filter(|_| oldest)?;
        let wait = next.time.saturating_add(self.retention).saturating_sub(self.log.now());
        let wait = Duration::from_micros(u64::try_from(wait).unwrap_or(0));
        Instant::now().checked_add(wait.max(RETAINED_WAIT_MIN))
    }

    fn choose(&self, unlinked: &[u64]) -> Option<Merge> {
        let mut live: BTreeMap<u64, Amount> = BTreeMap::new();
        for (segment, amount) in self.lanes.iter().flat_map(|lane| lane.ledger.live()) {
            live.entry(segment).or_default().add(amount);
        }
        let (segments, bytes) = (&self.log.segments, self.log.bytes);
        // What is unlinked may be enough; then what is retained stays.
        let freed = unlinked.iter().filter_map(|id| segments.get(id)).map(|it| it.bytes);
        let tight = self.room.is_tight(bytes - freed.sum::<u64>(), bytes);
        let ends = segments.values().skip(1).map(|next| next.first_seq);
        let sealed = segments.iter().zip(ends).map(|((&id, &segment), end_seq)| {
            let live = live.get(&id).copied().unwrap_or_default();
            Candidate { id, segment, end_seq, live }
        });
        let old = sealed.take(if tight { segments.len() } else { self.expired() });
        choose(old.skip(unlinked.len()), self.lanes.len(), self.log.segment_bytes)
    }
}
