//! The `[journal]` section of the settings.

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

const CHECKPOINT_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// A restart reads at the most what came in between two checkpoints.
const CHECKPOINT_INTERVAL_MAX: Duration = Duration::from_hours(1);
/// Ten years: time is counted in microseconds, of which there are not that many more.
const RETENTION_MAX: Duration = Duration::from_hours(24 * 3650);
/// The reserve and some requests fit.
const SIZE_LIMIT_MIN: ByteSize = ByteSize::mib(1);
/// Some frames fit, so that not every append is a file.
const SEGMENT_SIZE_MIN: ByteSize = ByteSize::kib(64);
/// The largest message of any service fits, and its record.
const DEAD_LETTERS_LIMIT_MIN: ByteSize = ByteSize::mib(4);
/// A word fits of what was sent.
const QUARANTINE_LIMIT_MIN: ByteSize = ByteSize::kib(4);

/// Where the journal lives and how much it may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
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

/// Why a journal cannot be kept like that.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// What has to fit does not.
    #[error("journal.{key} {size} is too little to work with; write {min} or more")]
    Small {
        /// Which limit.
        key: &'static str,
        /// What it is.
        size: ByteSize,
        /// What it has to be.
        min: ByteSize,
    },
    /// Checkpoints would come too often, or hardly ever.
    #[error("journal.checkpoint_interval {interval:?} is no time to work with; write 10ms to 1h")]
    Interval {
        /// What it is.
        interval: Duration,
    },
    /// Nothing lasts as long.
    #[error("journal.retention {retention:?} is more than ten years; write 3650d or less")]
    Retention {
        /// What it is.
        retention: Duration,
    },
}

/// Refuses sizes that a journal could not work with.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let config = Self::deserialize(deserializer)?;
        config.check().map_err(D::Error::custom)?;
        Ok(config)
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
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
    /// Whether a journal can be kept like that.
    fn check(&self) -> Result<(), ConfigError> {
        for (key, size, min) in [
            ("size_limit", self.size_limit, SIZE_LIMIT_MIN),
            ("segment_size", self.segment_size, SEGMENT_SIZE_MIN),
            ("dead_letters_limit", self.dead_letters_limit, DEAD_LETTERS_LIMIT_MIN),
            ("quarantine_limit", self.quarantine_limit, QUARANTINE_LIMIT_MIN),
        ] {
            if size < min {
                return Err(ConfigError::Small { key, size, min });
            }
        }
        let (interval, retention) = (self.checkpoint_interval, self.retention);
        if !(CHECKPOINT_INTERVAL_MIN..=CHECKPOINT_INTERVAL_MAX).contains(&interval) {
            return Err(ConfigError::Interval { interval });
        }
        if retention > RETENTION_MAX {
            return Err(ConfigError::Retention { retention });
        }
        Ok(())
    }

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
    fn what_nothing_could_be_kept_in_is_refused_with_the_remedy() {
        let told = |text: &str| toml::from_str::<Config>(text).unwrap_err().to_string();
        for (text, expected) in [
            ("size_limit = \"1KiB\"", "journal.size_limit 1.0 KiB is too little to work with; "),
            ("segment_size = \"0B\"", "journal.segment_size 0 B is too little to work with; write"),
            ("dead_letters_limit = \"1MiB\"", "write 4.0 MiB or more"),
            ("quarantine_limit = \"0B\"", "write 4.0 KiB or more"),
            ("checkpoint_interval = \"0s\"", "write 10ms to 1h"),
            ("checkpoint_interval = \"1d\"", "write 10ms to 1h"),
            ("retention = \"100y\"", "is more than ten years; write 3650d or less"),
            ("size = \"1GiB\"", "unknown field `size`"),
        ] {
            assert!(told(text).contains(expected), "{text}: {}", told(text));
        }
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    }

    #[test]
    fn no_interval_makes_a_busy_loop() {
        let config = Config { checkpoint_interval: Duration::ZERO, ..Config::default() };
        assert_eq!(config.checkpoint_interval(), CHECKPOINT_INTERVAL_MIN);
    }
}
