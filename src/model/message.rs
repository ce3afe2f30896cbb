//! An event as a destination receives it.

use jiff::Timestamp;

/// One notification, rendered: `payload` makes it, `publish` sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// SNS's `Subject`, EventBridge's `DetailType`; the other services have no such thing.
    pub subject: &'static str,
    /// JSON: `{"Records":[…]}`, or EventBridge's `detail`.
    pub body: String,
    /// When the event happened.
    pub time: Timestamp,
    /// The bucket's ARN.
    pub bucket_arn: String,
    /// The X-Ray trace that the event belongs to.
    pub trace_id: Option<String>,
}
