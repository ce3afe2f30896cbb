//! `GET /status`: how everything is doing, at one look.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Bucket, Destination, Document};

/// How a daemon is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started: Timestamp,
    /// When this was so, by its own clock.
    pub time: Timestamp,
    /// Whether it takes events.
    pub ready: bool,
    /// Where pending events lie.
    pub journal: Journal,
    /// The notification documents.
    pub documents: Documents,
    /// What is in force.
    pub config: InForce,
    /// Every destination, by ARN.
    pub destinations: Vec<Destination>,
    /// The buckets with the most events, a hundred at most; `/buckets` lists all.
    pub buckets: Vec<Bucket>,
    /// All buckets with rules together.
    pub all_buckets: AllBuckets,
    /// Events of buckets without a document, which nobody wants.
    pub strays: Strays,
    /// Whether every accepted event is accounted for.
    pub books: Balance,
}

/// The journal, and what lies beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// What its segments hold.
    pub bytes: u64,
    /// What they may hold.
    pub bytes_limit: u64,
    /// How many there are.
    pub segments: usize,
    /// Why it takes no events, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusing: Option<String>,
    /// The last write that failed, until one succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// How many dead letters there are.
    pub dead_letters: u64,
    /// What they hold.
    pub dead_letters_bytes: u64,
    /// What they may hold.
    pub dead_letters_limit: u64,
    /// How many bodies are in quarantine.
    pub quarantine_rows: u64,
    /// What they hold.
    pub quarantine_bytes: u64,
    /// What they may hold.
    pub quarantine_limit: u64,
}

/// The notification documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// Buckets with a document in force.
    pub loaded: usize,
    /// Documents that cannot be used.
    pub broken: Vec<Document>,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// How often it has changed; 1 is what was found at the start.
    pub generation: u64,
    /// When it changed last.
    pub applied: Timestamp,
    /// Why the last reload of the settings changed nothing, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_problem: Option<String>,
}

/// All buckets with rules together; each counts since its own rules are in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllBuckets {
    /// How many there are.
    pub buckets: usize,
    /// How many rules they have.
    pub rules: usize,
    /// Events that were accepted.
    pub events: u64,
    /// Of these, those that at least one rule wanted.
    pub matched: u64,
}

/// Events of buckets without a document, since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strays {
    /// How many were accepted.
    pub events: u64,
    /// The bucket of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_bucket: Option<String>,
}

/// The books of all destinations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// By how much they differed when they were last checked; 0, or something is wrong.
    pub imbalance: u64,
}
