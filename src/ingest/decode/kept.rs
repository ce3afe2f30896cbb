//! What the quarantine kept of a request, read again.
//!
//! A row holds JSON values, one after the other: whole documents, records out of one, and events
//! that nobody could decide about, in fanfare's own form. Nothing says which a value is, so it is
//! tried in each way; what was none of them may be one for a later version.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Arrival, DecodeError, Received, Sent, document::not_json};
use crate::model::{Event, RuleId};

/// An event that nobody could decide about: a [`Record`](crate::model::Record) without rules, and
/// what its store sent for rules to ask about.
#[derive(Serialize, Deserialize)]
struct Undecided {
    event: Event,
    rules: Vec<Option<RuleId>>,
    #[serde(default)]
    sent: Sent,
}

impl Arrival {
    /// The event as the quarantine keeps it.
    pub fn encode(self) -> Vec<u8> {
        let Self { event, sent } = self;
        let undecided = Undecided { event, rules: Vec::new(), sent };
        serde_json::to_vec(&undecided).expect("an event has string keys only")
    }
}

/// Reads a row of the quarantine. An event that does not say when it happened, happened when it
/// `came`.
pub fn decode_kept(body: &[u8], came: Timestamp) -> Result<Received, DecodeError> {
    let text = str::from_utf8(body)
        .map_err(|error| DecodeError::NotUtf8 { bytes: error.valid_up_to() })?;
    let mut received = Received::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| not_json(&error, 0))?;
        if let Ok(Undecided { event, sent, .. }) = serde_json::from_str(value.get()) {
            received.events.push(Arrival { event, sent });
        } else {
            received.read_document_or_record(value, came);
        }
    }
    Ok(received)
}
