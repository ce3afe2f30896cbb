//! How much is delivered in a second, over about the last ten. Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// How many seconds are looked at, the one that has begun among them.
const SECONDS: usize = 10;
/// What has just begun tells nothing of a second.
const ELAPSED_MIN: Duration = Duration::from_secs(1);

/// Deliveries of the last seconds, each second by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    since: Instant,
    /// The second of the last delivery, counted from the beginning.
    last: u64,
    /// What each second had, by the rest of its number.
    counts: [u64; SECONDS],
}

impl Rate {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, last: 0, counts: [0; SECONDS] }
    }

    /// Counts deliveries.
    pub(super) fn add(&mut self, count: u64, now: Instant) {
        self.advance(now);
        let at = slot(self.last);
        if let Some(counted) = self.counts.get_mut(at) {
            *counted += count;
        }
    }

    /// Deliveries a second.
    #[expect(clippy::cast_precision_loss, reason = "nobody delivers 2^53 events in ten seconds")]
    pub(super) fn per_second(mut self, now: Instant) -> f64 {
        self.advance(now);
        let elapsed = now.saturating_duration_since(self.since);
        let part = Duration::from_nanos(elapsed.subsec_nanos().into());
        let window = elapsed.min(Duration::from_secs(SECONDS as u64 - 1) + part);
        self.counts.iter().sum::<u64>() as f64 / window.max(ELAPSED_MIN).as_secs_f64()
    }

    /// Forgets what is too long ago.
    fn advance(&mut self, now: Instant) {
        let second = now.saturating_duration_since(self.since).as_secs();
        for passed in (self.last + 1..=second).rev().take(SECONDS) {
            if let Some(count) = self.counts.get_mut(slot(passed)) {
                *count = 0;
            }
        }
        self.last = self.last.max(second);
    }
}

fn slot(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is delivered at these moments, in milliseconds; the rate at the last.
    fn rate(deliveries: &[(u64, u64)], at: u64) -> f64 {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut rate = Rate::new(start);
        for &(when, count) in deliveries {
            rate.add(count, after(when));
        }
        (rate.per_second(after(at)) * 1000.0).round() / 1000.0
    }

    #[track_caller]
    fn is(rate: f64, expected: f64) {
        assert!((rate - expected).abs() < f64::EPSILON, "{rate} is not {expected}");
    }

    #[test]
    fn it_is_of_the_last_ten_seconds() {
        let steady: Vec<_> = (0..60).map(|second| (second * 1000 + 500, 20)).collect();
        is(rate(&steady, 59_999), 20.002);
        is(rate(&[(0, 90)], 9_000), 10.0);
        is(rate(&[(0, 90)], 9_999), 9.001);
        is(rate(&[(0, 90)], 10_000), 0.0);
        is(rate(&[(0, 90), (12_000, 45)], 12_500), 4.737);
        is(rate(&[(0, 90), (500_000, 95)], 500_500), 10.0);
    }

    #[test]
    fn what_has_just_begun_is_not_taken_for_ten_seconds() {
        is(rate(&[(0, 10)], 0), 10.0);
        is(rate(&[(0, 10)], 500), 10.0);
        is(rate(&[(0, 10)], 2_000), 5.0);
        is(rate(&[], 0), 0.0);
    }
}
