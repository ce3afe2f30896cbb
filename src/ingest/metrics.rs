//! The metrics of events that stores send.

use metrics::{Counter, counter, describe_counter};

const RECEIVED: &str = "fanfare_events_received_total";
const MATCHED: &str = "fanfare_events_matched_total";
const UNMATCHED: &str = "fanfare_events_unmatched_total";
const DUPLICATES: &str = "fanfare_duplicates_total";
const DROPPED: &str = "fanfare_events_dropped_total";
const QUARANTINED: &str = "fanfare_events_quarantined_total";
const EVICTED: &str = "fanfare_quarantine_evicted_total";
const REQUESTS: &str = "fanfare_ingest_requests_total";

/// Describes the metrics to the recorder.
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
    describe_counter!(REQUESTS, "Requests on the events listener, by status code.");
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

/// The counter of requests with this answer.
pub(super) fn requests(status: u16) -> Counter {
    counter!(REQUESTS, "status" => status.to_string())
}
