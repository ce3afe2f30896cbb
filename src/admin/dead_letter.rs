//! Dead letters as the admin port shows them, and how they are chosen there. The command line
//! reads the same types.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    deliver,
    model::{BucketName, given, given_object, given_whole},
};

/// The most dead letters that one request lists, sends again or removes.
pub const BATCH_MAX: usize = 1000;

/// A message that its destination will not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its name, by which it is shown, sent again or removed.
    pub id: String,
    /// When it was given up.
    pub time: Timestamp,
    /// What is known of it.
    #[serde(flatten)]
    pub letter: deliver::DeadLetter,
    /// The message as it was sent; lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<deliver::Payload>,
}

/// Some of the dead letters that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// By destination, the oldest first.
    pub dead_letters: Vec<DeadLetter>,
    /// The `after` of the request for the next page; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Which dead letters: those that fulfil every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// The destination's ARN, `*` for any characters.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The object's bucket.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketName>,
    /// What the object's raw key begins with.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The code of the last failure, or the name of why it was given up.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Given up at this time or later.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Given up before.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Which dead letters to send again or to remove: these, or those that the filter selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// These.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// All that it selects. Without `until`, that becomes the moment of the first batch, so that
    /// what is sent again and given up again is not met again.
    #[serde(deserialize_with = "given_object", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Selection>,
    /// Where the filter goes on.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(deserialize_with = "given_whole", skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only count them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// How many there were.
    pub matched: u64,
    /// How many of them were sent again or removed.
    pub done: u64,
    /// The request for the next batch; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Batch>,
}
