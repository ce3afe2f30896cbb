//! The `[payload]` section.

use serde::{Deserialize, Serialize};

/// How events are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which `eventVersion` the records carry.
    pub event_version: EventVersion,
}

/// The era of Amazon S3 whose version numbers the events carry.
///
/// Consumers should accept any minor version they know or a later one, but many compare the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventVersion {
    /// A number per family, mostly 2.1: what the most consumers accept.
    #[default]
    #[serde(rename = "classic")]
    Classic,
    /// 2.6 for every type, and `event-version` in EventBridge's detail: Amazon since September
    /// 2026.
    #[serde(rename = "2.6")]
    V2_6,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_classic_or_2_6_and_nothing_else() {
        let read = |text: &str| toml::from_str::<Config>(text).map(|config| config.event_version);
        assert_eq!(read("").unwrap(), EventVersion::Classic);
        assert_eq!(read("event_version = \"classic\"").unwrap(), EventVersion::Classic);
        assert_eq!(read("event_version = \"2.6\"").unwrap(), EventVersion::V2_6);
        assert!(read("event_version = \"2.4\"").is_err());
        assert!(read("version = \"2.6\"").is_err());
    }
}
