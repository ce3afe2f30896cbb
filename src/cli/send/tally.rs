//! What was sent so far, and what became of it.

use std::io::{self, Write};

use serde::Serialize;

use super::port::Accepted;

/// Sums over all requests that were answered 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Tally {
    pub(super) received: u64,
    matched: u64,
    duplicates: u64,
    quarantined: u64,
    pub(super) requests: u64,
    pub(super) seconds: f64,
}

impl Tally {
    pub(super) fn add(&mut self, accepted: Accepted) {
        self.received += accepted.received;
        self.matched += accepted.matched;
        self.duplicates += accepted.duplicates;
        self.quarantined += accepted.quarantined;
        self.requests += 1;
    }

    /// Whether rules were asked, and none wanted any of it.
    pub(super) fn is_unwanted(&self) -> bool {
        self.received > self.quarantined && self.matched == 0
    }

    pub(super) fn events_per_second(&self) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people: positive, and rounded anyway"
        )]
        let rate = (self.received as f64 / self.seconds.max(0.001)) as u64;
        rate
    }

    /// One line for people.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { received, matched, duplicates, quarantined, requests, seconds } = self;
        write!(
            out,
            "{received} event{} in {requests} request{}, {seconds:.1} s, {} events/s: {matched} \
             matched",
            plural(*received),
            plural(*requests),
            self.events_per_second(),
        )?;
        if *duplicates > 0 {
            write!(out, ", {duplicates} of them duplicates")?;
        }
        if *quarantined > 0 {
            write!(out, ", {quarantined} quarantined")?;
        }
        writeln!(out)
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
