//! Counts of the settings that cannot be zero: `#[serde(with = "count")]`.

use std::num::NonZeroU64;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Writes the number.
pub fn serialize<T: Serialize, S: Serializer>(count: &T, serializer: S) -> Result<S::Ok, S::Error> {
    count.serialize(serializer)
}

/// Reads a number of one or more.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<NonZeroU64>,
    D: Deserializer<'de>,
{
    read(deserializer, "write 1 or more")
}

fn read<'de, T, D>(deserializer: D, remedy: &str) -> Result<T, D::Error>
where
    T: TryFrom<NonZeroU64>,
    D: Deserializer<'de>,
{
    let number = u64::deserialize(deserializer)?;
    let count = NonZeroU64::new(number);
    let count = count.ok_or_else(|| D::Error::custom(format_args!("0 is none; {remedy}")))?;
    count
        .try_into()
        .or(Err(()))
        .map_err(|()| D::Error::custom(format_args!("{number} is too many; write less")))
}

/// The same for a count that may be left out: `#[serde(default, with = "count::optional")]`.
pub mod optional {
    use std::num::NonZeroU64;

    use serde::{Deserializer, Serialize, Serializer};

    /// Writes the number, or nothing.
    pub fn serialize<T: Serialize, S: Serializer>(
        count: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        count.serialize(serializer)
    }

    /// Reads a number of one or more.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: TryFrom<NonZeroU64>,
        D: Deserializer<'de>,
    {
        super::read(deserializer, "write 1 or more, or leave the key out for no limit").map(Some)
    }
}
