//! Documents become rules.

use super::{Bucket, KeyFilter, Rule};
use crate::{
    model::{Destination, EventType},
    rules::{Document, EventBridge, KeyMatch},
};

/// Compiles one bucket's document. `bus` is where its events go if it has EventBridge on.
pub fn compile(document: &Document, bus: &Destination, key_match: KeyMatch) -> Bucket {
    let rules = document.rules().iter().map(|rule| Rule {
        id: Some(rule.id.clone()),
        lane: rule.destination.as_str().into(),
        destination: rule.destination.clone(),
        event_types: rule.event_types(),
        filter: KeyFilter::new(
            rule.filter.prefix().unwrap_or_default(),
            rule.filter.suffix().unwrap_or_default(),
            key_match,
        ),
    });
    let event_bridge = (document.event_bridge() == EventBridge::On).then(|| Rule {
        id: None,
        lane: bus.as_str().into(),
        destination: bus.clone(),
        event_types: EventType::ALL
            .iter()
            .copied()
            .filter(|event_type| event_type.goes_to_event_bridge())
            .collect(),
        filter: KeyFilter::default(),
    });
    Bucket::new(rules.chain(event_bridge).collect())
}
