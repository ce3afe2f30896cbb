//! How many requests a lane may have on the wire, and how large they may be.
//!
//! A lane starts at full speed. A request of which nothing was delivered takes it down to one
//! request of half the size, after a wait; each success doubles both again. So a dead
//! destination is probed by one request at a time, and a request that is refused because of one
//! of its messages shrinks until that message stands alone.

use std::time::Duration;

use tokio::time::Instant;

use super::Backoff;

/// The pace of one lane. Pure: the time and the dice are arguments.
#[derive(Debug)]
pub(super) struct Pace {
    backoff: Backoff,
    requests_max: usize,
    entries_max: usize,
    requests: usize,
    entries: usize,
    /// Failures since the last success.
    failures: u32,
    /// Failures ever, wrapping.
    generation: Generation,
    hold_until: Option<Instant>,
}

/// When a request was started, in failures seen until then. A failure tells something new only
/// if its request was started after the last one: 64 requests that die together are one failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u32);

impl Pace {
    pub(super) fn new(backoff: Backoff, requests_max: usize, entries_max: usize) -> Self {
        Self {
            backoff,
            requests_max,
            entries_max,
            requests: requests_max,
            entries: entries_max,
            failures: 0,
            generation: Generation(0),
            hold_until: None,
        }
    }

    /// How many requests may be on the wire now.
    pub(super) fn requests(&self, now: Instant) -> usize {
        if self.hold_until.is_some_and(|until| now < until) { 0 } else { self.requests }
    }

    /// How many messages a request may hold.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// When the wait ends, if there is one.
    pub(super) fn hold_until(&self) -> Option<Instant> {
        self.hold_until
    }

    /// Failures since the last success.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Something was delivered. Answers how many failures came before. A request that was
    /// started before the last failure says nothing about the time after it.
    pub(super) fn succeeded(&mut self, started: Generation) -> u32 {
        if started != self.generation {
            return 0;
        }
        self.requests = self.requests.saturating_mul(2).min(self.requests_max);
        self.entries = self.entries.saturating_mul(2).min(self.entries_max);
        self.hold_until = None;
        std::mem::take(&mut self.failures)
    }

    /// Part of a request was delivered and part was too much: half the requests after a short
    /// wait, which does not grow, since there is progress. Answers the wait, or none if the
    /// request was started before the last failure.
    pub(super) fn throttled(
        &mut self,
        started: Generation,
        now: Instant,
        random: f64,
    ) -> Option<Duration> {
        if started != self.generation {
            return None;
        }
        self.generation = Generation(self.generation.0.wrapping_add(1));
        self.requests = (self.requests / 2).max(1);
        let wait = self.backoff.wait(1, random);
        self.hold_until = Some(now + wait);
        Some(wait)
    }

    /// Nothing of a request was delivered. Answers the wait, or none if this failure is old news.
    pub(super) fn failed(
        &mut self,
        started: Generation,
        now: Instant,
        after: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        if started != self.generation {
            return None;
        }
        self.generation = Generation(self.generation.0.wrapping_add(1));
        self.failures = self.failures.saturating_add(1);
        self.requests = 1;
        self.entries = (self.entries / 2).max(1);
        let asked = after.unwrap_or_default().min(self.backoff.cap());
        let wait = self.backoff.wait(self.failures, random).max(asked);
        self.hold_until = Some(now + wait);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Backoff::default(), 64, 10)
    }

    #[test]
    fn a_failure_leaves_one_smaller_request_after_a_wait() {
        let (mut pace, now) = (pace(), Instant::now());
        let wait = pace.failed(pace.generation(), now, None, 1.0).unwrap();
        assert_eq!((pace.requests(now), pace.requests(now + wait), pace.entries()), (0, 1, 5));
    }

    #[test]
    fn requests_that_die_together_are_one_failure() {
        let (mut pace, now) = (pace(), Instant::now());
        let started = pace.generation();
        assert!(pace.failed(started, now, None, 1.0).is_some());
        assert!(pace.failed(started, now, None, 1.0).is_none());
    }

    #[test]
    fn successes_bring_the_full_speed_back() {
        let (mut pace, now) = (pace(), Instant::now());
        for _ in 0..5 {
            pace.failed(pace.generation(), now, None, 1.0);
        }
        assert_eq!(pace.entries(), 1);
        for _ in 0..6 {
            pace.succeeded(pace.generation());
        }
        assert_eq!((pace.requests(now), pace.entries()), (64, 10));
    }

    #[test]
    fn a_success_that_was_already_on_the_wire_does_not_end_the_wait() {
        let (mut pace, now) = (pace(), Instant::now());
        let before = pace.generation();
        let asked = Some(Duration::from_secs(30));
        pace.failed(before, now, asked, 0.0);
        assert_eq!(pace.succeeded(before), 0);
        assert_eq!((pace.requests(now), pace.requests), (0, 1));
    }

    #[test]
    fn a_throttle_beside_deliveries_halves_the_requests_and_its_wait_does_not_grow() {
        let (mut pace, now) = (pace(), Instant::now());
        let waits: Vec<_> =
            (0..3).map(|_| pace.throttled(pace.generation(), now, 1.0).unwrap()).collect();
        assert_eq!(waits, [Duration::from_millis(100); 3]);
        assert_eq!((pace.requests, pace.entries()), (8, 10));
    }

    #[test]
    fn the_service_s_own_wait_is_kept_up_to_the_cap() {
        let (mut pace, now) = (pace(), Instant::now());
        let hour = Some(Duration::from_hours(1));
        assert_eq!(pace.failed(pace.generation(), now, hour, 0.0), Some(Duration::from_mins(1)));
    }
}
