//! From a decoded request to the journal: match, store, and only then say so.

use std::{
    collections::HashSet,
    fmt::{self, Display},
    iter,
};

use tracing::{debug, warn};

use super::{
    decode::{Arrival, Received, Rejected, Sent},
    metrics::{self, Counters, Counts},
    records::add_records,
    refusals::Refusals,
    sightings::Sightings,
};
use crate::{
    journal::{AppendError, Aside, DatabaseError, Journal, NewRecord, Origin},
    model::Event,
    route::{Bucket, Found, Shared, Standing, Tally},
    tail::Hub,
};

/// So many undecided events of a request are kept each by itself.
const UNDECIDED_SINGLY_MAX: usize = 100;

/// Takes the events of one request.
#[derive(Clone, Debug)]
pub struct Acceptor {
    routes: Shared,
    journal: Journal,
    counters: Counters,
    refusals: Refusals,
    hub: Hub,
}

/// What the store is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Events in the request.
    pub received: u64,
    /// Events that at least one rule wants.
    pub matched: u64,
    /// Matched events that were accepted before, and are dropped.
    pub duplicates: u64,
    /// Events that nobody can decide about, and what is no event.
    pub quarantined: u64,
}

/// As JSON. Duplicates and what is in quarantine show only if there are any, which is rare.
impl Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, matched, duplicates, quarantined } = self;
        write!(f, "{{\"received\":{received},\"matched\":{matched}")?;
        if *duplicates > 0 {
            write!(f, ",\"duplicates\":{duplicates}")?;
        }
        if *quarantined > 0 {
            write!(f, ",\"quarantined\":{quarantined}")?;
        }
        f.write_str("}")
    }
}

/// The events of a request, sorted by what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Routed {
    pub(super) records: Vec<NewRecord>,
    pub(super) undecided: Vec<Arrival>,
    pub(super) matched: u64,
    pub(super) unmatched: u64,
    pub(super) duplicates: u64,
    /// Of the matched events, if copies are to be known by it.
    ids: HashSet<u128>,
    /// What the rules wanted; counted once it is accepted, for what is refused comes again.
    pub(super) tally: Tally,
    pub(super) sightings: Sightings,
}

impl Routed {
    /// Adds the event's records, unless the request had it before.
    fn take(&mut self, rules: &Bucket, event: (Event, &Sent), id: Option<u128>, found: &mut Found) {
        if id.is_some_and(|id| self.ids.contains(&id)) {
            self.matched += 1;
            self.duplicates += 1;
            return;
        }
        let ((event, sent), before) = (event, self.records.len());
        rules.find_with(event.event_type, &event.key, || sent.attributes(), found);
        // In the order of the document, so that the same events always make the same records.
        found.sort();
        self.tally.add(rules, found);
        let about = self.sightings.about(&event);
        let wanted = rules.matches(found);
        let wanted = wanted.inspect(|rule| self.sightings.matched(about.as_ref(), rule));
        add_records(event, wanted, Origin::Store, &mut self.records);
        let stored = self.records.get_mut(before..).unwrap_or_default();
        if stored.is_empty() {
            self.unmatched += 1;
            self.sightings.unmatched(about);
            return;
        }
        // Those of one event are one thing for the journal, however many they are.
        for record in stored {
            record.id = id;
        }
        self.matched += 1;
        self.ids.extend(id);
    }
}

/// Why nothing of a request was accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The journal did not take the events.
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// The quarantine did not take what is no event.
    #[error(transparent)]
    Quarantine(#[from] DatabaseError),
}

impl Acceptor {
    /// Takes events by the rules of `routes` into `journal`.
    pub fn new(routes: Shared, journal: Journal) -> Self {
        let (counters, refusals) = (Counters::new(), Refusals::default());
        Self { routes, journal, counters, refusals, hub: Hub::default() }
    }

    /// Tells whoever watches what becomes of events.
    #[must_use]
    pub fn watched(mut self, hub: Hub) -> Self {
        self.hub = hub;
        self
    }

    /// Accepts all of a request or nothing of it. When this answers `Ok`, every matched event is
    /// on stable storage.
    pub async fn accept(
        &self,
        received: Received,
        trace_id: Option<&str>,
    ) -> Result<Accepted, AcceptError> {
        let mut counts = Counts {
            received: received.count() as u64,
            dropped: received.dropped.len() as u64,
            ..Counts::default()
        };
        for dropped in &received.dropped {
            debug!(?dropped, "event dropped");
        }
        let rejected = received.rejected.iter().map(|rejected| rejected.records as u64);
        counts.quarantined = rejected.sum();
        let mut sightings = Sightings::new(&self.hub);
        received.rejected.iter().for_each(|rejected| sightings.rejected(rejected));
        let mut asides: Vec<Aside> = received.rejected.into_iter().map(aside).collect();
        let mut routed = Routed { sightings, ..Routed::default() };
        let traced = |mut arrival: Arrival| {
            arrival.event.trace_id = trace_id.map(str::to_owned);
            arrival
        };
        self.route(received.events.into_iter().map(traced), &mut routed);
        let Routed { records, undecided, matched, unmatched, duplicates, tally, sightings, .. } =
            routed;
        (counts.matched, counts.unmatched) = (matched, unmatched);
        counts.quarantined += undecided.len() as u64;
        asides.extend(set_aside(undecided));
        let lanes = self.refusals.lanes_of(&records);
        let kept = self.keep(records, asides, counts.quarantined).await;
        counts.duplicates = duplicates + kept.inspect_err(|cause| self.refusals.refused(cause))?;
        self.refusals.taken(&lanes);
        self.counters.add(&counts);
        self.tell(tally, sightings);
        let Counts { received, matched, duplicates, quarantined, .. } = counts;
        Ok(Accepted { received, matched, duplicates, quarantined })
    }

    /// Finds out who wants these events, without waiting for anything.
    pub(super) fn route(&self, events: impl Iterator<Item = Arrival>, routed: &mut Routed) {
        let (reader, mut found) = (self.routes.reader(), Found::default());
        for Arrival { event, sent } in events {
            match reader.bucket(&event.bucket) {
                Some(Standing::Undecided) => {
                    routed.sightings.undecided(&event);
                    routed.undecided.push(Arrival { event, sent });
                }
                Some(Standing::Rules(rules)) => {
                    let id = self.journal.deduplicates().then(|| event.id().as_u128());
                    routed.take(rules, (event, &sent), id, &mut found);
                }
                None => {
                    let about = routed.sightings.about(&event);
                    routed.sightings.unmatched(about);
                    routed.tally.add_stray(&event.bucket);
                    routed.unmatched += 1;
                }
            }
        }
    }

    /// Nothing is routed yet; whoever watches now is told of what will be.
    pub(super) fn nothing_routed(&self) -> Routed {
        Routed { sightings: Sightings::new(&self.hub), ..Routed::default() }
    }

    /// Counts what the rules wanted, and tells whoever watches, once it is stored.
    pub(super) fn tell(&self, tally: Tally, sightings: Sightings) {
        tally.count(&self.routes);
        sightings.tell(&self.hub);
    }

    /// The quarantine first: if the journal then refuses, the store sends all of it again, and
    /// only the quarantine holds something twice. Answers how many events were accepted before.
    async fn keep(
        &self,
        records: Vec<NewRecord>,
        asides: Vec<Aside>,
        count: u64,
    ) -> Result<u64, AcceptError> {
        if let Some(Aside { reason, .. }) = asides.first() {
            warn!(count, reason, "kept in quarantine");
            let evicted = self.journal.quarantine(asides).await?;
            metrics::evicted(evicted);
            if evicted > 0 {
                warn!(evicted, "the quarantine is full; its oldest rows are gone");
            }
        }
        Ok(self.journal.append(records).await?.duplicates)
    }
}

fn aside(Rejected { reason, body, records }: Rejected) -> Aside {
    Aside { reason: of_many(&reason, records), body: body.into() }
}

/// Sets aside the events of buckets that nobody can decide about: each by itself, or those of a
/// great many together, one a line.
fn set_aside(mut events: Vec<Arrival>) -> impl Iterator<Item = Aside> {
    let together = events.split_off(events.len().min(UNDECIDED_SINGLY_MAX));
    let singly = events.into_iter().map(|event| vec![event]);
    let groups = singly.chain(iter::once(together));
    groups.filter_map(|group| {
        let reason = of_many(&undecided(group.first()?), group.len());
        let lines: Vec<_> = group.into_iter().map(Arrival::encode).collect();
        Some(Aside { reason, body: lines.join(&b'\n').into() })
    })
}

/// Why an event is set aside that could be read.
pub(super) fn undecided(Arrival { event, .. }: &Arrival) -> String {
    format!("the notification document of bucket {} was never readable", event.bucket)
}

pub(super) fn of_many(reason: &impl Display, records: usize) -> String {
    match records {
        1 => reason.to_string(),
        _ => format!("{reason} (that is the first of {records} that are kept together)"),
    }
}
