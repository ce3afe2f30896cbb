//! The quarantine as the admin port shows it, and how rows are chosen there. The command line reads
//! the same types.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{Whole, given_whole};

/// What a store sent as an event and nobody could take for one, or decide about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// Its number, by which it is shown, tried again or removed.
    pub id: u64,
    /// When it was set aside.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
    /// How many bytes its body has.
    pub bytes: u64,
    /// The body, if it is text; lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body, if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// Some of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinePage {
    /// The oldest first.
    pub rows: Vec<QuarantineRow>,
    /// The `after` of the request for the next page; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// Which rows to try again or to remove: these, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuarantineBatch {
    /// These.
    #[serde(deserialize_with = "numbers", skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// All, batch by batch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Where all go on.
    #[serde(deserialize_with = "given_whole", skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many of all.
    #[serde(deserialize_with = "given_whole", skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only count them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineDone {
    /// How many rows there were.
    pub matched: u64,
    /// How many of them are in quarantine no more.
    pub done: u64,
    /// Of a retry, how many events some rule wanted: they are in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    /// Of a retry, why the journal did not take the first of those rows that stay for its sake
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The request for the next batch; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<QuarantineBatch>,
}

fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u64>>, D::Error> {
    let numbers = Vec::<Whole<u64>>::deserialize(deserializer)?;
    Ok(Some(numbers.into_iter().map(|Whole(number)| number).collect()))
}
