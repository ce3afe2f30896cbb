//! Sizes of the settings that cannot be zero: `#[serde(with = "size")]`.

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Writes it as people do: `16.0 MiB`.
pub fn serialize<S: Serializer>(size: &ByteSize, serializer: S) -> Result<S::Ok, S::Error> {
    size.serialize(serializer)
}

/// Reads what [`serialize`] writes, and refuses a size that nothing fits into.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByteSize, D::Error> {
    let size = ByteSize::deserialize(deserializer)?;
    if size == ByteSize::b(0) {
        return Err(D::Error::custom("nothing fits into no bytes; write a size such as \"16MiB\""));
    }
    Ok(size)
}

/// The same for a size that may be left out: `#[serde(default, with = "size::optional")]`.
pub mod optional {
    use bytesize::ByteSize;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes it as people do, or nothing.
    pub fn serialize<S: Serializer>(
        size: &Option<ByteSize>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        size.serialize(serializer)
    }

    /// Reads a size.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ByteSize>, D::Error> {
        let size = ByteSize::deserialize(deserializer)?;
        if size == ByteSize::b(0) {
            return Err(D::Error::custom(
                "nothing fits into no bytes; write a size such as \"1GiB\", or leave the key out \
                 for no limit",
            ));
        }
        Ok(Some(size))
    }
}
