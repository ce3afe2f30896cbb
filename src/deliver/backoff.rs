//! How long to wait after the n-th failure: exponential, capped, with full jitter.
//!
//! Full jitter spreads the attempts of many senders best:
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The bounds of the wait. Always `0 < base <= cap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

/// Bounds that no wait can keep.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("backoff base {base:?} must be positive and at most cap {cap:?}")]
pub struct BackoffError {
    base: Duration,
    cap: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Bounds {
    #[serde(with = "humantime_serde")]
    base: Duration,
    #[serde(with = "humantime_serde")]
    cap: Duration,
}

impl Backoff {
    /// Checks the bounds.
    pub fn new(base: Duration, cap: Duration) -> Result<Self, BackoffError> {
        if base.is_zero() || base > cap {
            return Err(BackoffError { base, cap });
        }
        Ok(Self { base, cap })
    }

    /// The wait after this many failures, `random` being between 0 and 1.
    pub fn wait(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap).mul_f64(random)
    }

    /// The longest wait.
    pub fn cap(&self) -> Duration {
        self.cap
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(100), cap: Duration::from_mins(1) }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Backoff::default().into()
    }
}

impl TryFrom<Bounds> for Backoff {
    type Error = BackoffError;

    fn try_from(bounds: Bounds) -> Result<Self, Self::Error> {
        Self::new(bounds.base, bounds.cap)
    }
}

impl From<Backoff> for Bounds {
    fn from(backoff: Backoff) -> Self {
        Self { base: backoff.base, cap: backoff.cap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_jitter_spreads_it() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1)).unwrap();
        let longest =
            [1, 2, 3, 4, 5, 1_000].map(|failures| backoff.wait(failures, 1.0).as_millis());
        assert_eq!(longest, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.wait(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.wait(3, 0.5).as_millis(), 200);
    }

    #[test]
    fn bounds_that_no_wait_can_keep_are_refused() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        assert!(Backoff::new(minute, second).is_err());
        assert!(Backoff::new(Duration::ZERO, second).is_err());
    }
}
