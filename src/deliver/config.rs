//! The `[deliver]` section, and what a `[[destination]]` may override of it.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::{Backoff, BackoffError};
use crate::model::{count, positive, size, wait};

/// How a lane paces itself, and when it gives up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Requests in flight to one destination at the most.
    #[serde(with = "count")]
    pub concurrency_max: NonZeroUsize,
    /// Requests in flight that congestion leaves; never more than `concurrency_max`.
    #[serde(with = "count")]
    pub concurrency_min: NonZeroUsize,
    /// Bytes of messages that a lane holds, ready or on the wire. One message always may be held.
    #[serde(with = "size")]
    pub in_flight_bytes: ByteSize,
    /// How long a message waits for others to fill its request.
    #[serde(with = "wait")]
    pub linger: Duration,
    /// Attempts for a message before it becomes a dead letter; none means no end. Attempts that
    /// failed because the destination is broken do not count.
    #[serde(with = "count::optional", skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<NonZeroU32>,
    /// How long after it was accepted a message becomes a dead letter; none means never.
    #[serde(with = "positive::optional", skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
    /// Attempts for a message that is refused for a reason nobody knows, while others are taken.
    #[serde(with = "count")]
    pub unknown_attempts: NonZeroU32,
    /// Which order is kept.
    pub ordering: Ordering,
    /// What becomes of what is pending when nobody asks for it any more.
    pub removal: Removal,
    /// Bytes of records that may be pending; none means no limit but the journal's.
    #[serde(with = "size::optional", skip_serializing_if = "Option::is_none")]
    pub quota: Option<ByteSize>,
    /// What happens above `quota`.
    pub over_quota: OverQuota,
    /// What happens when the journal is full, and this destination has the most of it.
    pub when_full: WhenFull,
    /// How often a broken destination is tried.
    #[serde(with = "positive")]
    pub probe_interval: Duration,
    /// Nothing is sent, and what is accepted stays pending.
    pub paused: bool,
    /// How long to wait after a failure.
    pub backoff: Backoff,
}

/// Why a destination cannot be treated like that.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The least is more than the most.
    #[error(
        "concurrency_min {min} is more than concurrency_max {max}; lower the one or raise the other"
    )]
    Concurrency {
        /// The least.
        min: NonZeroUsize,
        /// The most.
        max: NonZeroUsize,
    },
    /// More requests than one machine has sockets for.
    #[error(
        "concurrency_max {max} is more than any machine can have; write {CONCURRENCY_MAX} or less"
    )]
    Requests {
        /// The most.
        max: NonZeroUsize,
    },
    /// Messages would be given up while they wait for company.
    #[error(
        "linger {linger:?} is not less than max_age {max_age:?}: messages would be given up while \
         they wait for others; shorten linger"
    )]
    Linger {
        /// How long they wait for others.
        linger: Duration,
        /// When they are given up.
        max_age: Duration,
    },
    /// Waits that nobody can keep.
    #[error(transparent)]
    Backoff(#[from] BackoffError),
}

/// Each request in flight is a connection, and a process has some ten thousand at the most.
const CONCURRENCY_MAX: usize = 10_000;

/// Which order a lane keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// None: what fails is overtaken.
    #[default]
    None,
    /// That of the events of one key of one bucket, through failures. One request holds at most
    /// one event of a key, and only one is on the wire.
    PerKey,
}

/// What becomes of pending events whose rule or destination is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// They are delivered: the rule was in force when they happened.
    #[default]
    KeepDraining,
    /// They become dead letters.
    DeadLetter,
    /// They are forgotten, and counted as discarded.
    Discard,
}

/// What happens when more is pending than may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverQuota {
    /// New events are refused, so that the store has to keep them.
    #[default]
    Reject,
    /// The oldest events become dead letters.
    DeadLetterOldest,
}

/// What happens when the journal is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// New events are refused, so that the store has to keep them.
    #[default]
    Reject,
    /// The oldest events become dead letters.
    DeadLetterOldest,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency_max: NonZeroUsize::new(64).expect("64 is not zero"),
            concurrency_min: NonZeroUsize::MIN,
            in_flight_bytes: ByteSize::mib(4),
            linger: Duration::ZERO,
            max_attempts: None,
            max_age: None,
            unknown_attempts: NonZeroU32::new(5).expect("5 is not zero"),
            ordering: Ordering::default(),
            removal: Removal::default(),
            quota: None,
            over_quota: OverQuota::default(),
            when_full: WhenFull::default(),
            probe_interval: Duration::from_secs(30),
            paused: false,
            backoff: Backoff::default(),
        }
    }
}

impl Config {
    /// Whether the keys make sense together.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (min, max) = (self.concurrency_min, self.concurrency_max);
        if max.get() > CONCURRENCY_MAX {
            return Err(ConfigError::Requests { max });
        }
        if min > max {
            return Err(ConfigError::Concurrency { min, max });
        }
        match (self.linger, self.max_age) {
            (linger, Some(max_age)) if linger >= max_age => {
                Err(ConfigError::Linger { linger, max_age })
            }
            _ => Ok(()),
        }
    }

    /// Bytes of messages that a lane may hold.
    pub(super) fn in_flight_bytes(&self) -> usize {
        usize::try_from(self.in_flight_bytes.as_u64()).unwrap_or(usize::MAX).max(1)
    }
}
