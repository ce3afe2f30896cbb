//! The event types of a rule as few names, so that a list of rules can belong to one name.
//!
//! A rule for all of a family is kept once under the family's wildcard, not once a type. An event
//! then asks two names: its type and its family.

use crate::model::{EventPattern, EventType, EventTypeSet};

/// A type or a family, by its number among the names that S3 knows.
pub(super) type EventNode = u8;

/// The names that S3 knows.
#[derive(Clone, Debug)]
pub(super) struct EventNodes {
    /// The types that each name stands for: families first.
    names: Box<[EventTypeSet]>,
    /// Names under which there is a rule, one bit each.
    used: u64,
}

impl EventNodes {
    pub(super) fn new() -> Self {
        let names: Vec<_> = EventPattern::all().into_iter().map(EventPattern::types).collect();
        assert!(names.len() <= 64, "a name is one bit of a u64");
        Self { names: names.into(), used: 0 }
    }

    /// The names whose types are exactly those of the set.
    pub(super) fn of_rule(&mut self, mut types: EventTypeSet) -> Vec<EventNode> {
        let mut nodes = Vec::new();
        for (node, name) in (0..).zip(&*self.names) {
            if !types.is_empty() && types.intersection(*name) == *name {
                types = types.without(*name);
                self.used |= 1 << node;
                nodes.push(node);
            }
        }
        nodes
    }

    /// The names with rules that include the type.
    pub(super) fn of_event(&self, event_type: EventType) -> impl Iterator<Item = EventNode> + '_ {
        let names = (0..).zip(&*self.names);
        names
            .filter(move |(node, name)| self.used & 1 << node != 0 && name.contains(event_type))
            .map(|(node, _)| node)
    }
}
