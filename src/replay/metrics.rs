//! The metrics of replays.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const REPLAYED: &str = "fanfare_replayed_total";
const RUNNING: &str = "fanfare_replays_running";

/// Describes the metrics to the recorder; what counts begins with 0.
pub fn describe() {
    describe_counter!(REPLAYED, "Events that a replay has put into the journal again.");
    describe_gauge!(RUNNING, "Replays that read and send now: 0 or 1.");
    replayed(0);
    running(0);
}

pub(super) fn replayed(events: u64) {
    counter!(REPLAYED).increment(events);
}

pub(super) fn running(count: u8) {
    gauge!(RUNNING).set(f64::from(count));
}
