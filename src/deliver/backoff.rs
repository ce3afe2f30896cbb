//! How long to wait after the n-th failure: exponential, capped, with full jitter.
//!
//! Full jitter spreads the attempts of many senders best:
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{model::wait, publish::Class};

/// How much longer than a service asked for a lane may wait, so that not all senders return at once.
const AFTER_ASKED_MAX: Duration = Duration::from_secs(5);

/// The bounds of the wait. Always `0 < base <= cap` and `0 < throttled <= cap`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct Backoff(Bounds);

/// Bounds that no wait can keep.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("backoff {key} {base:?} must be positive and at most cap {cap:?}")]
pub struct BackoffError {
    key: &'static str,
    base: Duration,
    cap: Duration,
}

/// As they are written in the settings, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The longest wait after the first failure; it doubles with each further one.
    #[serde(with = "wait")]
    pub base: Duration,
    /// The same where the destination said that it was too fast.
    #[serde(with = "wait")]
    pub throttled: Duration,
    /// The longest wait of all.
    #[serde(with = "wait")]
    pub cap: Duration,
}

impl Backoff {
    /// Checks the bounds.
    pub fn new(bounds: Bounds) -> Result<Self, BackoffError> {
        let Bounds { base, throttled, cap } = bounds;
        for (key, base) in [("base", base), ("throttled", throttled)] {
            if base.is_zero() || base > cap {
                return Err(BackoffError { key, base, cap });
            }
        }
        Ok(Self(bounds))
    }

    /// The wait after this many failures, the last of which was of this class, `random` being
    /// between 0 and 1. A wait that the service asked for is kept, up to the cap.
    pub fn wait(
        &self,
        class: Class,
        failures: u32,
        asked: Option<Duration>,
        random: f64,
    ) -> Duration {
        let Bounds { base, throttled, cap } = self.0;
        let base = if class == Class::Throttled { throttled } else { base };
        let doublings = failures.saturating_sub(1).min(31);
        let wait = base.saturating_mul(1 << doublings).min(cap).mul_f64(random);
        match asked {
            Some(asked) => wait.clamp(asked, asked.saturating_add(AFTER_ASKED_MAX)).min(cap),
            None => wait,
        }
    }

    /// The longest wait.
    pub fn cap(&self) -> Duration {
        self.0.cap
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(100),
            throttled: Duration::from_secs(1),
            cap: Duration::from_mins(1),
        }
    }
}

impl TryFrom<Bounds> for Backoff {
    type Error = BackoffError;

    fn try_from(bounds: Bounds) -> Result<Self, Self::Error> {
        Self::new(bounds)
    }
}

impl From<Backoff> for Bounds {
    fn from(backoff: Backoff) -> Self {
        backoff.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn short() -> Backoff {
        let base = Duration::from_millis(100);
        Backoff::new(Bounds { base, throttled: 5 * base, cap: SECOND }).unwrap()
    }

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_jitter_spreads_it() {
        let wait = |failures, random| short().wait(Class::Transient, failures, None, random);
        let longest = [1, 2, 3, 4, 5, 1_000].map(|failures| wait(failures, 1.0).as_millis());
        assert_eq!(longest, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(wait(3, 0.0), Duration::ZERO);
        assert_eq!(wait(3, 0.5).as_millis(), 200);
    }

    #[test]
    fn a_throttle_is_given_a_longer_wait() {
        assert_eq!(short().wait(Class::Throttled, 1, None, 1.0).as_millis(), 500);
    }

    #[test]
    fn what_the_service_asked_for_is_kept_up_to_the_cap() {
        let wait = |asked, random| {
            Backoff::default().wait(Class::Transient, 30, Some(Duration::from_secs(asked)), random)
        };
        assert_eq!(wait(10, 0.0), 10 * SECOND);
        assert_eq!(wait(10, 1.0), 15 * SECOND);
        assert_eq!(wait(3_600, 0.0), 60 * SECOND);
    }

    #[test]
    fn bounds_that_no_wait_can_keep_are_refused() {
        let refuses = |bounds| Backoff::new(bounds).is_err();
        assert!(refuses(Bounds { base: 61 * SECOND, ..Bounds::default() }));
        assert!(refuses(Bounds { throttled: 61 * SECOND, ..Bounds::default() }));
        assert!(refuses(Bounds { base: Duration::ZERO, ..Bounds::default() }));
        assert!(refuses(Bounds { throttled: Duration::ZERO, ..Bounds::default() }));
    }
}
