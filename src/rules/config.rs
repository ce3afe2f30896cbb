//! The `[rules]` section: where fanfare may be asked to differ from Amazon.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::model::count;

/// How documents are checked and filters compared. The default is Amazon's behaviour.
///
/// Each of Ceph's filters has a key of its own, since stores differ in what they send: MinIO has no
/// tags in its events, and any store has keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What a filter value is compared with.
    pub key_match: KeyMatch,
    /// Whether two rules of one bucket may both want the same event.
    pub overlap: Overlap,
    /// How many topic, queue and function rules one bucket may have.
    #[serde(with = "count")]
    pub per_bucket_max: NonZeroUsize,
    /// Filters by the name `regex`, on the whole key.
    pub regex: Extension,
    /// `S3Metadata` filters.
    pub metadata: Extension,
    /// `S3Tags` filters.
    pub tags: Extension,
    /// FIFO queues and topics as destinations.
    pub fifo: Extension,
}

/// What a filter value is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyMatch {
    /// The form-encoded key, as Amazon does: a value for `a=b/` is written `a%3Db/`.
    #[default]
    Aws,
    /// That, or the decoded value with the key itself.
    Lenient,
}

/// Whether two rules of one bucket may both want the same event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// The document is refused, as Amazon does.
    #[default]
    Refuse,
    /// Each rule gets its own message, as Ceph does.
    Allow,
}

/// What becomes of a filter or a destination that Amazon does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extension {
    /// A document with it is refused, with Amazon's error.
    #[default]
    Refuse,
    /// It works: a filter as in Ceph, a destination in the order of each key's events.
    Allow,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key_match: KeyMatch::default(),
            overlap: Overlap::default(),
            // Amazon's quota.
            per_bucket_max: NonZeroUsize::new(100).expect("100 is not zero"),
            regex: Extension::default(),
            metadata: Extension::default(),
            tags: Extension::default(),
            fifo: Extension::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_amazon_s_behaviour_unless_it_says_otherwise() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        let other = toml::from_str::<Config>(
            "key_match = \"lenient\"\noverlap = \"allow\"\nper_bucket_max = 500\nregex = \"allow\"",
        );
        let per_bucket_max = NonZeroUsize::new(500).unwrap();
        let expected = Config {
            key_match: KeyMatch::Lenient,
            overlap: Overlap::Allow,
            per_bucket_max,
            regex: Extension::Allow,
            ..Config::default()
        };
        assert_eq!(other.unwrap(), expected);
        for wrong in ["per_bucket_max = 0", "key_match = \"AWS\"", "overlaps = \"allow\""] {
            assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
        }
    }
}
