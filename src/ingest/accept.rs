//! From a decoded request to the journal: match, store, and only then say so.

use std::{
    fmt::{self, Display},
    iter,
    sync::Arc,
};

use tracing::{debug, warn};

use super::{
    decode::{Arrival, Received, Rejected, Sent},
    metrics::{self, Counters, Counts},
};
use crate::{
    journal::{AppendError, Aside, DatabaseError, Journal, NewRecord, Origin},
    model::{Event, Record, RuleId},
    route::{Bucket, Found, Shared, Standing},
};

/// So many undecided events of a request are kept each by itself.
const UNDECIDED_SINGLY_MAX: usize = 100;

/// Takes the events of one request.
#[derive(Clone, Debug)]
pub struct Acceptor {
    routes: Shared,
    journal: Journal,
    counters: Counters,
}

/// What the store is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Events in the request.
    pub received: u64,
    /// Events that at least one rule wants.
    pub matched: u64,
    /// Events that nobody can decide about, and what is no event.
    pub quarantined: u64,
}

/// As JSON. What is in quarantine shows only if something is, which is rare.
impl Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, matched, quarantined } = self;
        write!(f, "{{\"received\":{received},\"matched\":{matched}")?;
        if *quarantined > 0 {
            write!(f, ",\"quarantined\":{quarantined}")?;
        }
        f.write_str("}")
    }
}

/// The events of a request, sorted by what becomes of them.
#[derive(Debug, Default)]
struct Routed {
    records: Vec<NewRecord>,
    undecided: Vec<Event>,
    matched: u64,
    unmatched: u64,
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
        Self { routes, journal, counters: Counters::new() }
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
        let mut asides: Vec<Aside> = received.rejected.into_iter().map(aside).collect();
        let Routed { records, undecided, matched, unmatched } =
            self.route(received.events, trace_id);
        (counts.matched, counts.unmatched) = (matched, unmatched);
        counts.quarantined += undecided.len() as u64;
        asides.extend(set_aside(undecided));
        self.keep(records, asides, counts.quarantined).await?;
        self.counters.add(&counts);
        let Counts { received, matched, quarantined, .. } = counts;
        Ok(Accepted { received, matched, quarantined })
    }

    /// Finds out who wants these events, without waiting for anything.
    fn route(&self, events: Vec<Arrival>, trace_id: Option<&str>) -> Routed {
        let (reader, mut found) = (self.routes.reader(), Found::default());
        let mut routed = Routed::default();
        for Arrival { mut event, sent } in events {
            event.trace_id = trace_id.map(str::to_owned);
            let rules = match reader.bucket(&event.bucket) {
                Some(Standing::Undecided) => {
                    routed.undecided.push(event);
                    continue;
                }
                Some(Standing::Rules(rules)) => Some(rules),
                None => None,
            };
            if rules
                .is_some_and(|rules| store(rules, (event, &sent), &mut found, &mut routed.records))
            {
                routed.matched += 1;
            } else {
                routed.unmatched += 1;
            }
        }
        routed
    }

    /// The quarantine first: if the journal then refuses, the store sends all of it again, and
    /// only the quarantine holds something twice.
    async fn keep(
        &self,
        records: Vec<NewRecord>,
        asides: Vec<Aside>,
        count: u64,
    ) -> Result<(), AcceptError> {
        if let Some(Aside { reason, .. }) = asides.first() {
            warn!(count, reason, "kept in quarantine");
            let evicted = self.journal.quarantine(asides).await?;
            metrics::evicted(evicted);
            if evicted > 0 {
                warn!(evicted, "the quarantine is full; its oldest rows are gone");
            }
        }
        if !records.is_empty() {
            self.journal.append(records).await?;
        }
        Ok(())
    }
}

fn aside(Rejected { reason, body, records }: Rejected) -> Aside {
    Aside { reason: of_many(&reason, records), body: body.into() }
}

/// Sets aside the events of buckets that nobody can decide about: each by itself, or those of a
/// great many together, one a line.
fn set_aside(mut events: Vec<Event>) -> impl Iterator<Item = Aside> {
    let together = events.split_off(events.len().min(UNDECIDED_SINGLY_MAX));
    let singly = events.into_iter().map(|event| vec![event]);
    let groups = singly.chain(iter::once(together));
    groups.filter_map(|group| {
        let Event { bucket, .. } = group.first()?;
        let reason = format!("the notification document of bucket {bucket} was never readable");
        let reason = of_many(&reason, group.len());
        let records = group.into_iter().map(|event| Record { event, rules: Vec::new() }.encode());
        let lines = records.reduce(|mut lines, record| {
            lines.push(b'\n');
            lines.extend_from_slice(&record);
            lines
        })?;
        Some(Aside { reason, body: lines.into() })
    })
}

fn of_many(reason: &impl Display, records: usize) -> String {
    match records {
        1 => reason.to_string(),
        _ => format!("{reason} (that is the first of {records} that are kept together)"),
    }
}

/// Adds the event once for all its destinations. A destination that several rules name gets a
/// record for each further rule, since each rule is a message of its own.
fn store(
    bucket: &Bucket,
    (event, sent): (Event, &Sent),
    found: &mut Found,
    records: &mut Vec<NewRecord>,
) -> bool {
    bucket.find_with(event.event_type, &event.key, || sent.attributes(), found);
    // In the order of the document, so that the same events always make the same records.
    found.sort();
    let mut lanes: Vec<Arc<str>> = Vec::new();
    let mut rules: Vec<Option<RuleId>> = Vec::new();
    let mut further = Vec::new();
    for rule in bucket.matches(found) {
        if lanes.contains(rule.lane) {
            further.push((Arc::clone(rule.lane), rule.id.cloned()));
        } else {
            lanes.push(Arc::clone(rule.lane));
            rules.push(rule.id.cloned());
        }
    }
    if lanes.is_empty() {
        return false;
    }
    for (lane, rule) in further {
        let record = Record { event: event.clone(), rules: vec![rule] };
        records.push(NewRecord {
            lanes: vec![lane],
            body: record.encode().into(),
            id: None,
            origin: Origin::Store,
        });
    }
    records.push(NewRecord {
        lanes,
        body: Record { event, rules }.encode().into(),
        id: None,
        origin: Origin::Store,
    });
    true
}
