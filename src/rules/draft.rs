//! What a document says, before anyone asks whether that is allowed.
//!
//! Both parsers end here. A draft has the shape of the schema (each entry names a destination and
//! at least one event, a filter has at least one rule, a rule has a name and a value), and every
//! character of it can stand in XML. Nothing else is known of it.

use std::fmt;

use crate::model::{Arn, ArnError, Destination, TopicArn};

use super::{EventBridge, Extension};

/// A document, as sent.
#[derive(Debug)]
pub(super) struct Draft {
    /// Topics, queues, functions; each group in the order in which it was sent.
    pub(super) entries: Vec<Entry>,
    pub(super) event_bridge: EventBridge,
}

/// One configuration of a document, as sent.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) group: Group,
    /// Which one of its group this is, from 1.
    pub(super) position: usize,
    /// `None` where it is missing or empty: S3 makes one up for both.
    pub(super) id: Option<String>,
    pub(super) arn: String,
    pub(super) events: Vec<String>,
    pub(super) filter: DraftFilter,
}

/// A `Filter`, as sent; empty if there is none.
#[derive(Debug, Default)]
pub(super) struct DraftFilter {
    pub(super) key: Vec<DraftRule>,
    /// Ceph's, as are the tags.
    pub(super) metadata: Vec<DraftRule>,
    pub(super) tags: Vec<DraftRule>,
}

/// One `FilterRule`, as sent.
#[derive(Debug)]
pub(super) struct DraftRule {
    pub(super) name: String,
    pub(super) value: String,
}

/// The three lists of a document, in the order in which S3 checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Topic,
    Queue,
    Function,
}

/// An entry's place in its document: `QueueConfiguration 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: Group,
    pub(super) position: usize,
}

impl Draft {
    /// Sorts the entries into their groups and counts them there.
    pub(super) fn new(mut entries: Vec<Entry>, event_bridge: EventBridge) -> Self {
        entries.sort_by_key(|entry| entry.group);
        for group in entries.chunk_by_mut(|a, b| a.group == b.group) {
            for (entry, position) in group.iter_mut().zip(1..) {
                entry.position = position;
            }
        }
        Self { entries, event_bridge }
    }
}

impl Entry {
    /// An entry whose position is not known yet.
    pub(super) fn new(group: Group, arn: String) -> Self {
        let (events, filter) = (Vec::new(), DraftFilter::default());
        Self { group, position: 0, id: None, arn, events, filter }
    }

    pub(super) fn place(&self) -> Place {
        Place { group: self.group, position: self.position }
    }

    /// What to call the entry when speaking to whoever wrote it: its id, unless that is missing
    /// or absurdly long.
    pub(super) fn label(&self) -> Box<str> {
        match &self.id {
            Some(id) if id.len() <= 1024 => id.as_str().into(),
            _ => self.place().to_string().into(),
        }
    }
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Topic, Self::Queue, Self::Function];

    /// The name of an entry's element.
    pub(super) fn element(self) -> &'static str {
        match self {
            Self::Topic => "TopicConfiguration",
            Self::Queue => "QueueConfiguration",
            Self::Function => "CloudFunctionConfiguration",
        }
    }

    /// The name of the element that holds the ARN.
    pub(super) fn arn_element(self) -> &'static str {
        match self {
            Self::Topic => "Topic",
            Self::Queue => "Queue",
            Self::Function => "CloudFunction",
        }
    }

    /// The group that a rule with this destination stands in; a bus has none.
    pub(super) fn of(destination: &Destination) -> Option<Self> {
        match destination {
            Destination::Topic(_) => Some(Self::Topic),
            Destination::Queue(_) => Some(Self::Queue),
            Destination::Function(_) => Some(Self::Function),
            Destination::Bus(_) => None,
        }
    }

    /// Reads an ARN of this group. Amazon has words of its own for a FIFO queue, and none for a
    /// FIFO topic.
    pub(super) fn destination(self, arn: &str, fifo: Extension) -> Result<Destination, ArnError> {
        let arn: Arn = arn.parse()?;
        let is_refused = fifo == Extension::Refuse && arn.is_fifo();
        Ok(match self {
            Self::Topic if is_refused => {
                return Err(ArnError::Pattern { pattern: TopicArn::PATTERN });
            }
            Self::Queue if is_refused && arn.service() == "sqs" => return Err(ArnError::FifoQueue),
            Self::Topic => Destination::Topic(arn.try_into()?),
            Self::Queue => Destination::Queue(arn.try_into()?),
            Self::Function => Destination::Function(arn.try_into()?),
        })
    }

    /// The ARN that an entry of this group wants, to show to whoever wrote another one.
    pub(super) fn example(self, region: &str) -> String {
        match self {
            Self::Topic => format!("arn:aws:sns:{region}:123456789012:my-topic"),
            Self::Queue => format!("arn:aws:sqs:{region}:123456789012:my-queue"),
            Self::Function => format!("arn:aws:lambda:{region}:123456789012:function:my-function"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.group.element(), self.position)
    }
}

/// The first character that XML 1.0 cannot hold, not even as a reference.
///
/// S3 stores documents as XML, so JSON may not smuggle one in: no GET could show it.
/// Source: <https://www.w3.org/TR/xml/#charsets>
pub(super) fn illegal_char(text: &str) -> Option<char> {
    text.chars().find(|c| !is_xml_char(*c))
}

/// Whether XML 1.0 can hold this character.
pub fn is_xml_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => c >= ' ',
    }
}
