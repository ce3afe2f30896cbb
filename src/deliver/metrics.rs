//! The metrics of deliveries.

use std::sync::Arc;

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::{journal::Journal, publish::Class};

const DELIVERIES: &str = "fanfare_deliveries_total";
const ATTEMPTS_FAILED: &str = "fanfare_attempts_failed_total";
const PENDING: &str = "fanfare_pending";

/// Describes the metrics to the recorder.
pub fn describe() {
    describe_counter!(DELIVERIES, "Events that the destination has acknowledged.");
    describe_counter!(
        ATTEMPTS_FAILED,
        "Attempts, counted per event, that the destination did not acknowledge, by class of failure."
    );
    describe_gauge!(PENDING, "Events in the journal that the destination has not acknowledged.");
}

/// Brings the gauges up to date.
pub fn observe(journal: &Journal) {
    for lane in journal.lanes() {
        pending(&lane.name).set(f64::from(u32::try_from(lane.pending).unwrap_or(u32::MAX)));
    }
}

fn pending(destination: &Arc<str>) -> Gauge {
    gauge!(PENDING, "destination" => Arc::clone(destination))
}

/// The counters of one lane.
#[derive(Debug)]
pub(super) struct Counters {
    destination: Arc<str>,
    delivered: Counter,
}

impl Counters {
    pub(super) fn new(destination: &Arc<str>) -> Self {
        let delivered = counter!(DELIVERIES, "destination" => Arc::clone(destination));
        Self { destination: Arc::clone(destination), delivered }
    }

    pub(super) fn delivered(&self, count: usize) {
        self.delivered.increment(count as u64);
    }

    pub(super) fn failed(&self, class: Class) {
        counter!(
            ATTEMPTS_FAILED,
            "destination" => Arc::clone(&self.destination),
            "class" => class.name()
        )
        .increment(1);
    }
}
