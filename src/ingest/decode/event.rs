//! One record of a store, made into an event: names, keys and sequencers of every dialect.

use jiff::Timestamp;

use super::{
    Sent,
    details::details,
    json,
    received::{Arrival, DropReason, Dropped, Rejection},
    wire::{Object, Record, Text},
};
use crate::model::{Event, EventType, Keyed, ObjectKey, Sequencer};

/// No name of Amazon's, MinIO's or RustFS's is longer than 50 bytes.
const NAME_BYTES_MAX: usize = 100;

/// What a record is if it is no event.
pub(super) enum NoEvent {
    Dropped(Dropped),
    Rejected(Rejection),
}

/// How a store writes what differs between stores.
#[derive(Clone, Copy)]
enum Dialect {
    /// Encoded keys, hex sequencers: Amazon, MinIO, RustFS, and any store not known.
    Amazon,
    /// Raw keys, sequencers in the byte order of a little-endian machine.
    Ceph,
}

impl Record<'_> {
    /// The event that the record tells of; `now` if it does not say when.
    pub(super) fn event(&self, now: Timestamp) -> Result<Arrival, NoEvent> {
        match (self.event_name.given(), self.data) {
            (Some(name), _) => self.event_named(name, now),
            (None, Some(wrapped)) => {
                let Keyed(record) = json::read::<Keyed<Record<'_>>>(wrapped.get())?;
                // No store wraps twice, so what is wrapped must have its name.
                record.event_named(&record.event_name, now)
            }
            (None, None) => self.event_named("", now),
        }
    }

    fn event_named(&self, name: &str, now: Timestamp) -> Result<Arrival, NoEvent> {
        match event_type(name) {
            Some(event_type) => {
                let event = self.event_of(event_type, now)?;
                Ok(Arrival { event, sent: Sent::with(&self.s3.object) })
            }
            None => Err(no_amazon_event(name)),
        }
    }

    fn event_of(&self, event_type: EventType, now: Timestamp) -> Result<Event, Rejection> {
        let (dialect, object) = (Dialect::of(&self.event_source), &self.s3.object);
        let time = time(&self.event_time, now)?;
        Ok(Event {
            source: self.source(),
            event_type,
            time,
            bucket: required("s3.bucket.name", &self.s3.bucket.name)?.parse()?,
            key: dialect.key(required("s3.object.key", &object.key)?)?,
            version_id: version_id(object),
            size: object.size.0,
            etag: etag(object),
            sequencer: dialect
                .sequencer(&object.sequencer)
                .unwrap_or_else(|| Sequencer::from_time(time)),
            principal_id: self.user_identity.principal_id.to_string(),
            source_ip: self.request_parameters.source_ip.to_string(),
            request_id: self.request_id().to_owned(),
            host_id: self.response_elements.host_id.to_string(),
            trace_id: None,
            details: details(event_type, self),
        })
    }

    /// What the store says of itself. MinIO also tells which MinIO of all it is, by an id that its
    /// nodes share. No address is part of it, as a store has many.
    fn source(&self) -> String {
        match self.response_elements.deployment.given() {
            Some(deployment) => format!("{}/{deployment}", &*self.event_source),
            None => self.event_source.to_string(),
        }
    }

    /// RustFS leaves the response's id empty and has it among the request's parameters.
    fn request_id(&self) -> &str {
        self.response_elements.request_id.given().unwrap_or(&self.request_parameters.request_id)
    }
}

impl From<Rejection> for NoEvent {
    fn from(reason: Rejection) -> Self {
        Self::Rejected(reason)
    }
}

impl Dialect {
    fn of(event_source: &str) -> Self {
        match event_source {
            "ceph:s3" => Self::Ceph,
            // A store not known is taken for MinIO or Amazon, which write these things alike.
            _ => Self::Amazon,
        }
    }

    fn key(self, sent: &str) -> Result<ObjectKey, Rejection> {
        Ok(match self {
            Self::Amazon => ObjectKey::from_form(sent)?,
            Self::Ceph => sent.parse()?,
        })
    }

    fn sequencer(self, sent: &str) -> Option<Sequencer> {
        match self {
            Self::Amazon => Sequencer::from_hex(sent),
            Self::Ceph => Sequencer::from_swapped_hex(sent),
        }
    }
}

/// Finds Amazon's type for a name, with or without `s3:`. MinIO and RustFS count tagging among
/// the creations.
fn event_type(name: &str) -> Option<EventType> {
    match name.strip_prefix("s3:").unwrap_or(name) {
        "ObjectCreated:PutTagging" => Some(EventType::ObjectTaggingPut),
        "ObjectCreated:DeleteTagging" => Some(EventType::ObjectTaggingDelete),
        _ => EventType::from_name(name),
    }
}

/// A name that Amazon has not: a store's own event if it is built like one, else nonsense.
fn no_amazon_event(name: &str) -> NoEvent {
    if name.is_empty() {
        return Rejection::Missing { field: "eventName" }.into();
    }
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let bare = name.strip_prefix("s3:");
    let named = name.len() <= NAME_BYTES_MAX
        && bare.unwrap_or(name).split(':').all(word)
        && (bare.is_some() || name.contains(':'));
    if !named {
        return Rejection::Name.into();
    }
    let reason = match name {
        "s3:TestEvent" => DropReason::TestEvent,
        _ => DropReason::NoAmazonEvent,
    };
    NoEvent::Dropped(Dropped { name: name.into(), reason })
}

fn required<'a>(field: &'static str, text: &'a Text<'_>) -> Result<&'a str, Rejection> {
    text.given().ok_or(Rejection::Missing { field })
}

fn time(sent: &str, now: Timestamp) -> Result<Timestamp, Rejection> {
    match sent {
        "" => Ok(now),
        text => Ok(text.parse()?),
    }
}

/// Stores write an object without versions as no id, an empty one, or S3's name for it.
fn version_id(object: &Object<'_>) -> Option<String> {
    object.version_id.given().filter(|id| *id != "null").map(str::to_owned)
}

fn etag(object: &Object<'_>) -> Option<String> {
    Some(object.etag.trim_matches('"')).filter(|etag| !etag.is_empty()).map(str::to_owned)
}
