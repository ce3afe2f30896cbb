//! How a destination behaves. It decides; the shape of an answer is not its business.

use std::{fmt, sync::Arc, time::Duration};

use super::Entry;

/// How a destination behaves; by default it takes everything at once.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// From the end of a request to its answer: what a far region costs.
    pub(crate) delay: Duration,
    /// What becomes of this share of all requests.
    pub(crate) requests: Option<(f64, Fault)>,
    /// What becomes of this share of all entries of the other requests.
    pub(crate) entries: Option<(f64, Slip)>,
    /// Refuses a message for good, by its body.
    pub(crate) poison: Option<Poison>,
    /// More entries than this in a request are too long a batch.
    pub(crate) entries_max: Option<usize>,
}

/// Whether a body is one that is never taken.
pub(crate) type Poison = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What happens to a request as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request is read and never answered.
    Silence,
    /// The request is read and the connection reset.
    Reset,
    /// 200 and a body that is no answer.
    Garbage,
    /// Too many requests.
    Throttled,
    /// 503.
    Unavailable,
    /// The destination lets nobody send.
    Denied,
    /// There is no such destination.
    Missing,
    /// The batch has more bytes than the service takes.
    TooLong,
    /// A refusal with a code that nobody has heard of.
    Unheard,
}

/// What happens to one entry of a request that is otherwise taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Too many messages.
    Throttled,
    /// A failure of the service's own.
    Failed,
    /// The message itself is no good.
    Refused,
    /// The answer does not mention it.
    Unmentioned,
}

impl Script {
    /// Does this to every request.
    pub(crate) fn always(fault: Fault) -> Self {
        Self::sometimes(1.0, fault)
    }

    /// Does this to a share of all requests.
    pub(crate) fn sometimes(share: f64, fault: Fault) -> Self {
        Self { requests: Some((share, fault)), ..Self::default() }
    }

    /// Does this to a share of all entries.
    pub(crate) fn partly(share: f64, slip: Slip) -> Self {
        Self { entries: Some((share, slip)), ..Self::default() }
    }

    /// Takes everything, after a while.
    pub(crate) fn after(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Refuses the messages with such a body for good.
    pub(crate) fn poisoned(by: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { poison: Some(Arc::new(by)), ..Self::default() }
    }

    pub(super) fn request(&self, entries: usize) -> Option<Fault> {
        if self.entries_max.is_some_and(|max| entries > max) {
            return Some(Fault::TooLong);
        }
        drawn(self.requests)
    }

    pub(super) fn entry(&self, entry: &Entry<'_>) -> Option<Slip> {
        if self.poison.as_ref().is_some_and(|poison| poison(&entry.body())) {
            return Some(Slip::Refused);
        }
        drawn(self.entries)
    }
}

fn drawn<T>(share: Option<(f64, T)>) -> Option<T> {
    share.and_then(|(share, what)| (fastrand::f64() < share).then_some(what))
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delay, requests, entries, poison, entries_max } = self;
        f.debug_struct("Script")
            .field("delay", delay)
            .field("requests", requests)
            .field("entries", entries)
            .field("poison", &poison.is_some())
            .field("entries_max", entries_max)
            .finish()
    }
}
