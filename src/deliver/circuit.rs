//! Whether a lane sends at all.
//!
//! ```text
//!            5 failures in a row, half of the last 20, a wait that the service
//!            asked for, or a destination that is broken
//!   [closed] ─────────────────────────────────────────────▶ [open]
//!      ▲                                                    │    ▲
//!      │ the destination took it                  the wait  │    │ it did not
//!      └──────────────────── [half open] ◀──────────────────┘    │
//!                             one message on the wire ───────────┘
//! ```
//!
//! A failure is a request of which nothing was delivered, for a reason that no message gives.
//! Throttles count in a row only: the limiter answers them, and a destination that takes half of
//! what it gets is not away.

use std::time::Duration;

use tokio::time::Instant;

use super::Backoff;
use crate::publish::Class;

/// Failures in a row that open the circuit.
const IN_A_ROW: u32 = 5;

/// Of so many requests half may fail, not more.
const RECENT: u32 = 20;

/// How far a probe of a broken destination may come before or after its time, in parts of it.
const PROBE_JITTER: f64 = 0.1;

/// The circuit of one lane. Pure: the time and the dice are arguments.
#[derive(Debug)]
pub(super) struct Circuit {
    backoff: Backoff,
    probe_interval: Duration,
    state: State,
    era: Era,
    /// Failures since the last success.
    failures: u32,
    /// Openings for the same reason since the last success.
    openings: u32,
    recent: Recent,
}

/// When a request was started, in openings until then. One that was on the wire when the circuit
/// opened says nothing about the time after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Era(u32);

/// Where the circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Closed,
    Open { until: Instant, why: Why },
    HalfOpen { why: Why },
}

/// Why the circuit is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The destination fails, and may pass.
    Failing,
    /// The destination, or our right to it, is gone: an operator has to act.
    Broken,
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    /// As much as the limiter allows.
    Everything,
    /// One message.
    Probe,
    Nothing,
}

/// The circuit has opened, or stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) why: Why,
    pub(super) wait: Duration,
    /// Failures since the last success.
    pub(super) failures: u32,
    pub(super) news: News,
}

/// Whether to tell it: a destination may be away for days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum News {
    /// The first time, and then ever more rarely.
    Tell,
    #[default]
    Known,
}

/// The last requests, the newest in the lowest bit; 1 is a failure.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    bits: u32,
    count: u32,
}

impl Circuit {
    pub(super) fn new(backoff: Backoff, probe_interval: Duration) -> Self {
        Self {
            backoff,
            probe_interval,
            state: State::Closed,
            era: Era(0),
            failures: 0,
            openings: 0,
            recent: Recent::default(),
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// What a request that is started now has to bring back.
    pub(super) fn era(&self) -> Era {
        self.era
    }

    pub(super) fn permit(&self, now: Instant) -> Permit {
        match self.state {
            State::Closed => Permit::Everything,
            State::Open { until, .. } if until <= now => Permit::Probe,
            State::Open { .. } | State::HalfOpen { .. } => Permit::Nothing,
        }
    }

    /// The probe is on the wire.
    pub(super) fn probing(&mut self) {
        if let State::Open { why, .. } = self.state {
            self.state = State::HalfOpen { why };
        }
    }

    /// The destination took something. Answers how many failures came before, if that closed the
    /// circuit.
    pub(super) fn succeeded(&mut self, started: Era) -> Option<u32> {
        if started != self.era {
            return None;
        }
        let failures = std::mem::take(&mut self.failures);
        self.recent.push(0);
        if self.state == State::Closed {
            return None;
        }
        self.state = State::Closed;
        (self.openings, self.recent) = (0, Recent::default());
        Some(failures)
    }

    /// The destination took nothing, and asked to be left alone for a time if `after` says so.
    pub(super) fn failed(
        &mut self,
        started: Era,
        now: Instant,
        (class, after): (Class, Option<Duration>),
        random: f64,
    ) -> Option<Opened> {
        if started != self.era {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        if class != Class::Throttled {
            self.recent.push(1);
        }
        let is_bad = self.failures >= IN_A_ROW || self.recent.is_half_bad();
        if self.state == State::Closed && !is_bad && after.is_none() && class != Class::Broken {
            return None;
        }
        Some(self.open(now, (class, after), random))
    }

    fn open(
        &mut self,
        now: Instant,
        (class, after): (Class, Option<Duration>),
        random: f64,
    ) -> Opened {
        let (why, wait) = if class == Class::Broken {
            let wait = self.probe_interval.mul_f64(1.0 + PROBE_JITTER * (2.0 * random - 1.0));
            (Why::Broken, wait.max(after.unwrap_or_default().min(self.backoff.cap())))
        } else {
            (Why::Failing, self.backoff.wait(class, self.failures, after, random))
        };
        let before = match self.state {
            State::Closed => None,
            State::Open { why, .. } | State::HalfOpen { why } => Some(why),
        };
        self.openings = if before == Some(why) { self.openings.saturating_add(1) } else { 1 };
        self.era = Era(self.era.0.wrapping_add(1));
        self.state = State::Open { until: now + wait, why };
        let news = if self.openings.is_power_of_two() { News::Tell } else { News::Known };
        Opened { why, wait, failures: self.failures, news }
    }
}

impl Recent {
    fn push(&mut self, failure: u32) {
        self.bits = ((self.bits << 1) | failure) & ((1 << RECENT) - 1);
        self.count = (self.count + 1).min(RECENT);
    }

    fn is_half_bad(self) -> bool {
        self.count == RECENT && self.bits.count_ones() * 2 >= RECENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const UNAVAILABLE: (Class, Option<Duration>) = (Class::Transient, None);
    const DENIED: (Class, Option<Duration>) = (Class::Broken, None);

    fn circuit() -> Circuit {
        Circuit::new(Backoff::default(), 30 * SECOND)
    }

    /// Fails as often as that, with the longest waits; answers the last opening.
    fn fail(circuit: &mut Circuit, now: Instant, times: u32) -> Option<Opened> {
        let failed = |_| circuit.failed(circuit.era(), now, UNAVAILABLE, 1.0);
        (0..times).map(failed).last().flatten()
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let (mut circuit, now) = (circuit(), Instant::now());
        assert_eq!(fail(&mut circuit, now, 4), None);
        assert_eq!(circuit.permit(now), Permit::Everything);
        let opened = fail(&mut circuit, now, 1).unwrap();
        assert_eq!((opened.why, opened.news, opened.failures), (Why::Failing, News::Tell, 5));
        assert_eq!(opened.wait, Duration::from_millis(1_600));
        assert_eq!(circuit.permit(now), Permit::Nothing);
    }

    #[test]
    fn half_of_the_last_twenty_open_it() {
        let (mut circuit, now) = (circuit(), Instant::now());
        for _ in 0..9 {
            assert_eq!(fail(&mut circuit, now, 1), None);
            assert_eq!(circuit.succeeded(circuit.era()), None);
        }
        circuit.succeeded(circuit.era());
        assert!(fail(&mut circuit, now, 1).is_some());
    }

    #[test]
    fn throttles_beside_deliveries_do_not_open_it() {
        let (mut circuit, now) = (circuit(), Instant::now());
        for _ in 0..100 {
            let opened = circuit.failed(circuit.era(), now, (Class::Throttled, None), 1.0);
            assert_eq!(opened, None);
            circuit.succeeded(circuit.era());
        }
    }

    #[test]
    fn one_probe_goes_after_the_wait_and_decides() {
        let (mut circuit, now) = (circuit(), Instant::now());
        let first = fail(&mut circuit, now, 5).unwrap();
        let then = now + first.wait;
        assert_eq!(circuit.permit(then), Permit::Probe);
        circuit.probing();
        assert_eq!(circuit.permit(then), Permit::Nothing, "there is one probe at a time");
        let second = fail(&mut circuit, then, 1).unwrap();
        assert_eq!(second.wait, 2 * first.wait);
        let then = then + second.wait;
        circuit.probing();
        assert_eq!(circuit.succeeded(circuit.era()), Some(6));
        assert_eq!(circuit.permit(then), Permit::Everything);
        assert_eq!(fail(&mut circuit, then, 4), None, "what was before is forgotten");
    }

    #[test]
    fn what_was_on_the_wire_when_it_opened_says_nothing() {
        let (mut circuit, now) = (circuit(), Instant::now());
        let before = circuit.era();
        fail(&mut circuit, now, 5);
        assert_eq!(circuit.succeeded(before), None);
        assert_eq!(circuit.failed(before, now, UNAVAILABLE, 1.0), None);
        assert_eq!(circuit.permit(now), Permit::Nothing);
    }

    #[test]
    fn a_broken_destination_opens_it_at_once_and_is_probed_at_its_own_interval() {
        let (mut circuit, now) = (circuit(), Instant::now());
        let waits = [0.0, 0.5, 1.0].map(|random| {
            circuit.probing();
            circuit.failed(circuit.era(), now, DENIED, random).unwrap().wait.as_secs()
        });
        assert_eq!(waits, [27, 30, 33]);
    }

    #[test]
    fn it_is_told_once_and_then_ever_more_rarely() {
        let (mut circuit, now) = (circuit(), Instant::now());
        let told = (1..=20).filter(|_| {
            circuit.probing();
            let opened = circuit.failed(circuit.era(), now, DENIED, 0.5).unwrap();
            opened.news == News::Tell
        });
        assert_eq!(told.collect::<Vec<_>>(), [1, 2, 4, 8, 16]);
        circuit.probing();
        let passing = circuit.failed(circuit.era(), now, UNAVAILABLE, 0.5).unwrap();
        assert_eq!(passing.news, News::Tell, "another reason is news");
    }

    #[test]
    fn a_wait_that_the_service_asks_for_opens_it() {
        let (mut circuit, now) = (circuit(), Instant::now());
        let asked = (Class::Throttled, Some(20 * SECOND));
        let opened = circuit.failed(circuit.era(), now, asked, 0.0).unwrap();
        assert_eq!((opened.why, opened.wait), (Why::Failing, 20 * SECOND));
    }
}
