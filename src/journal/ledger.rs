//! The account of one lane: what it was given, what it has finished.
//!
//! Invariant: `done` covers a sequence number only if the lane has no record there or has
//! acknowledged it. Everything that decides what may be skipped or unlinked asks `done`; the
//! counts are for people. Live commits and recovery keep the account with the same two methods.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{frame::Ack, runs::Runs};

/// The account of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub(super) name: Arc<str>,
    pub(super) done: Runs,
    /// The sequence number after the lane's last record.
    pub(super) end: u64,
    pub(super) pending: u64,
    pub(super) accepted: u64,
}

impl Ledger {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, done: Runs::default(), end: 0, pending: 0, accepted: 0 }
    }

    /// Whether every record of the lane is acknowledged.
    pub(super) fn drained(&self) -> bool {
        self.done.first_gap() >= self.end
    }

    /// Below this number the lane needs nothing; `head` is the number of the next record.
    pub(super) fn floor(&self, head: u64) -> u64 {
        if self.drained() { head } else { self.done.first_gap() }
    }

    pub(super) fn append(&mut self, seq: u64) {
        if self.drained() {
            self.done.insert(0..seq);
        }
        self.end = seq + 1;
        self.pending += 1;
        self.accepted += 1;
    }

    pub(super) fn acknowledge(&mut self, ack: &Ack) {
        self.done.extend(&ack.runs);
        self.pending = self.pending.saturating_sub(ack.count);
        self.settle();
    }

    /// Corruption can take records away from under the count; `done` knows the two certain cases.
    pub(super) fn settle(&mut self) {
        self.pending = if self.drained() { 0 } else { self.pending.max(1) };
    }
}
