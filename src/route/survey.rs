//! The rules in force in numbers, for whoever looks at them.
//!
//! Looking costs as much as there are buckets, and holds up nobody. Buckets come and go meanwhile.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Bucket, Shared, Standing};
use crate::model::BucketName;

/// A bucket's rules in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The bucket.
    pub bucket: BucketName,
    /// How many rules it has, EventBridge among them.
    pub rules: usize,
    /// Events accepted of it since these rules are in force.
    pub events: u64,
    /// Of these, those that at least one rule wanted.
    pub matched: u64,
}

/// All buckets with rules in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many there are.
    pub buckets: usize,
    /// How many rules they have.
    pub rules: usize,
    /// Events accepted of them, each since the rules of its bucket are in force.
    pub events: u64,
    /// Of these, those that at least one rule wanted.
    pub matched: u64,
}

/// The first few of many, in the order of their keys.
struct First<K, V> {
    limit: usize,
    kept: BTreeMap<K, V>,
}

impl Shared {
    /// So many buckets with rules, in the order of their names, after this one.
    pub fn page(&self, after: Option<&BucketName>, limit: usize) -> Vec<Summary> {
        let buckets = self.buckets.pin();
        let mut first = First { limit, kept: BTreeMap::new() };
        for (name, bucket) in buckets.iter().filter_map(with_rules) {
            if after.is_none_or(|after| after < name) {
                first.offer(name, bucket);
            }
        }
        first.kept.into_iter().map(|(name, bucket)| Summary::of(name, bucket)).collect()
    }

    /// All buckets with rules in numbers, and so many of those with the most events.
    pub fn busiest(&self, limit: usize) -> (Totals, Vec<Summary>) {
        let buckets = self.buckets.pin();
        let mut totals = Totals::default();
        let mut first = First { limit, kept: BTreeMap::new() };
        for (name, bucket) in buckets.iter().filter_map(with_rules) {
            let events = bucket.events();
            totals.buckets += 1;
            totals.rules += bucket.len();
            totals.events += events;
            totals.matched += bucket.matched();
            first.offer((Reverse(events), name), bucket);
        }
        let first = first.kept.into_iter();
        (totals, first.map(|((_, name), bucket)| Summary::of(name, bucket)).collect())
    }
}

fn with_rules<'a>(
    (name, standing): (&'a BucketName, &'a Standing),
) -> Option<(&'a BucketName, &'a Bucket)> {
    match standing {
        Standing::Rules(bucket) => Some((name, bucket)),
        Standing::Undecided => None,
    }
}

impl<K: Ord, V> First<K, V> {
    fn offer(&mut self, key: K, value: V) {
        let is_full = self.kept.len() >= self.limit;
        if is_full && self.kept.last_key_value().is_none_or(|(last, _)| *last < key) {
            return;
        }
        self.kept.insert(key, value);
        if is_full {
            self.kept.pop_last();
        }
    }
}

impl Summary {
    fn of(name: &BucketName, bucket: &Bucket) -> Self {
        let (events, matched) = (bucket.events(), bucket.matched());
        Self { bucket: name.clone(), rules: bucket.len(), events, matched }
    }
}
