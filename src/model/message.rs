//! An event as a destination receives it.

use jiff::Timestamp;

use super::{EventId, GroupId, RuleId};

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
    /// Tells the event from every other.
    pub event_id: EventId,
    /// The rule that asked for it; none for EventBridge and for a test message.
    pub rule: Option<RuleId>,
    /// The object: what a FIFO destination keeps in order.
    pub group: GroupId,
    /// The X-Ray trace that the event belongs to.
    pub trace_id: Option<String>,
}

impl Message {
    /// What a FIFO destination knows copies by. Two rules may ask for one event, and each gets a
    /// message of its own.
    pub fn deduplication_id(&self) -> EventId {
        self.rule.as_ref().map_or(self.event_id, |rule| self.event_id.for_rule(rule))
    }
}
