//! The metrics of deliveries.

use std::sync::Arc;

use jiff::Timestamp;
use metrics::{Counter, counter, describe_counter, describe_gauge, gauge};

use super::{LaneState, LaneStatus, Statuses, books::Imbalance};
use crate::{
    journal::{self, Journal},
    publish::Class,
};

const DELIVERIES: &str = "fanfare_deliveries_total";
const ATTEMPTS_FAILED: &str = "fanfare_attempts_failed_total";
const DEAD_LETTERS: &str = "fanfare_dead_letters_total";
const PENDING: &str = "fanfare_pending";
const PENDING_BYTES: &str = "fanfare_pending_bytes";
const OLDEST: &str = "fanfare_oldest_pending_seconds";
const ACCEPTED: &str = "fanfare_books_accepted";
const DELIVERED: &str = "fanfare_books_delivered";
const DEAD: &str = "fanfare_books_dead";
const DISCARDED: &str = "fanfare_books_discarded";
const LOST: &str = "fanfare_books_lost";
const IMBALANCE: &str = "fanfare_books_imbalance";
const STATE: &str = "fanfare_lane_state";
const CONCURRENCY: &str = "fanfare_lane_concurrency";
const IN_FLIGHT: &str = "fanfare_lane_in_flight";
const WAITING: &str = "fanfare_lane_waiting";

/// Describes the metrics to the recorder.
pub fn describe() {
    describe_counter!(DELIVERIES, "Events that the destination has acknowledged.");
    describe_counter!(
        ATTEMPTS_FAILED,
        "Attempts, counted per event, that the destination did not acknowledge, by class of failure."
    );
    describe_counter!(
        DEAD_LETTERS,
        "Events that became dead letters, by class of their last failure."
    );
    describe_gauge!(PENDING, "Events in the journal that the destination has not acknowledged.");
    describe_gauge!(PENDING_BYTES, "Bytes of the records of pending events.");
    describe_gauge!(OLDEST, "How long ago the oldest event was accepted that the lane knows of.");
    describe_gauge!(ACCEPTED, "Events ever accepted for the destination.");
    describe_gauge!(DELIVERED, "Of the accepted events, those delivered.");
    describe_gauge!(DEAD, "Of the accepted events, those among the dead letters now.");
    describe_gauge!(
        DISCARDED,
        "Of the accepted events, those an operator's command or setting gave up."
    );
    describe_gauge!(LOST, "Of the accepted events, those that corruption of the journal took.");
    describe_gauge!(
        IMBALANCE,
        "By how much the books of the destination differ; 0, or something is wrong."
    );
    describe_gauge!(STATE, "1 for the state the lane is in.");
    describe_gauge!(CONCURRENCY, "Requests that may be on the wire.");
    describe_gauge!(IN_FLIGHT, "Requests on the wire.");
    describe_gauge!(
        WAITING,
        "Messages that wait for another attempt, or for the one before of their key."
    );
}

/// Brings the gauges up to date.
pub fn observe(journal: &Journal, lanes: &Statuses) {
    for lane in journal.lanes() {
        observe_books(&lane);
    }
    let now = Timestamp::now();
    for lane in lanes.all() {
        observe_lane(&lane, now);
    }
}

fn observe_books(lane: &journal::LaneStatus) {
    let counts = [
        (PENDING, lane.pending),
        (PENDING_BYTES, lane.pending_bytes),
        (ACCEPTED, lane.accepted),
        (DELIVERED, lane.delivered),
        (DEAD, lane.dead),
        (DISCARDED, lane.discarded),
        (LOST, lane.lost),
    ];
    for (name, count) in counts {
        set(name, &lane.name, count);
    }
}

fn observe_lane(lane: &LaneStatus, now: Timestamp) {
    let name = &lane.destination;
    set(CONCURRENCY, name, lane.concurrency as u64);
    set(IN_FLIGHT, name, lane.in_flight as u64);
    set(WAITING, name, (lane.waiting + lane.held_back) as u64);
    let oldest = lane.oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64());
    gauge!(OLDEST, "destination" => Arc::clone(name)).set(oldest.max(0.0));
    for state in LaneState::ALL {
        let is_in = f64::from(u8::from(lane.state == state));
        gauge!(STATE, "destination" => Arc::clone(name), "state" => state.name()).set(is_in);
    }
}

/// What the last check of the books found.
pub(super) fn imbalance(destination: &Arc<str>, imbalance: Imbalance) {
    set(IMBALANCE, destination, imbalance.size());
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 events are enough")]
fn set(name: &'static str, destination: &Arc<str>, value: u64) {
    gauge!(name, "destination" => Arc::clone(destination)).set(value as f64);
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
        self.count(ATTEMPTS_FAILED, class.name());
    }

    pub(super) fn dead(&self, class: &'static str) {
        self.count(DEAD_LETTERS, class);
    }

    fn count(&self, name: &'static str, class: &'static str) {
        let destination = Arc::clone(&self.destination);
        counter!(name, "destination" => destination, "class" => class).increment(1);
    }
}
