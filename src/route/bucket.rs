//! The compiled rules of one bucket.
//!
//! Filter values are read once, here. A rule whose values are encodings of bytes is found by the
//! raw key. The few whose values may be cut inside an escape are found, as they are stored, by the
//! encoded key, in an index of their own; a bucket without them never encodes a key. Rules that no
//! key can match are in neither. What Ceph's filters add is asked of the rules that are found.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use super::{
    filters::Filters,
    hits::Hits,
    index::{Index, Work},
    residue::Residue,
};
use crate::{
    model::{Attributes, Destination, EventType, EventTypeSet, ObjectKey, RuleId},
    rules::{Conditions, KeyMatch},
};

/// An encoded key has at most this many bytes.
const FORM_BYTES_MAX: usize = 3 * 1024;

/// One destination's wish for events of one bucket, as it stands in the document.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// The rule's id; none for EventBridge, which is switched on for a whole bucket.
    pub id: Option<RuleId>,
    /// Where a matching event goes.
    pub destination: &'a Destination,
    /// Which events.
    pub event_types: EventTypeSet,
    /// What keys begin with, as stored; empty for any.
    pub prefix: &'a str,
    /// What keys end with, as stored; empty for any.
    pub suffix: &'a str,
    /// What Ceph's filters ask beyond that.
    pub conditions: Option<&'a Arc<Conditions>>,
}

/// A destination, as a bucket names it.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Its ARN.
    pub(super) name: Arc<str>,
    pub(super) destination: Arc<Destination>,
}

/// The rules of one bucket.
#[derive(Debug)]
pub struct Bucket {
    /// What any of the rules wants: most events that nobody wants end here.
    event_types: EventTypeSet,
    raw: Index,
    form: Option<Box<Index>>,
    residue: Option<Box<Residue>>,
    ids: Box<[Option<RuleId>]>,
    /// The lane of each rule, by its number.
    lane_of: Box<[u32]>,
    pub(super) lanes: Box<[Lane]>,
    pub(super) hits: Hits,
}

/// A rule that wants an event.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// The name of the destination's lane, which is its ARN.
    pub lane: &'a Arc<str>,
    /// The rule's id; none for EventBridge.
    pub id: Option<&'a RuleId>,
}

/// Numbers of rules. It is kept from one search to the next, so that a search allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Found(Vec<u32>);

impl Bucket {
    /// Compiles rules; their order is that in which the document has them.
    pub fn new<'a>(rules: impl IntoIterator<Item = Rule<'a>>, key_match: KeyMatch) -> Self {
        let mut filters = Filters::new(key_match);
        let mut event_types = EventTypeSet::EMPTY;
        let (mut ids, mut lane_of, mut lanes) = (Vec::new(), Vec::new(), Vec::new());
        let mut conditions = Vec::new();
        let mut known: HashMap<&str, u32> = HashMap::new();
        // Many rules in a row name the same destination.
        let mut last = ("", 0);
        for (number, rule) in (0..).zip(rules) {
            filters.add(number, &rule);
            conditions.extend(rule.conditions.map(|conditions| (number, Arc::clone(conditions))));
            event_types = event_types.union(rule.event_types);
            let name = rule.destination.as_str();
            if last.0 != name {
                let lane = *known.entry(name).or_insert_with(|| {
                    let destination = Arc::new(rule.destination.clone());
                    lanes.push(Lane { name: name.into(), destination });
                    u32::try_from(lanes.len() - 1).expect("a document has less than 2^32 rules")
                });
                last = (name, lane);
            }
            lane_of.push(last.1);
            ids.push(rule.id);
        }
        let seed = RandomState::new().hash_one(ids.len());
        let (raw, form) = filters.index(seed);
        Self {
            event_types,
            raw,
            form: form.map(Box::new),
            residue: Residue::new(conditions).map(Box::new),
            hits: Hits::new(ids.len()),
            ids: ids.into(),
            lane_of: lane_of.into(),
            lanes: lanes.into(),
        }
    }

    /// Finds the rules that want an event of an object that only its key is known of, in no
    /// particular order.
    pub fn find(&self, event_type: EventType, key: &ObjectKey, found: &mut Found) {
        self.find_with(event_type, key, Attributes::default, found);
    }

    /// Finds the rules that want an event of an object with these attributes. They are read only if
    /// that depends on them.
    pub fn find_with(
        &self,
        event_type: EventType,
        key: &ObjectKey,
        attributes: impl FnOnce() -> Attributes,
        found: &mut Found,
    ) {
        self.find_counted(event_type, key, found, &mut ());
        if let Some(residue) = &self.residue {
            residue.retain(&mut found.0, key, attributes);
        }
    }

    /// Finds the rules whose ends fit, and counts the work of it.
    fn find_counted(
        &self,
        event_type: EventType,
        key: &ObjectKey,
        found: &mut Found,
        work: &mut impl Work,
    ) {
        found.0.clear();
        if !self.event_types.contains(event_type) {
            return;
        }
        self.raw.find(event_type, key.as_str().as_bytes(), work, |rule| found.0.push(rule));
        if let Some(form) = &self.form {
            find_by_form(form, event_type, key, (found, work));
        }
    }

    /// The rules that were found, in the order in which they were found.
    pub fn matches<'a>(&'a self, found: &'a Found) -> impl Iterator<Item = Match<'a>> + 'a {
        found.0.iter().filter_map(|rule| {
            let rule = *rule as usize;
            let lane = self.lanes.get(*self.lane_of.get(rule)? as usize)?;
            Some(Match { lane: &lane.name, id: self.ids.get(rule)?.as_ref() })
        })
    }

    /// Whether a rule of this id, or for no id EventBridge, is for this destination.
    pub fn names(&self, id: Option<&RuleId>, destination: &Destination) -> bool {
        let lane_of = |rule: &u32| self.lanes.get(*rule as usize);
        self.ids.iter().zip(&self.lane_of).any(|(rule, lane)| {
            rule.as_ref() == id
                && lane_of(lane).is_some_and(|lane| *lane.destination == *destination)
        })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether nobody wants anything.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Events that were accepted since these rules are in force.
    pub fn events(&self) -> u64 {
        self.hits.events()
    }

    /// Of these, those that at least one rule wanted.
    pub fn matched(&self) -> u64 {
        self.hits.matched()
    }

    /// Of these, those that each rule wanted, in the order of the document; EventBridge, which has
    /// no id, is the last.
    pub fn matched_by_rule(&self) -> impl Iterator<Item = (Option<&RuleId>, u64)> {
        self.ids.iter().enumerate().map(|(rule, id)| (id.as_ref(), self.hits.of_rule(rule)))
    }
}

impl Found {
    /// How many rules were found.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    /// Puts the rules into the order of the document.
    pub fn sort(&mut self) {
        self.0.sort_unstable();
    }
}

/// A lenient rule may be in both indexes, and both may find it.
fn find_by_form(
    form: &Index,
    event_type: EventType,
    key: &ObjectKey,
    (found, work): (&mut Found, &mut impl Work),
) {
    let mut encoded = [0; FORM_BYTES_MAX];
    let length = encoded.iter_mut().zip(key.form_bytes()).map(|(to, byte)| *to = byte).count();
    let found_before = found.len();
    let key = encoded.get(..length).unwrap_or_default();
    form.find(event_type, key, work, |rule| found.0.push(rule));
    if found_before > 0 && found.len() > found_before {
        found.sort();
        found.0.dedup();
    }
}
