//! What is asked of a replay, and how far it has come. The same JSON is on the disk, on the admin
//! port and at the command line.

use std::num::NonZeroU32;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{BucketName, Destination, Event, given, whole};

/// Which events a replay sends again, where to, and how fast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Events that were accepted at this time or later.
    pub since: Timestamp,
    /// Events that were accepted before; none is when the replay begins.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Events of this bucket only.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketName>,
    /// Events of objects whose raw key begins so.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// To this destination only.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// At most so many events a second.
    #[serde(default = "rate", deserialize_with = "whole")]
    pub rate: NonZeroU32,
    /// Where no rule names the destination, send it every event; else such a replay is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
    /// Count, and send nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A replay: what was asked, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Its number.
    pub id: u64,
    /// What was asked. `until` is set.
    pub order: Order,
    /// Who decides where an event goes.
    pub through: Through,
    /// What it does.
    pub state: State,
    /// When it was asked for.
    pub started: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The last record that was read and, if it was wanted, is durable again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// When that record was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Timestamp>,
    /// Records that were read.
    pub read: u64,
    /// Events that were sent again, or would have been.
    pub replayed: u64,
    /// What it waits for, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Who decides where an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// The rules in force; where the order names a destination, those of them that name it.
    Rules,
    /// Nobody: no rule names the destination of the order, so it gets every event.
    Everything,
}

/// What a replay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It reads and sends.
    Running,
    /// It has read everything.
    Finished,
    /// It was told to end.
    Cancelled,
    /// It cannot go on.
    Failed,
}

impl Order {
    /// Whether an event is among those that are asked for.
    pub(super) fn wants(&self, event: &Event) -> bool {
        let Self { bucket, prefix, .. } = self;
        bucket.as_ref().is_none_or(|bucket| event.bucket == *bucket)
            && prefix.as_ref().is_none_or(|prefix| event.key.as_str().starts_with(prefix))
    }
}

impl Replay {
    pub(super) fn new(id: u64, order: Order, through: Through, now: Timestamp) -> Self {
        let until = order.until.map_or(now, |until| until.min(now));
        Self {
            id,
            order: Order { until: Some(until), ..order },
            through,
            state: State::Running,
            started: now,
            ended: None,
            cursor: None,
            reached: None,
            read: 0,
            replayed: 0,
            problem: None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    pub(super) fn end(&mut self, state: State, problem: Option<String>, now: Timestamp) {
        (self.state, self.problem, self.ended) = (state, problem, Some(now));
    }
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Fast enough to get somewhere, slow enough to leave new events their room.
fn rate() -> NonZeroU32 {
    const { NonZeroU32::new(500).unwrap() }
}
