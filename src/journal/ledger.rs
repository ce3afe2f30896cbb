//! The account of one lane: what it was given, what became of it, what is left.
//!
//! Invariant: `done` covers a sequence number only if the lane has no record there or has
//! finished it. Everything that decides what may be skipped or unlinked asks `done`; the counts
//! are for people, and for choosing what to look at. Live commits and recovery keep the account
//! with the same methods.
//!
//! Books: `accepted = delivered + dead + discarded + lost + pending`. The first is counted at the
//! append, the others when a record is finished, and what is pending per segment, by where its
//! records lie: three counts that meet only in this sum.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    entry::{Ack, Amount, Declaration, Fate, Release, Totals},
    frame::Frame,
    record::Origin,
    runs::Runs,
};

/// Keeps the accounts as a frame of the segment says; `holder` tells which segment holds what
/// another one did.
pub(super) fn replay(
    lanes: &mut BTreeMap<u32, Ledger>,
    frame: &Frame,
    segment: u64,
    holder: impl Fn(u64) -> Option<u64>,
) {
    for declaration in frame.declared() {
        lane(lanes, declaration.lane).declare(declaration);
    }
    for (id, ack) in frame.acks() {
        lane(lanes, id).acknowledge(&ack, &holder);
    }
    for release in frame.releases() {
        lane(lanes, release.lane).release(&release);
    }
    for record in frame.records() {
        for id in record.distinct_lanes() {
            lane(lanes, id).append(record.seq, segment, record.origin, record.amount());
        }
    }
}

/// The declaration of a lane can be lost with a corrupt frame; its records must not be.
fn lane(lanes: &mut BTreeMap<u32, Ledger>, id: u32) -> &mut Ledger {
    lanes.entry(id).or_insert_with(|| Ledger::new(format!("lane-{id}").into()))
}

/// The account of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub(super) name: Arc<str>,
    pub(super) done: Runs,
    /// The sequence number after the lane's last record.
    pub(super) end: u64,
    pub(super) totals: Totals,
    /// What is not finished, by the number of the segment that holds it.
    live: BTreeMap<u64, Amount>,
    /// The sum of `live`.
    #[serde(skip)]
    pending: Amount,
    /// Records that acknowledgements say were found lost, since the account was made or loaded.
    #[serde(skip)]
    told_lost: u64,
    /// Dead letters that are none any more, and whose rows may still be there.
    pub(super) released: BTreeSet<u64>,
}

impl Ledger {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            done: Runs::default(),
            end: 0,
            totals: Totals::default(),
            live: BTreeMap::new(),
            pending: Amount::default(),
            told_lost: 0,
            released: BTreeSet::new(),
        }
    }

    /// Whether every record of the lane is finished.
    pub(super) fn drained(&self) -> bool {
        self.done.first_gap() >= self.end
    }

    /// Below this number the lane needs nothing; `head` is the number of the next record.
    pub(super) fn floor(&self, head: u64) -> u64 {
        if self.drained() { head } else { self.done.first_gap() }
    }

    /// What is not finished, by the number of the segment that holds it.
    pub(super) fn live(&self) -> impl Iterator<Item = (u64, Amount)> + '_ {
        self.live.iter().map(|(&segment, &amount)| (segment, amount))
    }

    pub(super) fn pending(&self) -> Amount {
        self.pending
    }

    /// The account as a segment's first frame carries it.
    pub(super) fn declaration(&self, lane: u32) -> Declaration<'_> {
        let released = self.released.clone();
        Declaration { lane, name: &self.name, totals: self.totals, released }
    }

    /// Takes over an account from the log: it stands at the beginning of its frame.
    pub(super) fn declare(&mut self, declaration: Declaration<'_>) {
        if *self.name != *declaration.name {
            self.name = declaration.name.into();
        }
        self.totals = declaration.totals;
        self.released = declaration.released;
    }

    /// A record was appended to a segment.
    pub(super) fn append(&mut self, seq: u64, segment: u64, origin: Origin, amount: Amount) {
        if self.drained() {
            self.done.insert(0..seq);
        }
        self.end = seq + 1;
        self.live.entry(segment).or_default().add(amount);
        self.pending.add(amount);
        // What is redriven was accepted before it died.
        if origin != Origin::Redrive {
            self.totals.accepted += 1;
        }
    }

    /// Records were finished; `holder` tells which segment holds what another one did.
    pub(super) fn acknowledge(&mut self, ack: &Ack, holder: impl Fn(u64) -> Option<u64>) {
        self.done.extend(&ack.runs);
        self.totals.delivered += ack.delivered;
        self.totals.dead += ack.dead;
        self.totals.discarded += ack.discarded;
        self.totals.lost += ack.lost();
        self.told_lost += ack.lost();
        for (&segment, &amount) in &ack.live {
            if let Some(segment) = holder(segment) {
                self.finish_from(segment, amount);
            }
        }
        // Only corruption leaves something here: what it took is never finished.
        if self.drained() {
            self.totals.lost += self.pending.records;
            self.live.clear();
            self.pending = Amount::default();
        }
    }

    /// Takes what is finished out of a segment. What that has not got is in those after it: a reader
    /// may see a merged segment before the writer hears of the merge.
    fn finish_from(&mut self, segment: u64, mut amount: Amount) {
        while amount.records > 0
            && let Some((&found, live)) = self.live.range_mut(segment..).next()
        {
            let before = *live;
            live.take(amount);
            amount.take(before);
            let left = *live;
            self.pending.take(before);
            self.pending.add(left);
            if left.records == 0 {
                self.pending.take(left);
                self.live.remove(&found);
            }
        }
    }

    pub(super) fn release(&mut self, release: &Release) {
        let new = release.seqs.iter().filter(|&&seq| self.released.insert(seq)).count() as u64;
        self.totals.dead = self.totals.dead.saturating_sub(new);
        if release.fate == Fate::Purged {
            self.totals.discarded += new;
        }
    }

    /// Takes the number of dead letters from their rows, and answers how many had none and how many
    /// were not known: the former are lost, the latter were accepted once.
    pub(super) fn recount_dead(&mut self, rows: u64) -> (u64, u64) {
        let dead = std::mem::replace(&mut self.totals.dead, rows);
        let (missing, found) = (dead.saturating_sub(rows), rows.saturating_sub(dead));
        // A file that was put back was missing before.
        let back = found.min(self.totals.lost);
        self.totals.lost = self.totals.lost - back + missing;
        self.totals.accepted += found - back;
        (missing, found)
    }

    /// Finds the places of what is live after segments were merged or taken away.
    pub(super) fn settle_in(&mut self, holder: impl Fn(u64) -> Option<u64>) {
        self.pending = Amount::default();
        for (segment, amount) in std::mem::take(&mut self.live) {
            if let Some(segment) = holder(segment) {
                self.live.entry(segment).or_default().add(amount);
                self.pending.add(amount);
            } else {
                self.totals.lost += amount.records;
            }
        }
    }

    /// Takes over what a reading of the whole log found live, and balances the books: what is
    /// missing is lost, and what was finished without ever being found was accepted once, as was what a
    /// lane had found lost before.
    pub(super) fn recount(&mut self, live: BTreeMap<u64, Amount>) {
        self.pending = live.values().copied().sum();
        self.live = live;
        let Totals { accepted, delivered, dead, discarded, .. } = self.totals;
        let known = delivered + dead + discarded + self.pending.records;
        self.totals.accepted = accepted.max(known + self.told_lost);
        self.totals.lost = self.totals.accepted - known;
    }
}
