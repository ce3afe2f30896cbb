//! The `[deliver]` section.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Backoff;

/// How a lane paces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Requests in flight to one destination.
    pub concurrency: NonZeroUsize,
    /// How long to wait after a failure.
    pub backoff: Backoff,
}

impl Default for Config {
    fn default() -> Self {
        let concurrency = NonZeroUsize::new(64).expect("64 is not zero");
        Self { concurrency, backoff: Backoff::default() }
    }
}
