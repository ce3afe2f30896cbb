//! How everything is doing, out of the stages that know.

use std::{collections::HashMap, path::Path};

use jiff::Timestamp;
use tokio::sync::watch;

use super::metrics;
use crate::{
    admin, control, deliver, journal,
    model::{BucketName, EventType},
    reload,
    route::{self, Standing},
    rules::{Document, EventBridge},
    vitals::refusal,
};

/// So many buckets stand in the status: more than anybody looks through, and few to send every
/// second.
const BUCKETS_MAX: usize = 100;

/// The stages that know.
#[derive(Clone, Debug)]
pub(super) struct Overview {
    pub(super) journal: journal::Journal,
    pub(super) lanes: deliver::Statuses,
    pub(super) documents: watch::Receiver<control::Status>,
    pub(super) routes: route::Shared,
    pub(super) reloads: watch::Receiver<reload::Status>,
    pub(super) explainer: control::Explainer,
    pub(super) started: Timestamp,
}

impl Overview {
    pub(super) fn health(&self) -> admin::Health {
        let refused = refusal(&self.journal.status());
        let documents = self.documents();
        admin::Health {
            ready: refused.is_none(),
            journal: refused,
            documents: documents.loaded,
            broken_documents: documents.broken,
        }
    }

    pub(super) fn status(&self) -> admin::Status {
        let destinations = self.destinations();
        let journal = self.journal(&destinations);
        let (all, busiest) = self.routes.busiest(BUCKETS_MAX);
        let (strays, last) = self.routes.strays();
        let imbalances = destinations.iter().map(|destination| destination.books.imbalance);
        let imbalance = imbalances.fold(0, u64::saturating_add);
        admin::Status {
            version: env!("CARGO_PKG_VERSION").into(),
            started: self.started,
            time: Timestamp::now(),
            ready: journal.refusing.is_none(),
            journal,
            documents: self.documents(),
            config: self.in_force(),
            destinations,
            buckets: busiest.into_iter().map(bucket).collect(),
            all_buckets: admin::AllBuckets {
                buckets: all.buckets,
                rules: all.rules,
                events: all.events,
                matched: all.matched,
            },
            strays: admin::Strays {
                events: strays,
                last_bucket: last.map(|last| last.to_string()),
            },
            books: admin::Balance { imbalance },
        }
    }

    pub(super) fn destinations(&self) -> Vec<admin::Destination> {
        let destination = |books: journal::LaneStatus| admin::Destination {
            lane: self.lanes.of(&books.name).map(lane),
            books: admin::Books {
                accepted: books.accepted,
                delivered: books.delivered,
                dead: books.dead,
                discarded: books.discarded,
                lost: books.lost,
                pending: books.pending,
                pending_bytes: books.pending_bytes,
                imbalance: self.lanes.imbalance_of(&books.name),
            },
            destination: books.name.to_string(),
        };
        let mut destinations: Vec<_> = self.journal.lanes().into_iter().map(destination).collect();
        destinations.sort_by(|a, b| a.destination.cmp(&b.destination));
        destinations
    }

    pub(super) fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Vec<admin::Bucket> {
        self.routes.page(after, limit).into_iter().map(bucket).collect()
    }

    /// The rules of a bucket; none if it has no document.
    pub(super) async fn rules(
        self,
        bucket: BucketName,
    ) -> Result<Option<admin::BucketRules>, admin::Refusal> {
        let asked = self.explainer.document(&bucket).await;
        let (document, problem) =
            asked.map_err(|cause| admin::Refusal::unavailable(cause.to_string()))?;
        if document.is_none() && problem.is_none() {
            return Ok(None);
        }
        let reader = self.routes.reader();
        let compiled = match reader.bucket(&bucket) {
            Some(Standing::Rules(compiled)) => Some(compiled),
            Some(Standing::Undecided) | None => None,
        };
        let rules = document.map(|document| rules(&document, compiled, &self.explainer));
        Ok(Some(admin::BucketRules {
            bucket: bucket.to_string(),
            problem,
            events: compiled.map_or(0, route::Bucket::events),
            matched: compiled.map_or(0, route::Bucket::matched),
            rules: rules.unwrap_or_default(),
        }))
    }

    fn journal(&self, destinations: &[admin::Destination]) -> admin::Journal {
        let status = self.journal.status();
        admin::Journal {
            bytes: status.bytes,
            bytes_limit: status.bytes_limit,
            segments: status.segments,
            refusing: refusal(&status),
            last_error: status.last_error.map(|cause| cause.to_string()),
            dead_letters: destinations.iter().map(|destination| destination.books.dead).sum(),
            dead_letters_bytes: status.dead_letters_bytes,
            dead_letters_limit: status.dead_letters_limit,
            quarantine_rows: status.quarantine_rows,
            quarantine_bytes: status.quarantine_bytes,
            quarantine_limit: status.quarantine_limit,
        }
    }

    fn documents(&self) -> admin::Documents {
        let documents = self.documents.borrow();
        let broken = documents.broken.iter().map(|broken| admin::Document {
            file: Path::to_path_buf(&broken.file),
            problem: broken.problem.clone(),
            in_force: broken.in_force.words().into(),
        });
        admin::Documents { loaded: documents.loaded, broken: broken.collect() }
    }

    fn in_force(&self) -> admin::InForce {
        let reloads = self.reloads.borrow().clone();
        let metrics::InForce { generation, applied } =
            metrics::InForce::of(&self.documents.borrow(), &reloads);
        admin::InForce { generation, applied, reload_problem: reloads.problem }
    }
}

fn bucket(summary: route::Summary) -> admin::Bucket {
    let route::Summary { bucket, rules, events, matched } = summary;
    admin::Bucket { bucket: bucket.to_string(), rules, events, matched }
}

/// The document may just have been replaced: what the compiled rules do not know has no hits yet.
fn rules(
    document: &Document,
    compiled: Option<&route::Bucket>,
    explainer: &control::Explainer,
) -> Vec<admin::Rule> {
    let hits: HashMap<_, _> =
        compiled.into_iter().flat_map(route::Bucket::matched_by_rule).collect();
    let matched = |id| hits.get(&id).copied().unwrap_or_default();
    let rules = document.rules().iter().map(|rule| admin::Rule {
        id: Some(rule.id.to_string()),
        destination: rule.destination.to_string(),
        events: rule.events.iter().map(ToString::to_string).collect(),
        filter: rule.filter.to_string(),
        matched: matched(Some(&rule.id)),
    });
    let types = || EventType::ALL.iter().filter(|event_type| event_type.goes_to_event_bridge());
    let event_bridge = (document.event_bridge() == EventBridge::On).then(|| admin::Rule {
        id: None,
        destination: explainer.bus().to_string(),
        events: types().map(|event_type| format!("s3:{event_type}")).collect(),
        filter: "every object".into(),
        matched: matched(None),
    });
    rules.chain(event_bridge).collect()
}

fn lane(status: deliver::LaneStatus) -> admin::Lane {
    let last_error = status.last_error.map(|error| admin::LastError {
        class: error.class.into(),
        code: error.code.into(),
        message: error.message.into(),
        time: error.time,
    });
    admin::Lane {
        state: status.state.name().into(),
        last_error,
        next_attempt: status.next_attempt,
        concurrency: status.concurrency,
        in_flight: status.in_flight,
        rate: status.rate,
        oldest: status.oldest,
    }
}
