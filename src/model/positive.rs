//! Waits of the settings that cannot be zero: `#[serde(with = "positive")]`.

use std::time::Duration;

use serde::{Deserializer, Serializer, de::Error};

use super::wait;

/// The same for a wait that may be left out: `#[serde(default, with = "positive::optional")]`.
pub mod optional {
    use std::time::Duration;

    use serde::Deserializer;

    pub use super::wait::optional::serialize;

    /// Reads a wait, and refuses one of zero.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::read(deserializer, ", or leave the key out").map(Some)
    }
}

/// Writes it as people do: `5s`.
pub fn serialize<S: Serializer>(wait: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    wait::serialize(wait, serializer)
}

/// Reads what [`serialize`] writes, and refuses a wait that is over before it begins.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    read(deserializer, "")
}

fn read<'de, D: Deserializer<'de>>(deserializer: D, or: &str) -> Result<Duration, D::Error> {
    let wait = wait::deserialize(deserializer)?;
    if wait.is_zero() {
        let problem = format_args!("a wait of zero is none; write a time such as \"5s\"{or}");
        return Err(D::Error::custom(problem));
    }
    Ok(wait)
}
