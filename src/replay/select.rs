//! Which events of the history are sent again, and where to.
//!
//! An event that several rules sent to one destination has a record for each; they follow each
//! other, and are one event here.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Order, Through};
use crate::{
    ingest::add_records,
    journal::{NewRecord, Origin, Past},
    model::{Destination, Event, Record, RecordError, RuleId},
    route::{Found, Shared, Standing},
};

/// What a part of the history comes to.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) records: Vec<NewRecord>,
    /// Events that the records are of.
    pub(super) events: u64,
    /// Records that were read.
    pub(super) read: u64,
    /// The last of them, and when it was accepted.
    pub(super) last: Option<(u64, Timestamp)>,
    /// Records that nobody can read any more.
    pub(super) unreadable: Option<(u64, RecordError)>,
}

/// Selects, and remembers the last event to know it again.
#[derive(Debug)]
pub(super) struct Selector {
    routes: Shared,
    before: Option<Event>,
}

impl Selector {
    pub(super) fn new(routes: Shared) -> Self {
        Self { routes, before: None }
    }

    /// Makes the records of what is sent again.
    pub(super) fn select(
        &mut self,
        history: Vec<Past>,
        order: &Order,
        through: Through,
    ) -> Selected {
        let last = history.last().map(|past| (past.seq, past.time));
        let read = history.len() as u64;
        let mut selected =
            Selected { records: Vec::new(), events: 0, read, last, unreadable: None };
        let mut found = Found::default();
        for past in history.into_iter().filter(|past| past.origin == Origin::Store) {
            let Record { event, rules } = match Record::decode(&past.body) {
                Ok(record) => record,
                Err(cause) => {
                    selected.unreadable = Some((past.seq, cause));
                    continue;
                }
            };
            if self.before.as_ref() == Some(&event) {
                continue;
            }
            self.before = Some(event.clone());
            if !order.wants(&event) {
                continue;
            }
            let before = selected.records.len();
            let records = &mut selected.records;
            match (&order.destination, through) {
                (Some(destination), Through::Everything) => {
                    records.push(directly(event, destination, rules));
                }
                (destination, _) => {
                    self.by_rules(event, destination.as_ref(), &mut found, records);
                }
            }
            selected.events += u64::from(selected.records.len() > before);
        }
        selected
    }

    /// Adds the records that the rules in force make of the event.
    fn by_rules(
        &self,
        event: Event,
        only: Option<&Destination>,
        found: &mut Found,
        records: &mut Vec<NewRecord>,
    ) {
        let reader = self.routes.reader();
        // A bucket that nobody can decide about has no rules now.
        let Some(Standing::Rules(bucket)) = reader.bucket(&event.bucket) else { return };
        // Metadata and tags are not kept: rules that ask for them want nothing here.
        bucket.find(event.event_type, &event.key, found);
        found.sort();
        let wanted = bucket
            .matches(found)
            .filter(|rule| only.is_none_or(|only| **rule.lane == *only.as_str()));
        add_records(event, wanted, Origin::Replay, records);
    }
}

/// One record for a destination that no rule names; it says which rule asked for the event first.
fn directly(event: Event, destination: &Destination, rules: Vec<Option<RuleId>>) -> NewRecord {
    let lanes = vec![Arc::from(destination.as_str())];
    let rules = vec![rules.into_iter().flatten().next()];
    let body = Record { event, rules }.encode().into();
    NewRecord { lanes, body, id: None, origin: Origin::Replay }
}
