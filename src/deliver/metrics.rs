//! The metrics of deliveries.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use super::{LaneState, LaneStatus, Statuses};
use crate::{
    journal::{self, Journal},
    publish::Class,
};

const DELIVERIES: &str = "fanfare_deliveries_total";
const ATTEMPTS_FAILED: &str = "fanfare_attempts_failed_total";
const DEAD_LETTERS: &str = "fanfare_dead_letters_total";
const DELIVERY_DELAY: &str = "fanfare_delivery_delay_seconds";
const ATTEMPT_DURATION: &str = "fanfare_attempt_duration_seconds";
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

/// What a lane itself decides, beside the classes of failure.
const DECISIONS: [&str; 4] = ["expired", "over_quota", "removed", "unreadable"];

/// Describes the metrics to the recorder.
pub fn describe() {
    describe_counter!(DELIVERIES, "Events that the destination has acknowledged.");
    describe_counter!(
        ATTEMPTS_FAILED,
        "Attempts, counted per event, that the destination did not acknowledge, by class of failure."
    );
    describe_counter!(
        DEAD_LETTERS,
        "Events that became dead letters, by class of their last failure, or by why fanfare gave up."
    );
    describe_histogram!(
        DELIVERY_DELAY,
        Unit::Seconds,
        "Time from the commit of an event to the journal to its acknowledgement by the destination."
    );
    describe_histogram!(
        ATTEMPT_DURATION,
        Unit::Seconds,
        "Time that a request to the destination takes, whatever its answer."
    );
    describe_gauge!(PENDING, "Events in the journal that the destination has not acknowledged.");
    describe_gauge!(PENDING_BYTES, Unit::Bytes, "Bytes of the records of pending events.");
    describe_gauge!(
        OLDEST,
        Unit::Seconds,
        "How long ago the oldest event was accepted that the lane knows of."
    );
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
    describe_gauge!(
        STATE,
        "1 for the state the lane is in; 0 for all of them where nobody asks for the destination."
    );
    describe_gauge!(CONCURRENCY, "Requests that may be on the wire.");
    describe_gauge!(IN_FLIGHT, "Requests on the wire.");
    describe_gauge!(
        WAITING,
        "Messages that wait for another attempt, or for the one before of their key."
    );
}

/// Brings the gauges up to date.
pub fn observe(journal: &Journal, lanes: &Statuses) {
    let now = Timestamp::now();
    for books in journal.lanes() {
        observe_books(&books, lanes.imbalance_of(&books.name));
        match lanes.of(&books.name) {
            Some(lane) => observe_lane(&lane, now),
            None => observe_no_lane(&books.name),
        }
    }
}

fn observe_books(lane: &journal::LaneStatus, imbalance: u64) {
    let counts = [
        (PENDING, lane.pending),
        (PENDING_BYTES, lane.pending_bytes),
        (ACCEPTED, lane.accepted),
        (DELIVERED, lane.delivered),
        (DEAD, lane.dead),
        (DISCARDED, lane.discarded),
        (LOST, lane.lost),
        (IMBALANCE, imbalance),
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
    observe_state(name, Some(lane.state));
}

/// The recorder forgets no gauge, so what a lane that is closed once said must not stay.
fn observe_no_lane(name: &Arc<str>) {
    for gauge in [CONCURRENCY, IN_FLIGHT, WAITING, OLDEST] {
        set(gauge, name, 0);
    }
    observe_state(name, None);
}

fn observe_state(name: &Arc<str>, current: Option<LaneState>) {
    for state in LaneState::ALL {
        let is_in = u8::from(current == Some(state));
        gauge!(STATE, "destination" => Arc::clone(name), "state" => state.name()).set(is_in);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 events are enough")]
fn set(name: &'static str, destination: &Arc<str>, value: u64) {
    gauge!(name, "destination" => Arc::clone(destination)).set(value as f64);
}

/// What one lane counts and measures. What happens to every event is looked up once.
#[derive(Debug)]
pub(super) struct Meters {
    destination: Arc<str>,
    delivered: Counter,
    delivery_delay: Histogram,
    attempt_duration: Histogram,
}

impl Meters {
    /// Everything begins with 0: of what appears with its first event, nobody sees the increase.
    pub(super) fn new(destination: &Arc<str>) -> Self {
        let name = || Arc::clone(destination);
        let meters = Self {
            destination: name(),
            delivered: counter!(DELIVERIES, "destination" => name()),
            delivery_delay: histogram!(DELIVERY_DELAY, "destination" => name()),
            attempt_duration: histogram!(ATTEMPT_DURATION, "destination" => name()),
        };
        for class in Class::ALL.map(Class::name) {
            meters.count(ATTEMPTS_FAILED, class, 0);
            meters.count(DEAD_LETTERS, class, 0);
        }
        for decision in DECISIONS {
            meters.count(DEAD_LETTERS, decision, 0);
        }
        meters
    }

    /// The destination has acknowledged events that were accepted so long ago.
    pub(super) fn delivered(&self, ages: impl ExactSizeIterator<Item = Duration>) {
        self.delivered.increment(ages.len() as u64);
        ages.for_each(|age| self.delivery_delay.record(age));
    }

    /// A request took so long.
    pub(super) fn attempted(&self, round_trip: Duration) {
        self.attempt_duration.record(round_trip);
    }

    pub(super) fn failed(&self, class: Class) {
        self.count(ATTEMPTS_FAILED, class.name(), 1);
    }

    pub(super) fn dead(&self, class: &'static str) {
        self.count(DEAD_LETTERS, class, 1);
    }

    fn count(&self, name: &'static str, class: &'static str, events: u64) {
        let destination = Arc::clone(&self.destination);
        counter!(name, "destination" => destination, "class" => class).increment(events);
    }
}
