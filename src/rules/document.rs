//! A bucket's notification document, after every check.
//!
//! The only ways to a [`Document`] are its two parsers and the empty one, so each of its rules has
//! a unique id, a destination in the region, at least one event, and a filter that S3 would store.

use crate::model::{BucketName, Destination, EventPattern, EventTypeSet, RuleId};

use super::{Config, Filter, Problems, check, json, xml};

/// What one bucket wants to be notified of, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    pub(super) rules: Vec<Rule>,
    pub(super) event_bridge: EventBridge,
}

/// One topic, queue or function configuration of a [`Document`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique in its document. Becomes `s3.configurationId` of every event that the rule sends.
    pub id: RuleId,
    /// A topic, a queue or a function; never a bus, which no rule can name.
    pub destination: Destination,
    /// At least one, as sent; no event type is covered twice.
    pub events: Vec<EventPattern>,
    /// Which keys; empty for all.
    pub filter: Filter,
}

/// Whether the bucket sends every event to EventBridge as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventBridge {
    /// The document has no `EventBridgeConfiguration`.
    #[default]
    Off,
    /// It has one.
    On,
}

/// What a document is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The bucket that the document is for; ids that are made up depend on it.
    pub bucket: &'a BucketName,
    /// The bucket's region, in which every destination has to be.
    pub region: &'a str,
    /// The `[rules]` section.
    pub config: &'a Config,
}

impl Document {
    /// Reads the JSON of boto3 and the AWS CLI, current or deprecated.
    pub fn from_json(text: &[u8], context: &Context<'_>) -> Result<Self, Problems> {
        check::document(&json::read(text)?, context)
    }

    /// Reads the XML of S3's API, current or deprecated.
    pub fn from_xml(text: &[u8], context: &Context<'_>) -> Result<Self, Problems> {
        check::document(&xml::read(text)?, context)
    }

    /// The document as boto3 shows it, with the ids that were made up. Reads back as itself.
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// The document as S3 answers a GET. Reads back as itself.
    pub fn to_xml(&self) -> String {
        xml::write(self)
    }

    /// The topics, then the queues, then the functions; each group in the order in which it was
    /// sent.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether every event also goes to EventBridge.
    pub fn event_bridge(&self) -> EventBridge {
        self.event_bridge
    }

    /// Whether it asks for nothing at all, which turns a bucket's notifications off.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.event_bridge == EventBridge::Off
    }
}

impl Rule {
    /// Every event type that the rule wants.
    pub fn event_types(&self) -> EventTypeSet {
        self.events.iter().fold(EventTypeSet::EMPTY, |set, event| set.union(event.types()))
    }
}
