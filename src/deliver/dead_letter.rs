//! A dead letter as the journal keeps it: what a listing shows, and what it takes to send it again.
//!
//! The summary is JSON, so that a later version may add a field. The body is the record's bytes
//! behind their length, and the payload as it was sent behind them.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::graves::Grave;
use crate::model::{Message, Record};

/// One event that a lane has given up on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The destination's ARN.
    pub destination: Arc<str>,
    /// The object's bucket; none if the record cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The object's key, raw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What happened, as `ObjectCreated:Put`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The event's stable id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The rule that asked for it; none for EventBridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// Why it was given up; none in letters of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<GivenUp>,
    /// The class of the destination's last failure; of what was never sent, what fanfare itself
    /// decided: `expired`, `removed`, `over_quota`, `unreadable`.
    pub class: String,
    /// The service's error code, or ours.
    pub code: String,
    /// The service's words, or ours.
    pub message: String,
    /// Requests that held it since the process started.
    pub attempts: u32,
    /// When the event was accepted.
    pub accepted: Timestamp,
    /// When it failed first since the process started; none if it was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<Timestamp>,
    /// When it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Timestamp>,
    /// The size of its payload.
    pub bytes: u64,
}

/// Why an event was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenUp {
    /// The destination refuses it for its own sake.
    Refused,
    /// It failed as often as `max_attempts` says.
    MaxAttempts,
    /// It was refused for a reason that nobody knows as often as `unknown_attempts` says.
    UnknownAttempts,
    /// It was older than `max_age`.
    MaxAge,
    /// Nobody asks for it any more.
    Removed,
    /// More was pending than may be.
    OverQuota,
    /// Its record cannot be read, or sent.
    Unreadable,
}

/// What was sent, or would have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// SNS's `Subject`, EventBridge's `DetailType`.
    pub subject: String,
    /// The message's body.
    pub body: String,
}

/// What a dead letter is made of besides its summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// The record as the journal appends it again: for this destination alone.
    pub record: Bytes,
    /// The payload; none if there was no way to write one.
    pub payload: Option<Payload>,
}

/// A dead letter that cannot be read: it is of a later version, or has changed on disk.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The summary.
    #[error("the summary of a dead letter is not readable by this version of fanfare")]
    Summary(#[source] serde_json::Error),
    /// The body ends too early.
    #[error("the body of a dead letter ends after {bytes} bytes")]
    Short {
        /// What there is of it.
        bytes: usize,
    },
    /// The payload.
    #[error("the payload of a dead letter is not readable by this version of fanfare")]
    Payload(#[source] serde_json::Error),
}

/// What a record says, as far as it can be read.
#[derive(Debug)]
pub(super) enum Contents<'a> {
    Record(&'a Record),
    Unreadable(&'a [u8]),
}

impl GivenUp {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::MaxAttempts => "max_attempts",
            Self::UnknownAttempts => "unknown_attempts",
            Self::MaxAge => "max_age",
            Self::Removed => "removed",
            Self::OverQuota => "over_quota",
            Self::Unreadable => "unreadable",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Refused => "its destination will not take it, however often it is sent",
            Self::MaxAttempts => "it failed as often as max_attempts allows",
            Self::UnknownAttempts => {
                "it was refused for an unknown reason as often as unknown_attempts allows, while \
                 others were taken"
            }
            Self::MaxAge => "it was accepted longer ago than max_age allows",
            Self::Removed => "no rule asked for it any more, and removal says dead_letter",
            Self::OverQuota => "more was pending than quota or journal.size_limit allows",
            Self::Unreadable => "it cannot be read, or has no form that its destination takes",
        }
    }
}

impl DeadLetter {
    pub(super) fn new(
        destination: &Arc<str>,
        Grave { ticket, reason, given_up }: &Grave,
        contents: &Contents<'_>,
        remains: &Remains,
    ) -> Self {
        let record = match contents {
            Contents::Record(record) => Some(record),
            Contents::Unreadable(_) => None,
        };
        let event = record.map(|record| &record.event);
        let rule = record.and_then(|record| record.rules.get(ticket.ordinal)?.as_ref());
        let trouble = ticket.trouble.as_deref();
        // Whatever was decided, what the destination said last is what helps to mend it.
        let reason = trouble.map_or(reason, |trouble| &trouble.reason);
        Self {
            destination: Arc::clone(destination),
            bucket: event.map(|event| event.bucket.to_string()),
            key: event.map(|event| event.key.as_str().to_owned()),
            event_type: event.map(|event| event.event_type.name().to_owned()),
            event_id: event.map(|event| event.id().to_string()),
            rule_id: rule.map(ToString::to_string),
            given_up: Some(*given_up),
            class: reason.class.to_owned(),
            code: reason.code.to_string(),
            message: reason.message.to_string(),
            attempts: trouble.map_or(0, |trouble| trouble.attempts),
            accepted: ticket.accepted,
            first_failure: trouble.map(|trouble| trouble.first),
            last_failure: trouble.map(|trouble| trouble.last),
            bytes: remains.payload.as_ref().map_or(0, |payload| payload.body.len() as u64),
        }
    }

    /// The summary as the journal keeps it.
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).expect("a dead letter has string keys only").into()
    }

    /// Reads what [`DeadLetter::encode`] wrote.
    pub fn decode(summary: &[u8]) -> Result<Self, DeadLetterError> {
        serde_json::from_slice(summary).map_err(DeadLetterError::Summary)
    }
}

impl Remains {
    /// The record is cut down to this destination: it is the only one that gets it again.
    pub(super) fn new(contents: &Contents<'_>, ordinal: usize, message: Option<Message>) -> Self {
        let record = match contents {
            Contents::Record(record) => {
                let rules = record.rules.get(ordinal).cloned().into_iter().collect();
                Record { event: record.event.clone(), rules }.encode().into()
            }
            Contents::Unreadable(bytes) => Bytes::copy_from_slice(bytes),
        };
        let payload = message
            .map(|message| Payload { subject: message.subject.to_owned(), body: message.body });
        Self { record, payload }
    }

    /// The body as the journal keeps it.
    pub fn encode(&self) -> Bytes {
        let length = u32::try_from(self.record.len()).expect("a record has less than 4 GiB");
        let mut body = BytesMut::new();
        body.put_u32_le(length);
        body.put_slice(&self.record);
        if let Some(payload) = &self.payload {
            let payload = serde_json::to_vec(payload).expect("a payload has string keys only");
            body.put_slice(&payload);
        }
        body.freeze()
    }

    /// Reads what [`Remains::encode`] wrote.
    pub fn decode(body: &Bytes) -> Result<Self, DeadLetterError> {
        let short = || DeadLetterError::Short { bytes: body.len() };
        let (length, _) = body.split_first_chunk().ok_or_else(short)?;
        let end = usize::try_from(u32::from_le_bytes(*length)).map_or(usize::MAX, |end| end + 4);
        if end > body.len() {
            return Err(short());
        }
        let payload = body.slice(end..);
        let payload = (!payload.is_empty()).then(|| serde_json::from_slice(&payload));
        let payload = payload.transpose().map_err(DeadLetterError::Payload)?;
        Ok(Self { record: body.slice(4..end), payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_as_it_was_written() {
        let payload = Payload { subject: "Amazon S3 Notification".into(), body: "{}".into() };
        for payload in [Some(payload), None] {
            let remains = Remains { record: Bytes::from_static(b"{\"event\":1}"), payload };
            assert_eq!(Remains::decode(&remains.encode()).unwrap(), remains);
        }
    }

    #[test]
    fn every_reason_has_the_name_that_it_has_in_json() {
        for given_up in [
            GivenUp::Refused,
            GivenUp::MaxAttempts,
            GivenUp::UnknownAttempts,
            GivenUp::MaxAge,
            GivenUp::Removed,
            GivenUp::OverQuota,
            GivenUp::Unreadable,
        ] {
            assert_eq!(serde_json::to_value(given_up).unwrap(), given_up.name());
            assert!(!given_up.words().is_empty());
        }
    }

    #[test]
    fn a_body_that_ends_too_early_is_no_panic() {
        let remains = Remains { record: Bytes::from_static(b"abc"), payload: None };
        for end in 0..remains.encode().len() {
            assert!(Remains::decode(&remains.encode().slice(..end)).is_err());
        }
    }
}
