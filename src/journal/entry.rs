//! What a frame is made of, lanes by number: declarations, acknowledgements, releases, records.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Sum,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    record::{Origin, Outcome},
    runs::Runs,
};

/// A record as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) lanes: Vec<u32>,
    /// 0: none.
    pub(super) id: u128,
    pub(super) origin: Origin,
    pub(super) body: Bytes,
}

/// Records and the bytes of their bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub(super) struct Amount {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl Amount {
    pub(super) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }

    pub(super) fn take(&mut self, other: Self) {
        self.records = self.records.saturating_sub(other.records);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), |mut sum, amount| {
            sum.add(amount);
            sum
        })
    }
}

impl From<(u64, u64)> for Amount {
    fn from((records, bytes): (u64, u64)) -> Self {
        Self { records, bytes }
    }
}

impl From<Amount> for (u64, u64) {
    fn from(amount: Amount) -> Self {
        (amount.records, amount.bytes)
    }
}

/// Records of a lane since it began, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) accepted: u64,
    pub(super) delivered: u64,
    pub(super) dead: u64,
    pub(super) discarded: u64,
    /// Neither in the log any more nor acknowledged: corruption took them.
    pub(super) lost: u64,
}

/// A lane as a segment's first frame makes it known: its name, and its account before that frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declaration<'a> {
    pub(super) lane: u32,
    pub(super) name: &'a str,
    pub(super) totals: Totals,
    pub(super) released: BTreeSet<u64>,
}

/// What a lane has finished: how many of its records in which way, what is no longer live in which
/// segment, and the runs of sequence numbers in which every record of the lane is now finished.
/// Runs span the records of other lanes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) delivered: u64,
    pub(super) dead: u64,
    pub(super) discarded: u64,
    pub(super) runs: Runs,
    /// By the number of the segment that the reader found them in.
    pub(super) live: BTreeMap<u64, Amount>,
}

impl Ack {
    /// Every record of the lane below the number is finished, whatever became of it.
    pub(super) fn below(seq: u64) -> Self {
        Self { runs: Runs::below(seq), ..Self::default() }
    }

    pub(super) fn count(&mut self, outcome: Outcome, segment: u64, bytes: u64) {
        match outcome {
            Outcome::Delivered => self.delivered += 1,
            Outcome::Dead => self.dead += 1,
            Outcome::Discarded => self.discarded += 1,
            // Told by what is live no more and came to no other end.
            Outcome::Lost => {}
        }
        self.live.entry(segment).or_default().add(Amount { records: 1, bytes });
    }

    /// How many of its records are gone.
    pub(super) fn lost(&self) -> u64 {
        let finished: u64 = self.live.values().map(|amount| amount.records).sum();
        finished.saturating_sub(self.delivered + self.dead + self.discarded)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.dead += other.dead;
        self.discarded += other.discarded;
        self.runs.extend(&other.runs);
        for (&segment, &amount) in &other.live {
            self.live.entry(segment).or_default().add(amount);
        }
    }
}

/// Dead letters that are none any more, in the frame that makes it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) lane: u32,
    pub(super) fate: Fate,
    /// The numbers of the records that died.
    pub(super) seqs: Vec<u64>,
}

/// What became of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The same frame has each of them as a new record.
    Redriven,
    /// They are counted as discarded.
    Purged,
}

impl Fate {
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Redriven => 0,
            Self::Purged => 1,
        }
    }

    pub(super) fn of_code(code: u32) -> Self {
        if code == 1 { Self::Purged } else { Self::Redriven }
    }
}
