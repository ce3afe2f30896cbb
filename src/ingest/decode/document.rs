//! The body of a request, taken apart into documents and records.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    event::NoEvent,
    json,
    received::{Arrival, DropReason, Dropped, Received, Rejection},
    wire::{Record, Text},
};
use crate::model::Keyed;

/// How the documents stand in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The body is one document.
    Json,
    /// Each line is a document; blank lines are skipped.
    Ndjson,
}

/// A body that is not JSON, so that nothing can be made of it. Lines count from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Not JSON, or something after it.
    #[error("the body is not JSON at line {line}, column {column}")]
    NotJson {
        /// The line of the body.
        line: usize,
        /// How far into that line, in bytes.
        column: usize,
    },
    /// JSON is UTF-8.
    #[error("the body is not UTF-8 after {bytes} bytes")]
    NotUtf8 {
        /// How many bytes are.
        bytes: usize,
    },
}

impl Encoding {
    /// The encoding that a `Content-Type` names. Whatever is not NDJSON is taken for JSON, as
    /// stores are careless with this header.
    pub fn of_content_type(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-ndjson") {
            return Self::Ndjson;
        }
        Self::Json
    }
}

/// Reads a request's body. An event that does not say when it happened, happened `now`.
pub fn decode(body: &[u8], encoding: Encoding, now: Timestamp) -> Result<Received, DecodeError> {
    let text = str::from_utf8(body)
        .map_err(|error| DecodeError::NotUtf8 { bytes: error.valid_up_to() })?;
    let mut received = Received::default();
    match encoding {
        Encoding::Json => received.read(text, now).map_err(|error| not_json(&error, 0))?,
        Encoding::Ndjson => {
            for (before, line) in text.lines().enumerate() {
                if !line.trim_ascii().is_empty() {
                    received.read(line, now).map_err(|error| not_json(&error, before))?;
                }
            }
        }
    }
    Ok(received)
}

pub(super) fn not_json(error: &serde_json::Error, lines_before: usize) -> DecodeError {
    DecodeError::NotJson { line: lines_before + error.line(), column: error.column() }
}

/// What the careful way looks at first. Its values are checked to be JSON, and nothing more.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "Records", borrow)]
    records: Option<&'a RawValue>,
    #[serde(rename = "Event", borrow)]
    event: Option<&'a RawValue>,
}

impl Received {
    /// Adds what one document holds.
    ///
    /// Nearly every document is whole, so it is first read in one pass that gives up at the first
    /// doubt; only then is it read again, record by record.
    fn read(&mut self, document: &str, now: Timestamp) -> Result<(), serde_json::Error> {
        if let Some(events) = whole(document, now) {
            self.events.extend(events);
            return Ok(());
        }
        let document: &RawValue = serde_json::from_str(document)?;
        if let Err(reason) = self.read_carefully(document, now) {
            self.reject(reason, document.get());
        }
        Ok(())
    }

    /// Adds what a value holds that is a document, or one of its records.
    pub(super) fn read_document_or_record(&mut self, value: &RawValue, now: Timestamp) {
        match self.read_carefully(value, now) {
            Ok(()) => {}
            Err(Rejection::NotAnObject | Rejection::NoRecords) => self.read_record(value, now),
            Err(reason) => self.reject(reason, value.get()),
        }
    }

    fn read_carefully(&mut self, document: &RawValue, now: Timestamp) -> Result<(), Rejection> {
        if !document.get().starts_with('{') {
            return Err(Rejection::NotAnObject);
        }
        let outline: Outline<'_> = json::read(document.get())?;
        let Some(records) = outline.records else {
            return self.read_test_event(&outline);
        };
        if !records.get().starts_with('[') {
            return Err(Rejection::RecordsNotAnArray);
        }
        let before = self.count();
        let mut deserializer = serde_json::Deserializer::from_str(records.get());
        OneByOne(|record: &RawValue| self.read_record(record, now))
            .deserialize(&mut deserializer)
            .map_err(|error| json::malformed(&error, "Records"))?;
        if self.count() == before {
            return Err(Rejection::RecordsEmpty);
        }
        Ok(())
    }

    /// Amazon's test message is a document of its own kind, without `Records`.
    fn read_test_event(&mut self, outline: &Outline<'_>) -> Result<(), Rejection> {
        if outline.event.map(RawValue::get) != Some(r#""s3:TestEvent""#) {
            return Err(Rejection::NoRecords);
        }
        let reason = DropReason::TestEvent;
        self.dropped.push(Dropped { name: "s3:TestEvent".into(), reason });
        Ok(())
    }

    fn read_record(&mut self, raw: &RawValue, now: Timestamp) {
        let event = json::read::<Keyed<Record<'_>>>(raw.get())
            .map_err(NoEvent::from)
            .and_then(|Keyed(record)| record.event(now));
        match event {
            Ok(event) => self.events.push(event),
            Err(NoEvent::Dropped(dropped)) => self.dropped.push(dropped),
            Err(NoEvent::Rejected(reason)) => self.reject(reason, raw.get()),
        }
    }
}

/// The events of a document that holds events and nothing else.
fn whole(document: &str, now: Timestamp) -> Option<Vec<Arrival>> {
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let events = Document(now).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(events).filter(|events| !events.is_empty())
}

/// Reads `{"Records":[…]}`.
struct Document(Timestamp);

/// Reads `[…]`. Each record becomes an event as it is read, so that a body of a great many
/// records needs no more memory than its events.
struct Records(Timestamp);

impl<'de> DeserializeSeed<'de> for Document {
    type Value = Vec<Arrival>;

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<Vec<Arrival>, D::Error> {
        document.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document {
    type Value = Vec<Arrival>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut document: A) -> Result<Vec<Arrival>, A::Error> {
        let mut events = None;
        while let Some(key) = document.next_key::<Text<'de>>()? {
            match &*key {
                "Records" if events.is_none() => {
                    events = Some(document.next_value_seed(Records(self.0))?);
                }
                "Records" => return Err(A::Error::duplicate_field("Records")),
                _ => {
                    document.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(events.unwrap_or_default())
    }
}

impl<'de> DeserializeSeed<'de> for Records {
    type Value = Vec<Arrival>;

    fn deserialize<D: Deserializer<'de>>(self, records: D) -> Result<Vec<Arrival>, D::Error> {
        records.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records {
    type Value = Vec<Arrival>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<Vec<Arrival>, A::Error> {
        let mut events = Vec::new();
        while let Some(Keyed(record)) = records.next_element::<Keyed<Record<'de>>>()? {
            let Ok(event) = record.event(self.0) else {
                return Err(A::Error::custom("no event"));
            };
            events.push(event);
        }
        Ok(events)
    }
}

/// Reads `[…]` and hands on each value as it is read: a list of them could be larger than the body.
struct OneByOne<F>(F);

impl<'de, F: FnMut(&'de RawValue)> DeserializeSeed<'de> for OneByOne<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, array: D) -> Result<(), D::Error> {
        array.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for OneByOne<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        while let Some(value) = array.next_element()? {
            (self.0)(value);
        }
        Ok(())
    }
}
