//! What follows from a verdict: for the destination, and for the message.
//!
//! | class | beside deliveries | nothing of the request was delivered | alone |
//! |---|---|---|---|
//! | throttled | waits; half the requests | the same | the same |
//! | transient | waits | waits; counts for the circuit | the same |
//! | broken | waits; goes alone | waits; opens the circuit | the same, unless others are taken |
//! | poison | dead letter | dead letter | dead letter |
//! | batch shape | goes alone | the request is split, and later ones are smaller | waits |
//! | unknown | waits; goes alone | the request is split | waits; after some attempts a dead letter, if others were taken meanwhile |
//!
//! A request may be refused for the sake of one of its messages. What is said of all of them, and of
//! none in particular, is believed only of a message alone.

use std::{num::NonZeroU32, time::Duration};

use super::{
    GivenUp,
    ticket::{Blame, Ticket},
};
use crate::publish::{Cause, Class, Verdict};

/// What a request's verdicts say about the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It takes messages.
    Took,
    /// It takes some, and the others were too much.
    TookSome(Cause),
    /// It works, and refuses these messages, or so many of them at once.
    Refused(Cause),
    /// It refuses one message, for a reason that nobody knows; that may be the message's fault.
    Doubtful(Cause),
    /// It takes nothing.
    Failed { after: Option<Duration>, cause: Cause },
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    /// It goes again at once, in a request of so many at the most.
    Split(usize),
    /// It goes again after a wait.
    Wait(Company),
    Dead(GivenUp),
}

/// With whom a message goes the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    AsBefore,
    /// It may be at fault itself.
    Alone,
}

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) max_attempts: Option<NonZeroU32>,
    pub(super) unknown_attempts: NonZeroU32,
}

/// The request that a verdict was given in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    entries: usize,
    /// Some of it was delivered.
    took: bool,
}

impl Request {
    pub(super) fn of(verdicts: &[Verdict]) -> Self {
        let took = verdicts.iter().any(|verdict| verdict.cause().is_none());
        Self { entries: verdicts.len(), took }
    }
}

impl Sign {
    pub(super) fn of(verdicts: &[Verdict]) -> Self {
        let causes = || verdicts.iter().filter_map(Verdict::cause);
        if Request::of(verdicts).took {
            let throttled = causes().find(|cause| cause.class == Class::Throttled);
            return throttled.map_or(Self::Took, |cause| Self::TookSome(cause.clone()));
        }
        // The gravest speaks for the request: a message's own fault says nothing of the others.
        let gravest = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Delivered => None,
            Verdict::Retry { after, cause } => Some((gravity(cause.class), *after, cause)),
            Verdict::Reject(cause) => Some((0, None, cause)),
        });
        match gravest.max_by_key(|(gravity, ..)| *gravity) {
            None => Self::Took,
            Some((0 | 1, _, cause)) => Self::Refused(cause.clone()),
            Some((2, _, cause)) if verdicts.len() > 1 => Self::Refused(cause.clone()),
            Some((2, _, cause)) => Self::Doubtful(cause.clone()),
            Some((_, after, cause)) => Self::Failed { after, cause: cause.clone() },
        }
    }
}

fn gravity(class: Class) -> u8 {
    match class {
        Class::Poison => 0,
        Class::BatchShape => 1,
        Class::Unknown => 2,
        Class::Transient => 3,
        Class::Throttled => 4,
        Class::Broken => 5,
    }
}

impl Policy {
    /// What becomes of a message that has the attempts before this one in its ticket, and what this
    /// one counts as. `delivered` is what the lane has delivered by now.
    pub(super) fn fate(
        self,
        verdict: &Verdict,
        request: Request,
        ticket: &Ticket,
        delivered: u64,
    ) -> (Fate, Blame) {
        let class = match verdict {
            Verdict::Delivered => return (Fate::Delivered, Blame::Request),
            Verdict::Reject(_) => Class::Poison,
            Verdict::Retry { cause, .. } => cause.class,
        };
        let (fate, blame) = match (class, request) {
            (Class::Poison, _) => (Fate::Dead(GivenUp::Refused), Blame::Anybody),
            (Class::BatchShape, Request { entries: 2.., took: true }) => {
                (Fate::Split(1), Blame::Request)
            }
            (Class::BatchShape | Class::Unknown, Request { entries: 2.., took: false }) => {
                (Fate::Split(request.entries / 2), Blame::Request)
            }
            (Class::Unknown, Request { took: true, .. }) => {
                (Fate::Wait(Company::Alone), Blame::Anybody)
            }
            (Class::Unknown | Class::BatchShape, _) => {
                (self.unknown(ticket, delivered), Blame::Message)
            }
            (Class::Throttled | Class::Transient, _) => {
                (Fate::Wait(Company::AsBefore), Blame::Anybody)
            }
            (Class::Broken, Request { took: true, .. }) => {
                (Fate::Wait(Company::Alone), Blame::Destination)
            }
            (Class::Broken, _) => (Fate::Wait(Company::AsBefore), Blame::Destination),
        };
        let goes_on = !matches!(fate, Fate::Dead(_));
        if goes_on && blame.counts() && self.is_last(ticket) {
            return (Fate::Dead(GivenUp::MaxAttempts), blame);
        }
        (fate, blame)
    }

    fn is_last(self, ticket: &Ticket) -> bool {
        let counted = ticket.trouble.as_ref().map_or(0, |trouble| trouble.counted);
        self.max_attempts.is_some_and(|max| counted.saturating_add(1) >= max.get())
    }

    /// A refusal that nobody knows is the message's fault only if the destination took others since
    /// it failed first.
    fn unknown(self, ticket: &Ticket, delivered: u64) -> Fate {
        let is_dead = ticket.trouble.as_ref().is_some_and(|trouble| {
            let attempts = trouble.unknown.saturating_add(1);
            attempts >= self.unknown_attempts.get() && delivered > trouble.delivered_first
        });
        if is_dead { Fate::Dead(GivenUp::UnknownAttempts) } else { Fate::Wait(Company::Alone) }
    }
}

/// Whether a message that is refused as if the destination were broken speaks for itself only: it
/// did so before, and others were delivered since.
pub(super) fn is_broken_alone(ticket: &Ticket, delivered: u64) -> bool {
    ticket.trouble.as_ref().is_some_and(|trouble| {
        trouble.reason.class == Class::Broken.name() && delivered > trouble.delivered_last
    })
}
