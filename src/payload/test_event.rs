//! The message that S3 sends a queue or a topic when a configuration names it.

use jiff::Timestamp;
use serde::Serialize;

use super::json::{Millis, to_json};
use crate::model::BucketName;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TestEvent<'a> {
    service: &'a str,
    event: &'a str,
    time: Millis,
    bucket: &'a str,
    request_id: &'a str,
    host_id: &'a str,
}

/// The body of `s3:TestEvent`, which alone among the messages has no `Records`.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
pub(super) fn render(
    bucket: &BucketName,
    time: Timestamp,
    request_id: &str,
    host_id: &str,
) -> String {
    to_json(&TestEvent {
        service: "Amazon S3",
        event: "s3:TestEvent",
        time: Millis(time),
        bucket: bucket.as_str(),
        request_id,
        host_id,
    })
}
