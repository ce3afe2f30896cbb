//! The `[buckets]` section: which buckets there are, as far as the S3 API is concerned.
//!
//! fanfare keeps no buckets: by default every name is one. Events are not asked about: a store
//! posts them of buckets that it has.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};

use super::BucketPattern;
use crate::model::{AccountId, BucketName};

/// Every key but `unknown` and `known` names a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    unknown: Unknown,
    known: Vec<BucketPattern>,
    named: BTreeMap<BucketName, Settings>,
}

/// What to say of a bucket that the settings do not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// It exists.
    #[default]
    Accept,
    /// `NoSuchBucket`.
    Reject,
}

/// A `[buckets."name"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<AccountId>,
}

impl Buckets {
    /// Whether there is such a bucket.
    pub fn contain(&self, bucket: &BucketName) -> bool {
        self.unknown == Unknown::Accept
            || self.named.contains_key(bucket)
            || self.known.iter().any(|names| names.accepts(bucket))
    }

    /// The buckets that somebody else than `account_id` owns.
    pub fn owners(&self) -> impl Iterator<Item = (&BucketName, &AccountId)> {
        self.named.iter().filter_map(|(bucket, settings)| Some((bucket, settings.owner.as_ref()?)))
    }
}

impl Serialize for Buckets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("unknown", &self.unknown)?;
        map.serialize_entry("known", &self.known)?;
        for (bucket, settings) in &self.named {
            map.serialize_entry(bucket, settings)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Buckets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Section)
    }
}

/// Reads the section key by key, because serde cannot tell a bucket's name from a wrong key.
struct Section;

impl<'de> Visitor<'de> for Section {
    type Value = Buckets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`unknown`, `known`, or a table for each bucket")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Buckets, A::Error> {
        let mut buckets = Buckets::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "unknown" => buckets.unknown = map.next_value()?,
                "known" => buckets.known = map.next_value()?,
                name => {
                    let bucket = name.parse().map_err(A::Error::custom)?;
                    buckets.named.insert(bucket, map.next_value()?);
                }
            }
        }
        Ok(buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contain(section: &str, bucket: &str) -> bool {
        toml::from_str::<Buckets>(section).unwrap().contain(&bucket.parse().unwrap())
    }

    #[test]
    fn every_bucket_exists_unless_unknown_ones_are_rejected() {
        assert!(contain("", "anything"));
        assert!(contain("known = [\"photos\"]", "anything"));
        let section = "unknown = \"reject\"\nknown = [\"photos\", \"team-*\"]\n[mine]\n";
        for (bucket, there) in
            [("photos", true), ("team-a", true), ("mine", true), ("photos2", false)]
        {
            assert_eq!(contain(section, bucket), there, "{bucket}");
        }
    }

    #[test]
    fn a_bucket_may_have_an_owner_of_its_own() {
        let section = "[photos]\nowner = \"999999999999\"\n[plain]\n";
        let buckets: Buckets = toml::from_str(section).unwrap();
        let owners: Vec<_> = buckets.owners().map(|(b, o)| (b.as_str(), o.as_str())).collect();
        assert_eq!(owners, [("photos", "999999999999")]);
        let written = toml::to_string(&buckets).unwrap();
        assert_eq!(toml::from_str::<Buckets>(&written).unwrap(), buckets);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            "unknown = \"maybe\"",
            "known = \"photos\"",
            "known = [\"a/b\"]",
            "unknowns = \"reject\"",
            "[photos]\nowner = \"1\"",
            "[photos]\nregion = \"x\"",
            "[\"a/b\"]\n",
        ] {
            assert!(toml::from_str::<Buckets>(wrong).is_err(), "{wrong}");
        }
    }
}
