//! What came of a request.

use super::Sent;
use crate::model::{BucketNameError, Event, KeyError};

/// So many rejected records of a request stand each for itself; the others are kept together, or
/// each of a body's bytes could cost a hundred.
pub(super) const REJECTED_SINGLY_MAX: usize = 100;

/// Everything that one request brought.
#[derive(Debug, Default)]
pub struct Received {
    /// The events, in the order of the request.
    pub events: Vec<Arrival>,
    /// What Amazon S3 has no event for: to be counted, and forgotten.
    pub dropped: Vec<Dropped>,
    /// What is JSON but no event: to be kept for a human.
    pub rejected: Vec<Rejected>,
}

/// An event, and what its store sent with it.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What is passed on.
    pub event: Event,
    /// What decides only who gets it.
    pub sent: Sent,
}

/// A record that no rule can ask for.
#[derive(Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The event's name as the store wrote it.
    pub name: Box<str>,
    /// Why no rule can ask for it.
    pub reason: DropReason,
}

/// Why a record is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The name is the store's own: `s3:ObjectAccessed:Get`, `s3:Scanner:ManyVersions` …
    NoAmazonEvent,
    /// Amazon's `s3:TestEvent`, by which it tries a destination.
    TestEvent,
}

/// A record, or a whole document, that is no event; or many of them.
#[derive(Debug)]
pub struct Rejected {
    /// Why the first of them is none; `Display` is one precise line.
    pub reason: Rejection,
    /// Their JSON as it came, one after the other, with a line break between them. It may hold
    /// what the store's client sent, credentials included.
    pub body: String,
    /// How many they are.
    pub records: usize,
}

/// Why JSON is no event. The text names the field and never its value, as it is logged; the cause
/// may hold the value.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// Every document is an object.
    #[error("the document is no JSON object")]
    NotAnObject,
    /// An object of something else.
    #[error("the document has no `Records`")]
    NoRecords,
    /// `Records` of something else.
    #[error("`Records` is no array")]
    RecordsNotAnArray,
    /// Nothing happened, it says.
    #[error("`Records` is empty")]
    RecordsEmpty,
    /// A field has a value of the wrong type.
    #[error("malformed at {at}line {line}, column {column}: {problem}")]
    Malformed {
        /// The path of the field, with a comma; empty if it is the document or record itself.
        at: String,
        /// The line of the document or record, from 1.
        line: usize,
        /// How far into that line, in bytes.
        column: usize,
        /// What belongs there.
        problem: Box<str>,
    },
    /// Without this field nobody can tell what happened to which object.
    #[error("the record has no `{field}`")]
    Missing {
        /// The path of the field.
        field: &'static str,
    },
    /// Neither a name of Amazon S3 nor one that a store might have added.
    #[error("`eventName` is no event name")]
    Name,
    /// A bucket that no S3 could have.
    #[error("`s3.bucket.name` is no bucket name")]
    Bucket(#[from] BucketNameError),
    /// A key that no S3 could have.
    #[error("`s3.object.key` is no object key: it has 1 to 1,024 bytes of UTF-8, form-encoded")]
    Key(#[from] KeyError),
    /// A time that is none.
    #[error("`eventTime` is no time: it is written like 2026-11-22T07:20:47.957Z")]
    Time(#[from] jiff::Error),
}

impl Received {
    /// How many records the request held, whatever came of them.
    pub fn count(&self) -> usize {
        let rejected: usize = self.rejected.iter().map(|rejected| rejected.records).sum();
        self.events.len() + self.dropped.len() + rejected
    }

    /// Keeps JSON that is no event.
    pub(super) fn reject(&mut self, reason: Rejection, json: &str) {
        match self.rejected.get_mut(REJECTED_SINGLY_MAX) {
            Some(others) => {
                others.body.push('\n');
                others.body.push_str(json);
                others.records += 1;
            }
            None => self.rejected.push(Rejected { reason, body: json.to_owned(), records: 1 }),
        }
    }
}
