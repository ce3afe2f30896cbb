//! Waits of the settings: `#[serde(with = "wait")]`. They may be zero, and end within a lifetime, so
//! that adding one to a time never overflows.

use std::time::Duration;

use serde::{Deserializer, Serializer, de::Error};

/// Ten years.
const MAX: Duration = Duration::from_hours(24 * 3650);

/// Writes it as people do: `5s`.
pub fn serialize<S: Serializer>(wait: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    humantime_serde::serialize(wait, serializer)
}

/// Reads what [`serialize`] writes, and refuses a wait that nobody lives to see the end of.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let wait: Duration = humantime_serde::deserialize(deserializer)?;
    if wait > MAX {
        return Err(D::Error::custom("that is more than ten years; write 3650d or less"));
    }
    Ok(wait)
}

/// The same for a wait that may be left out: `#[serde(default, with = "wait::optional")]`.
pub mod optional {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    /// Writes it as people do, or nothing.
    pub fn serialize<S: Serializer>(
        wait: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        humantime_serde::serialize(wait, serializer)
    }

    /// Reads a wait.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}
