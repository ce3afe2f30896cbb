//! Documents become rules.

use super::{Bucket, Rule};
use crate::{
    model::{Destination, EventType},
    rules::{Document, EventBridge, KeyMatch},
};

/// Compiles one bucket's document. `bus` is where its events go if it has EventBridge on.
pub fn compile(document: &Document, bus: &Destination, key_match: KeyMatch) -> Bucket {
    let rules = document.rules().iter().map(|rule| Rule {
        id: Some(rule.id.clone()),
        destination: &rule.destination,
        event_types: rule.event_types(),
        prefix: rule.filter.prefix().unwrap_or_default(),
        suffix: rule.filter.suffix().unwrap_or_default(),
        conditions: rule.filter.conditions(),
    });
    let event_bridge = (document.event_bridge() == EventBridge::On).then(|| Rule {
        id: None,
        destination: bus,
        event_types: EventType::ALL
            .iter()
            .copied()
            .filter(|event_type| event_type.goes_to_event_bridge())
            .collect(),
        prefix: "",
        suffix: "",
        conditions: None,
    });
    Bucket::new(rules.chain(event_bridge), key_match)
}
