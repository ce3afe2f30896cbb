//! What the journal keeps of an event, and the id of the rule that asked for it.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Event;

/// Amazon's limit on a configuration's `Id`, in characters.
const ID_CHARS_MAX: usize = 255;

/// The `Id` of one entry of a notification configuration; 1 to 255 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct RuleId(Arc<str>);

/// Why a text is no rule id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuleIdError {
    /// S3 generates an id where the document has none, so none is ever empty.
    #[error("the rule id is empty")]
    Empty,
    /// The wording is Amazon's.
    #[error("ID length exceeded allowed limit of {ID_CHARS_MAX}")]
    TooLong,
}

impl RuleId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RuleId {
    type Err = RuleIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        match id.chars().take(ID_CHARS_MAX + 1).count() {
            0 => Err(RuleIdError::Empty),
            1..=ID_CHARS_MAX => Ok(Self(id.into())),
            _ => Err(RuleIdError::TooLong),
        }
    }
}

impl TryFrom<Box<str>> for RuleId {
    type Error = RuleIdError;

    fn try_from(id: Box<str>) -> Result<Self, Self::Error> {
        id.parse()
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What is durable: an event, and for each of its destinations the rule that asked for it.
///
/// A reload of the rules changes no record: an event goes where the configuration of its moment
/// sent it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What happened.
    pub event: Event,
    /// One entry a destination, in the order in which the journal names them; `None` for
    /// EventBridge, which no rule asks for.
    pub rules: Vec<Option<RuleId>>,
}

/// A record that cannot be read back: corruption, or the journal of a later version.
#[derive(Debug, thiserror::Error)]
#[error("a record in the journal is not readable by this version of fanfare")]
pub struct RecordError(#[from] serde_json::Error);

impl Record {
    /// The record as the journal keeps it: JSON, so that a later version may add a field.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record has string keys only")
    }

    /// Reads what [`Record::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventType, Sequencer};

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let time = "2026-11-22T07:20:47.957712Z".parse().unwrap();
        let record = Record {
            event: Event {
                source: "minio:s3".into(),
                event_type: EventType::ObjectCreatedPut,
                time,
                bucket: "photos".parse().unwrap(),
                key: "dir one/ü+1 €.txt".parse().unwrap(),
                version_id: None,
                size: Some(5),
                etag: Some("5d41402abc4b2a76b9719d911017c592".into()),
                sequencer: Sequencer::from_time(time),
                principal_id: "test".into(),
                source_ip: String::new(),
                request_id: "1".into(),
                host_id: String::new(),
                trace_id: None,
                details: None,
            },
            rules: vec![Some("thumbnails".parse().unwrap()), None],
        };
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn an_id_has_1_to_255_characters() {
        assert_eq!("".parse::<RuleId>(), Err(RuleIdError::Empty));
        assert!("ü".repeat(255).parse::<RuleId>().is_ok());
        assert_eq!("ü".repeat(256).parse::<RuleId>(), Err(RuleIdError::TooLong));
    }
}
