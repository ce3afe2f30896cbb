//! The compiled rules of every bucket.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::KeyFilter;
use crate::model::{BucketName, Destination, EventType, EventTypeSet, ObjectKey, RuleId};

/// The rules of every bucket, as they were at one moment.
#[derive(Clone, Debug, Default)]
pub struct Table {
    buckets: HashMap<BucketName, Arc<Bucket>>,
    undecided: HashSet<BucketName>,
}

/// The rules of one bucket.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// What any of the rules wants: most events that nobody wants end here.
    event_types: EventTypeSet,
    rules: Box<[Rule]>,
}

/// One destination's wish for events of one bucket.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule's id; none for EventBridge, which is switched on for a whole bucket.
    pub id: Option<RuleId>,
    /// Where a matching event goes.
    pub destination: Destination,
    /// The ARN of the destination, which is the name of its lane.
    pub lane: Arc<str>,
    /// Which events.
    pub event_types: EventTypeSet,
    /// Of which keys.
    pub filter: KeyFilter,
}

impl Table {
    /// The rules that want this event.
    pub fn matching<'a>(
        &'a self,
        bucket: &BucketName,
        event_type: EventType,
        key: &'a ObjectKey,
    ) -> impl Iterator<Item = &'a Rule> + 'a {
        let bucket = self.buckets.get(bucket);
        bucket.into_iter().flat_map(move |bucket| bucket.matching(event_type, key))
    }

    /// Whether this bucket has a document that was never readable, so that nobody can say who
    /// wants its events.
    pub fn is_undecided(&self, bucket: &BucketName) -> bool {
        self.undecided.contains(bucket)
    }

    /// Takes note of a bucket whose document was never readable.
    pub fn set_undecided(&mut self, name: BucketName) {
        self.undecided.insert(name);
    }

    /// Puts a bucket's rules into the place of what it had; without rules it is forgotten.
    pub fn replace(&mut self, name: BucketName, bucket: Bucket) {
        self.undecided.remove(&name);
        if bucket.rules.is_empty() {
            self.buckets.remove(&name);
        } else {
            self.buckets.insert(name, Arc::new(bucket));
        }
    }

    /// Every destination that a rule names, by the name of its lane.
    pub fn destinations(&self) -> HashMap<Arc<str>, Destination> {
        let rules = self.buckets.values().flat_map(|bucket| bucket.rules.iter());
        rules.map(|rule| (Arc::clone(&rule.lane), rule.destination.clone())).collect()
    }
}

impl Bucket {
    /// Collects rules in their order.
    pub fn new(rules: Vec<Rule>) -> Self {
        let event_types =
            rules.iter().fold(EventTypeSet::EMPTY, |all, rule| all.union(rule.event_types));
        Self { event_types, rules: rules.into() }
    }

    /// The rules that want this event.
    pub fn matching<'a>(
        &'a self,
        event_type: EventType,
        key: &'a ObjectKey,
    ) -> impl Iterator<Item = &'a Rule> + 'a {
        let rules = if self.event_types.contains(event_type) { &*self.rules } else { &[] };
        rules.iter().filter(move |rule| rule.wants(event_type, key))
    }
}

impl Rule {
    fn wants(&self, event_type: EventType, key: &ObjectKey) -> bool {
        self.event_types.contains(event_type) && self.filter.accepts(key)
    }
}
