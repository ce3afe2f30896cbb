//! One event at one place of its way.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::model::{BucketName, Event, EventId, EventType, ObjectKey, RuleId};

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A rule wants it, and it is in the journal; once for each rule.
    Matched,
    /// No rule wants it.
    Unmatched,
    /// It is in the quarantine, because nobody can decide about it or because it is no event.
    Quarantined,
    /// Its destination has it.
    Delivered,
    /// An attempt to deliver it failed.
    Failed,
    /// It was given up, and is a dead letter.
    Dead,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The object's bucket.
    pub bucket: BucketName,
    /// The object's key, raw.
    pub key: ObjectKey,
    /// What happened to it.
    #[serde(rename = "event")]
    pub event_type: EventType,
}

/// An event was seen; as JSON, a line of the tail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sighting {
    /// When it was seen.
    pub time: Timestamp,
    /// Where.
    pub stage: Stage,
    /// What it is about; none if it cannot be read.
    #[serde(flatten)]
    pub subject: Option<Subject>,
    /// Its stable id, if it has one.
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The rule that asked for it; none for EventBridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The destination's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Arc<str>>,
    /// The class of the failure, or what fanfare itself decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// The service's error code, or ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// The service's words, or ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<str>>,
}

impl Sighting {
    /// Of an event about this.
    pub fn new(time: Timestamp, stage: Stage, subject: Option<Subject>) -> Self {
        let (event_id, rule, destination) = (None, None, None);
        let (class, code, message) = (None, None, None);
        Self { time, stage, subject, event_id, rule, destination, class, code, message }
    }

    /// Of this event.
    pub fn of(time: Timestamp, stage: Stage, event: &Event) -> Self {
        let event_id = Some(event.id());
        Self { event_id, ..Self::new(time, stage, Some(Subject::of(event))) }
    }
}

impl Subject {
    /// What this event is about.
    pub fn of(event: &Event) -> Self {
        let (bucket, key) = (event.bucket.clone(), event.key.clone());
        Self { bucket, key, event_type: event.event_type }
    }
}

impl From<Event> for Subject {
    fn from(Event { bucket, key, event_type, .. }: Event) -> Self {
        Self { bucket, key, event_type }
    }
}

#[expect(clippy::ref_option, reason = "serde passes the field as it is")]
fn as_text<S: Serializer>(id: &Option<EventId>, to: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => to.collect_str(id),
        None => to.serialize_none(),
    }
}
