//! From an event and who wants it to what the journal keeps.

use std::sync::Arc;

use crate::{
    journal::{NewRecord, Origin},
    model::{Event, Record, RuleId},
    route::Match,
};

/// Adds the event once for all destinations of these rules; nothing if there are none. A
/// destination that several rules name gets a record for each further rule, since each rule is a
/// message of its own.
pub fn add_records<'a>(
    event: Event,
    wanted: impl Iterator<Item = Match<'a>>,
    origin: Origin,
    records: &mut Vec<NewRecord>,
) {
    let mut lanes: Vec<Arc<str>> = Vec::new();
    let mut rules: Vec<Option<RuleId>> = Vec::new();
    let mut further = Vec::new();
    for rule in wanted {
        if lanes.contains(rule.lane) {
            further.push((Arc::clone(rule.lane), rule.id.cloned()));
        } else {
            lanes.push(Arc::clone(rule.lane));
            rules.push(rule.id.cloned());
        }
    }
    if lanes.is_empty() {
        return;
    }
    for (lane, rule) in further {
        let record = Record { event: event.clone(), rules: vec![rule] };
        let body = record.encode().into();
        records.push(NewRecord { lanes: vec![lane], body, id: None, origin });
    }
    let body = Record { event, rules }.encode().into();
    records.push(NewRecord { lanes, body, id: None, origin });
}
