//! The question that [`explain`](super::explain()) answers.

use crate::model::{BucketName, BucketNameError, EventType, KeyError, ObjectKey};

use super::{EventNameError, event_type_named};

/// What is asked: who wants this event?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where it happens.
    pub bucket: BucketName,
    /// What happens.
    pub event_type: EventType,
    /// To which object; the raw key.
    pub key: ObjectKey,
}

/// Which part of a question is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QuestionError {
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] BucketNameError),
    /// The event.
    #[error(transparent)]
    Event(#[from] EventNameError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Question {
    /// Reads its three parts; the event with or without `s3:`.
    pub fn read(bucket: &str, event: &str, key: &str) -> Result<Self, QuestionError> {
        let event_type = event_type_named(event)?;
        Ok(Self { bucket: bucket.parse()?, event_type, key: key.parse()? })
    }
}

impl QuestionError {
    /// The name of the part: `bucket`, `event` or `key`.
    pub fn part(&self) -> &'static str {
        match self {
            Self::Bucket(_) => "bucket",
            Self::Event(_) => "event",
            Self::Key(_) => "key",
        }
    }
}
