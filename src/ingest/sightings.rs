//! What is told of a request to whoever watches, once it is stored.
//!
//! While nobody watches, nothing is gathered.

use std::sync::Arc;

use jiff::Timestamp;

use super::Rejected;
use crate::{
    model::Event,
    route::Match,
    tail::{Hub, Sighting, Stage},
};

/// What was seen of the events of one request; nothing if nobody watches.
#[derive(Debug, Default)]
pub(super) struct Sightings(Option<Gathered>);

#[derive(Debug)]
struct Gathered {
    time: Timestamp,
    seen: Vec<Sighting>,
}

impl Sightings {
    /// Of a request that has just come.
    pub(super) fn new(hub: &Hub) -> Self {
        Self(hub.is_watched().then(|| Gathered { time: Timestamp::now(), seen: Vec::new() }))
    }

    /// What every sighting of this event has in common.
    pub(super) fn about(&self, event: &Event) -> Option<Sighting> {
        let Gathered { time, .. } = self.0.as_ref()?;
        Some(Sighting::of(*time, Stage::Unmatched, event))
    }

    /// A rule wants the event.
    pub(super) fn matched(&mut self, about: Option<&Sighting>, rule: &Match<'_>) {
        let (Some(Gathered { seen, .. }), Some(about)) = (&mut self.0, about) else { return };
        seen.push(Sighting {
            stage: Stage::Matched,
            rule: rule.id.cloned(),
            destination: Some(Arc::clone(rule.lane)),
            ..about.clone()
        });
    }

    /// No rule wants the event.
    pub(super) fn unmatched(&mut self, about: Option<Sighting>) {
        if let Some(Gathered { seen, .. }) = &mut self.0 {
            seen.extend(about);
        }
    }

    /// Nobody can decide about the event.
    pub(super) fn undecided(&mut self, event: &Event) {
        if let Some(Gathered { time, seen }) = &mut self.0 {
            let words = "the notification document of the bucket was never readable";
            let sighting = Sighting::of(*time, Stage::Quarantined, event);
            seen.push(Sighting { message: Some(words.into()), ..sighting });
        }
    }

    /// It is no event. Why not is told; what it is may hold what the store's client sent.
    pub(super) fn rejected(&mut self, rejected: &Rejected) {
        if let Some(Gathered { time, seen }) = &mut self.0 {
            let sighting = Sighting::new(*time, Stage::Quarantined, None);
            seen.push(Sighting { message: Some(rejected.reason.to_string().into()), ..sighting });
        }
    }

    /// The request is stored.
    pub(super) fn tell(self, hub: &Hub) {
        if let Some(Gathered { seen, .. }) = self.0 {
            hub.tell(seen);
        }
    }
}
