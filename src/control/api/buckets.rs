//! The `[buckets]` section: which buckets there are, as far as the S3 API is concerned.
//!
//! fanfare keeps no buckets: by default every name is one. Events are not asked about: a store
//! posts them of buckets that it has.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        self, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
    ser::SerializeMap,
};

use super::BucketPattern;
use crate::model::{AccountId, BucketName};

/// Every key names a bucket and holds a table, but for `unknown` and `known`: if they hold no
/// table, they are settings.
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
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a table for the bucket of that name; the settings are `unknown` and `known`"
)]
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

    /// Whether names are listed that make no difference.
    pub fn knows_in_vain(&self) -> bool {
        self.unknown == Unknown::Accept && !self.known.is_empty()
    }

    /// The buckets that somebody else than `account_id` owns.
    pub fn owners(&self) -> impl Iterator<Item = (&BucketName, &AccountId)> {
        self.named.iter().filter_map(|(bucket, settings)| Some((bucket, settings.owner.as_ref()?)))
    }
}

impl Serialize for Buckets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let is_bucket = |key: &str| self.named.keys().any(|bucket| bucket.as_str() == key);
        if !is_bucket("unknown") {
            map.serialize_entry("unknown", &self.unknown)?;
        }
        if !is_bucket("known") {
            map.serialize_entry("known", &self.known)?;
        }
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
            let settings = match key.as_str() {
                "unknown" => map.next_value_seed(Key(&mut buckets.unknown))?,
                "known" => map.next_value_seed(Key(&mut buckets.known))?,
                _ => Some(map.next_value()?),
            };
            if let Some(settings) = settings {
                let bucket = key.parse().map_err(A::Error::custom)?;
                buckets.named.insert(bucket, settings);
            }
        }
        Ok(buckets)
    }
}

/// A key that is a setting unless it holds the table of a bucket, which it then answers.
struct Key<'a, T>(&'a mut T);

impl<'de> DeserializeSeed<'de> for Key<'_, Unknown> {
    type Value = Option<Settings>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, Unknown> {
    type Value = Option<Settings>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"accept\", \"reject\", or a table for the bucket `unknown`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        *self.0 = Unknown::deserialize(text.into_deserializer())?;
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Settings::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_, Vec<BucketPattern>> {
    type Value = Option<Settings>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, Vec<BucketPattern>> {
    type Value = Option<Settings>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of bucket names, or a table for the bucket `known`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        *self.0 = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Settings::deserialize(MapAccessDeserializer::new(map)).map(Some)
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
    fn a_bucket_may_be_called_as_a_setting_is() {
        let section = "[unknown]\nowner = \"999999999999\"\n[known]\n";
        let buckets: Buckets = toml::from_str(section).unwrap();
        let owners: Vec<_> = buckets.owners().map(|(b, o)| (b.as_str(), o.as_str())).collect();
        assert_eq!(owners, [("unknown", "999999999999")]);
        assert!(buckets.contain(&"anything".parse().unwrap()));
        let written = toml::to_string(&buckets).unwrap();
        assert_eq!(toml::from_str::<Buckets>(&written).unwrap(), buckets);
        let section = "unknown = \"reject\"\n[known]\n";
        assert!(contain(section, "known") && !contain(section, "unknown"));
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
            "[unknown]\nregion = \"x\"",
            "[known]\nowner = \"1\"",
            "[\"a/b\"]\n",
        ] {
            assert!(toml::from_str::<Buckets>(wrong).is_err(), "{wrong}");
        }
    }
}
