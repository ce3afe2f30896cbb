//! What Ceph's filters ask of an object beyond the two ends of its key.

use crate::model::{Attributes, ObjectKey};

use super::Pattern;

/// Stores write metadata with this in front of its name or without it.
const METADATA_PREFIX: &str = "x-amz-meta-";

/// The conditions that only Ceph knows; there is at least one. All of them have to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    pattern: Option<Pattern>,
    metadata: Box<[Pair]>,
    tags: Box<[Pair]>,
}

/// What an object has to have among its metadata or tags; kept word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    name: Box<str>,
    value: Box<str>,
}

impl Conditions {
    /// `None` if there are none.
    pub fn new(
        pattern: Option<Pattern>,
        metadata: impl IntoIterator<Item = Pair>,
        tags: impl IntoIterator<Item = Pair>,
    ) -> Option<Self> {
        let (metadata, tags) = (metadata.into_iter().collect(), tags.into_iter().collect());
        let conditions = Self { pattern, metadata, tags };
        (conditions.pattern.is_some() || conditions.ask_attributes()).then_some(conditions)
    }

    /// What the whole key has to fit.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }

    /// What the object has to have among its metadata, in the order in which it was sent.
    pub fn metadata(&self) -> &[Pair] {
        &self.metadata
    }

    /// What the object has to have among its tags, in the order in which it was sent.
    pub fn tags(&self) -> &[Pair] {
        &self.tags
    }

    /// Whether they accept a key, and ask no more than that.
    pub fn accept_key(&self, key: &ObjectKey) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.fits(key))
    }

    /// Whether they ask for metadata or tags.
    pub fn ask_attributes(&self) -> bool {
        !self.metadata.is_empty() || !self.tags.is_empty()
    }

    /// Whether they accept what is known of an object. What a store does not send, no object has.
    pub fn accept_attributes(&self, attributes: &Attributes) -> bool {
        let metadata = attributes.metadata.as_deref().unwrap_or_default();
        let tags = attributes.tags.as_deref().unwrap_or_default();
        self.metadata.iter().all(|pair| pair.is_among(metadata, same_metadata))
            && self.tags.iter().all(|pair| pair.is_among(tags, |a, b| a == b))
    }
}

impl Pair {
    /// A name and a value, as sent.
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The name of the metadata or the key of the tag, as sent.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value, as sent.
    pub fn value(&self) -> &str {
        &self.value
    }

    fn is_among(&self, sent: &[(String, String)], is_same: impl Fn(&str, &str) -> bool) -> bool {
        sent.iter().any(|(name, value)| **value == *self.value && is_same(name, &self.name))
    }
}

/// Names of metadata are names of headers, in any case.
fn same_metadata(one: &str, other: &str) -> bool {
    bare(one).eq_ignore_ascii_case(bare(other))
}

fn bare(name: &str) -> &str {
    match name.split_at_checked(METADATA_PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(METADATA_PREFIX) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn asking(metadata: &[(&str, &str)], tags: &[(&str, &str)]) -> Conditions {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<Pair> {
            pairs.iter().map(|(name, value)| Pair::new(name, value)).collect()
        };
        Conditions::new(None, pairs(metadata), pairs(tags)).unwrap()
    }

    #[test]
    fn every_pair_has_to_be_among_what_is_sent() {
        let conditions = asking(&[("x-amz-meta-color", "red")], &[("k", "v"), ("l", "")]);
        let metadata = Some(sent(&[("x-amz-meta-size", "xl"), ("x-amz-meta-color", "red")]));
        for (tags, accepted) in [
            (Some(sent(&[("l", ""), ("m", "n"), ("k", "v")])), true),
            (Some(sent(&[("k", "w"), ("k", "v"), ("l", "")])), true),
            (Some(sent(&[("k", "v")])), false),
            (Some(sent(&[("K", "v"), ("l", "")])), false),
            (Some(sent(&[])), false),
            (None, false),
        ] {
            let attributes = Attributes { metadata: metadata.clone(), tags };
            assert_eq!(conditions.accept_attributes(&attributes), accepted, "{attributes:?}");
        }
    }

    #[test]
    fn metadata_has_one_name_however_a_store_writes_it() {
        for asked in ["x-amz-meta-color", "X-Amz-Meta-Color", "color"] {
            for name in ["x-amz-meta-color", "X-Amz-Meta-Color", "color"] {
                let attributes = Attributes { metadata: Some(sent(&[(name, "red")])), tags: None };
                assert!(asking(&[(asked, "red")], &[]).accept_attributes(&attributes), "{name}");
                assert!(!asking(&[(asked, "Red")], &[]).accept_attributes(&attributes), "{name}");
            }
        }
        let tags = Attributes { metadata: None, tags: Some(sent(&[("color", "red")])) };
        assert!(!asking(&[("color", "red")], &[]).accept_attributes(&tags));
    }
}
