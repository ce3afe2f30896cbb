//! An event as a destination receives it.

use jiff::Timestamp;

use super::{EventId, GroupId};

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
    /// Tells the event from every other: what a FIFO destination knows copies by.
    pub event_id: EventId,
    /// The object: what a FIFO destination keeps in order.
    pub group: GroupId,
    /// The X-Ray trace that the event belongs to.
    pub trace_id: Option<String>,
}
