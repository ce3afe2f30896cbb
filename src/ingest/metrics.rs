//! The metrics of events that stores send.

use metrics::{counter, describe_counter};

const RECEIVED: &str = "fanfare_events_received_total";
const MATCHED: &str = "fanfare_events_matched_total";
const UNMATCHED: &str = "fanfare_events_unmatched_total";
const DROPPED: &str = "fanfare_events_dropped_total";
const QUARANTINED: &str = "fanfare_events_quarantined_total";
const REQUESTS: &str = "fanfare_ingest_requests_total";

/// Describes the metrics to the recorder.
pub fn describe() {
    describe_counter!(RECEIVED, "Events in requests that were answered with 200.");
    describe_counter!(MATCHED, "Events that at least one rule wants; they are in the journal.");
    describe_counter!(UNMATCHED, "Events that no rule wants.");
    describe_counter!(
        DROPPED,
        "Events that Amazon S3 has no name for, such as s3:ObjectAccessed:Get."
    );
    describe_counter!(QUARANTINED, "Things that stores sent as events and that are none.");
    describe_counter!(REQUESTS, "Requests on the events listener, by status code.");
}

/// What became of the events of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) received: u64,
    pub(super) matched: u64,
    pub(super) unmatched: u64,
    pub(super) dropped: u64,
    pub(super) quarantined: u64,
}

impl Counts {
    pub(super) fn record(&self) {
        counter!(RECEIVED).increment(self.received);
        counter!(MATCHED).increment(self.matched);
        counter!(UNMATCHED).increment(self.unmatched);
        counter!(DROPPED).increment(self.dropped);
        counter!(QUARANTINED).increment(self.quarantined);
    }
}

pub(super) fn request(status: u16) {
    counter!(REQUESTS, "status" => status.to_string()).increment(1);
}
