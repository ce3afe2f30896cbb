//! The metrics of the documents, and of their S3 API.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use super::{Action, Status};

const DOCUMENTS: &str = "fanfare_documents";
const BROKEN: &str = "fanfare_documents_broken";
const REJECTED: &str = "fanfare_documents_rejected_total";
const REQUESTS: &str = "fanfare_s3_requests_total";

/// What is no operation of this API.
const OTHER: &str = "other";
/// The answers that a known operation is likely to get, and those that anything else is.
const LIKELY: [u16; 6] = [200, 400, 403, 404, 500, 503];
const LIKELY_OF_OTHERS: [u16; 2] = [403, 501];

/// Describes the metrics to the recorder; what counts begins with 0.
pub fn describe() {
    describe_gauge!(DOCUMENTS, "Buckets whose notification document is in force.");
    describe_gauge!(
        BROKEN,
        "Documents that cannot be used; their buckets keep the last good one, if there was any."
    );
    describe_counter!(
        REJECTED,
        "Documents that were not put in force: broken files, and what the S3 API refused to store."
    );
    describe_counter!(REQUESTS, "Requests on the S3 listener, by operation and status code.");
    counter!(REJECTED).increment(0);
    for operation in [Action::GetBucketNotification, Action::PutBucketNotification].map(operation) {
        for status in LIKELY {
            requests(operation, status, 0);
        }
    }
    for status in LIKELY_OF_OTHERS {
        requests(OTHER, status, 0);
    }
}

/// Brings the gauges up to date.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 documents are enough")]
pub fn observe(status: &Status) {
    gauge!(DOCUMENTS).set(status.loaded as f64);
    gauge!(BROKEN).set(status.broken.len() as f64);
}

/// A document was not put in force.
pub(super) fn rejected() {
    counter!(REJECTED).increment(1);
}

/// A request on the S3 listener was answered.
pub(super) fn answered(action: Option<Action>, status: u16) {
    requests(action.map_or(OTHER, operation), status, 1);
}

fn requests(operation: &'static str, status: u16, count: u64) {
    let status = status.to_string();
    counter!(REQUESTS, "operation" => operation, "status" => status).increment(count);
}

/// The operation, as Amazon calls it; its actions have older names.
const fn operation(action: Action) -> &'static str {
    match action {
        Action::GetBucketNotification => "GetBucketNotificationConfiguration",
        Action::PutBucketNotification => "PutBucketNotificationConfiguration",
    }
}
