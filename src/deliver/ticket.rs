//! One event on its way to a destination: its place in the journal, and what was tried so far.
//!
//! What was tried is kept in memory only: a restart counts anew. Only what never failed is kept
//! small, for there is the most of it.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    journal::{Origin, Position},
    model::OneLine,
    publish::{Cause, Class},
};

/// The messages a request may hold that has never been split.
pub(super) const ANY: usize = usize::MAX;

/// One event on its way to one destination.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) position: Position,
    /// Which of the record's destinations this is.
    pub(super) ordinal: usize,
    /// When the event was accepted.
    pub(super) accepted: Timestamp,
    /// Who asked for it to be delivered.
    pub(super) origin: Origin,
    /// A hash of bucket and key, where their order is kept.
    pub(super) key: Option<u64>,
    /// How many messages its request may hold at the most, itself included. It shares one only
    /// with those of the same number: one that spoiled a request shall not spoil another.
    pub(super) company: usize,
    pub(super) trouble: Option<Box<Trouble>>,
}

/// What was tried in vain.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// Requests that held it.
    pub(super) attempts: u32,
    /// Those of them after which it had to wait.
    pub(super) failures: u32,
    /// Those of them that count against the limit of attempts.
    pub(super) counted: u32,
    /// Those of them in which it was alone and refused for a reason that nobody knows.
    pub(super) unknown: u32,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// What the lane had delivered when it failed first, and when it failed last.
    pub(super) delivered_first: u64,
    pub(super) delivered_last: u64,
    pub(super) reason: Arc<Reason>,
}

/// Why an event was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// A [`Class`]'s name, or what the lane itself decided.
    pub(super) class: &'static str,
    pub(super) code: Box<str>,
    pub(super) message: Box<str>,
}

/// What one attempt in vain was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) now: Timestamp,
    /// What the lane has delivered by now.
    pub(super) delivered: u64,
    pub(super) blame: Blame,
}

/// What an attempt in vain counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// Its request is to be smaller: the message has hardly been tried.
    Request,
    /// The destination is broken.
    Destination,
    /// Somebody failed.
    Anybody,
    /// The message was refused for a reason that nobody knows.
    Message,
}

impl Ticket {
    /// Remembers an attempt in vain.
    pub(super) fn failed(&mut self, reason: &Arc<Reason>, attempt: Attempt) {
        let Attempt { now, delivered, blame } = attempt;
        let trouble = self.trouble.get_or_insert_with(|| {
            Box::new(Trouble {
                attempts: 0,
                failures: 0,
                counted: 0,
                unknown: 0,
                first: now,
                last: now,
                delivered_first: delivered,
                delivered_last: delivered,
                reason: Arc::clone(reason),
            })
        });
        (trouble.last, trouble.delivered_last) = (now, delivered);
        trouble.reason = Arc::clone(reason);
        let add = |count: &mut u32, is_one: bool| *count = count.saturating_add(is_one.into());
        add(&mut trouble.attempts, true);
        add(&mut trouble.failures, blame != Blame::Request);
        add(&mut trouble.counted, blame.counts());
        add(&mut trouble.unknown, blame == Blame::Message);
    }

    /// How long ago its event was accepted. A clock that was set back makes nothing older.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        now.duration_since(self.accepted).try_into().unwrap_or_default()
    }

    /// How often it had to wait.
    pub(super) fn failures(&self) -> u32 {
        self.trouble.as_ref().map_or(0, |trouble| trouble.failures)
    }
}

impl Blame {
    /// Whether it counts against the limit of attempts.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Anybody | Self::Message)
    }
}

impl Reason {
    /// What the lane itself decided.
    pub(super) fn new(class: &'static str, code: &str, message: impl fmt::Display) -> Arc<Self> {
        let message = message.to_string().into();
        Arc::new(Self { class, code: code.into(), message })
    }
}

impl From<&Cause> for Reason {
    fn from(cause: &Cause) -> Self {
        let Cause { class, code, message } = cause.clone();
        Self { class: Class::name(class), code, message }
    }
}

/// One line, whatever the service says.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", OneLine(&self.code), OneLine(&self.message))
    }
}
