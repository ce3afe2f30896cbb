//! An event as a destination receives it.

use jiff::Timestamp;

use super::{EventId, GroupId, RuleId};

/// A sending that an operator asked for, beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Of a dead letter, by the number of its new record.
    Redriven(u64),
    /// Of what the journal retained, by the number of its new record.
    Replayed(u64),
}

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
    /// Which sending of the event it is, if an operator had it sent again.
    pub again: Option<Again>,
    /// The X-Ray trace that the event belongs to.
    pub trace_id: Option<String>,
}

impl Message {
    /// What a FIFO destination knows copies by. Two rules may ask for one event, and each gets a
    /// message of its own. What an operator has sent again is no copy of what was sent before: the
    /// destination would say that it took it, and drop it.
    pub fn deduplication_id(&self) -> EventId {
        let id = self.rule.as_ref().map_or(self.event_id, |rule| self.event_id.for_rule(rule));
        self.again.map_or(id, |again| id.sent_again(again))
    }
}
