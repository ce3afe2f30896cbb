//! The `[journal]` section of the settings.

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

const CHECKPOINT_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Where the journal lives and how much it may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The directory; one process at a time.
    pub directory: PathBuf,
    /// Appends are refused when the segments would hold more than this.
    pub size_limit: ByteSize,
    /// A segment is sealed when it has reached this, or a quarter of `size_limit` if that is less.
    pub segment_size: ByteSize,
    /// How often the checkpoint is renewed, and with it the space of delivered records freed;
    /// at least 10 ms.
    #[serde(with = "humantime_serde")]
    pub checkpoint_interval: Duration,
    /// What the dead letters may hold; when they are full, nothing more is given up.
    pub dead_letters_limit: ByteSize,
    /// How long the id of a record is remembered, so that its copies are not appended again; set
    /// by whoever knows what an id is, and no key of this section.
    #[serde(skip)]
    pub dedupe_window: Option<Duration>,
    /// How long what is finished is kept, to be sent again by `fanfare replay`; less when the space
    /// is needed.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
    /// What the quarantine may hold; its oldest rows give way.
    pub quarantine_limit: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: "/var/lib/fanfare/journal".into(),
            size_limit: ByteSize::gib(10),
            segment_size: ByteSize::mib(64),
            checkpoint_interval: Duration::from_secs(5),
            dead_letters_limit: ByteSize::gib(1),
            dedupe_window: None,
            retention: Duration::ZERO,
            quarantine_limit: ByteSize::mib(64),
        }
    }
}

impl Config {
    /// With a segment larger than that, a nearly full journal could not free any space: the
    /// segment being written is never unlinked.
    pub(super) fn segment_bytes(&self) -> u64 {
        self.segment_size.as_u64().min(self.size_limit.as_u64() / 4)
    }

    /// A checkpoint takes the disk some milliseconds: oftener than that would be a busy loop.
    pub(super) fn checkpoint_interval(&self) -> Duration {
        self.checkpoint_interval.max(CHECKPOINT_INTERVAL_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_interval_makes_a_busy_loop() {
        let config = Config { checkpoint_interval: Duration::ZERO, ..Config::default() };
        assert_eq!(config.checkpoint_interval(), CHECKPOINT_INTERVAL_MIN);
    }
}
