//! The metrics of events that stores send.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

const RECEIVED: &str = "fanfare_events_received_total";
const MATCHED: &str = "fanfare_events_matched_total";
const UNMATCHED: &str = "fanfare_events_unmatched_total";
const DUPLICATES: &str = "fanfare_events_duplicate_total";
const DROPPED: &str = "fanfare_events_dropped_total";
const QUARANTINED: &str = "fanfare_events_quarantined_total";
const EVICTED: &str = "fanfare_quarantine_evicted_total";
const RETRIED: &str = "fanfare_quarantine_retried_total";
const REQUESTS: &str = "fanfare_ingest_requests_total";
const ACCEPT_DURATION: &str = "fanfare_accept_duration_seconds";

/// The answers of the listener.
const STATUSES: [u16; 7] = [200, 400, 401, 405, 408, 413, 503];

/// Describes the metrics to the recorder; what counts begins with 0.
pub fn describe() {
    describe_counter!(RECEIVED, "Events in requests that were answered with 200.");
    describe_counter!(MATCHED, "Events that at least one rule wants; they are in the journal.");
    describe_counter!(UNMATCHED, "Events that no rule wants.");
    describe_counter!(DUPLICATES, "Matched events that were accepted before, and dropped.");
    describe_counter!(
        DROPPED,
        "Events that Amazon S3 has no name for, such as s3:ObjectAccessed:Get."
    );
    describe_counter!(QUARANTINED, "Things that stores sent as events and that are none.");
    describe_counter!(EVICTED, "Rows that left the full quarantine for newer ones.");
    describe_counter!(RETRIED, "Rows that left the quarantine because a retry understood them.");
    describe_counter!(REQUESTS, "Requests on the events listener, by status code.");
    describe_histogram!(
        ACCEPT_DURATION,
        Unit::Seconds,
        "Time from the head of a request with events to its answer: body, decoding, commit."
    );
    for status in STATUSES {
        requests(status).increment(0);
    }
    evicted(0);
    retried(0);
}

/// What became of the events of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) received: u64,
    pub(super) matched: u64,
    pub(super) unmatched: u64,
    pub(super) duplicates: u64,
    pub(super) dropped: u64,
    pub(super) quarantined: u64,
}

/// The counters themselves, looked up once: a look-up costs as much as reading an event's fields.
#[derive(Clone, Debug)]
pub(super) struct Counters {
    received: Counter,
    matched: Counter,
    unmatched: Counter,
    duplicates: Counter,
    dropped: Counter,
    quarantined: Counter,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            received: counter!(RECEIVED),
            matched: counter!(MATCHED),
            unmatched: counter!(UNMATCHED),
            duplicates: counter!(DUPLICATES),
            dropped: counter!(DROPPED),
            quarantined: counter!(QUARANTINED),
        }
    }

    pub(super) fn add(&self, counts: &Counts) {
        self.received.increment(counts.received);
        self.matched.increment(counts.matched);
        self.unmatched.increment(counts.unmatched);
        self.duplicates.increment(counts.duplicates);
        self.dropped.increment(counts.dropped);
        self.quarantined.increment(counts.quarantined);
    }
}

pub(super) fn evicted(rows: u64) {
    counter!(EVICTED).increment(rows);
}

pub(super) fn retried(rows: u64) {
    counter!(RETRIED).increment(rows);
}

/// What is counted of requests.
#[derive(Debug)]
pub(super) struct Requests {
    /// Those answered 200, which nearly all are.
    taken: Counter,
    accept_duration: Histogram,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { taken: requests(200), accept_duration: histogram!(ACCEPT_DURATION) }
    }

    /// A request was answered with this status.
    pub(super) fn answered(&self, status: u16) {
        match status {
            200 => self.taken.increment(1),
            status => requests(status).increment(1),
        }
    }

    /// A request with events was answered after so long.
    pub(super) fn accepted_in(&self, duration: Duration) {
        self.accept_duration.record(duration);
    }
}

fn requests(status: u16) -> Counter {
    counter!(REQUESTS, "status" => status.to_string())
}
