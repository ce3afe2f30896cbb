//! How fast a replay may send: an average, without credit for the time in which it had nothing to
//! send.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;

/// The moment from which more may be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    rate: NonZeroU32,
    due: Instant,
}

impl Pace {
    pub(super) fn new(rate: NonZeroU32, now: Instant) -> Self {
        Self { rate, due: now }
    }

    /// When the next events may be sent.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// So many were sent.
    pub(super) fn sent(&mut self, events: u64, now: Instant) {
        let seconds = Duration::from_secs(events);
        self.due = self.due.max(now) + seconds / self.rate.get();
    }

    /// Nothing may be sent for a while.
    pub(super) fn pause(&mut self, pause: Duration, now: Instant) {
        self.due = now + pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_nothing_is_saved_up() {
        let start = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(500).unwrap(), start);
        pace.sent(250, start);
        assert_eq!(pace.due(), start + Duration::from_millis(500));
        pace.sent(1, start);
        assert_eq!(pace.due(), start + Duration::from_millis(502));
        let later = start + Duration::from_mins(1);
        pace.sent(500, later);
        assert_eq!(pace.due(), later + Duration::from_secs(1));
    }
}
