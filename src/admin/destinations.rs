//! `GET /destinations`: how each destination is doing, and what became of its events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// All destinations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Destinations {
    /// By ARN.
    pub destinations: Vec<Destination>,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// Its ARN.
    pub destination: String,
    /// Its events: `accepted = delivered + dead + discarded + lost + pending`.
    pub books: Books,
    /// What its lane does; none if it has none, since nothing was ever to be sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
}

/// What became of a destination's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Events for it that were accepted.
    pub accepted: u64,
    /// It has them.
    pub delivered: u64,
    /// They are dead letters.
    pub dead: u64,
    /// An operator's own command or setting gave them up.
    pub discarded: u64,
    /// Corruption of the journal took them.
    pub lost: u64,
    /// They are still to be delivered.
    pub pending: u64,
    /// What these take up.
    pub pending_bytes: u64,
    /// By how much the counts differed when they were last checked; 0, or something is wrong.
    #[serde(default)]
    pub imbalance: u64,
}

/// What a lane does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// `delivering`, or why not.
    pub state: String,
    /// Why it did not deliver last, until it delivers again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// When it tries again, if it does not send now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Timestamp>,
    /// Requests that may be on the wire.
    pub concurrency: usize,
    /// Requests that are.
    pub in_flight: usize,
    /// Events delivered in a second, over about the last ten.
    #[serde(default)]
    pub rate: f64,
    /// When the oldest event was accepted that the lane knows of; it knows none that it has not
    /// read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
}

/// Why a lane did not deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// The class of the failure.
    pub class: String,
    /// The service's error code, or ours.
    pub code: String,
    /// The service's words, or ours.
    pub message: String,
    /// When.
    pub time: Timestamp,
}
