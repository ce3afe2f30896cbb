//! What the admin port answers, out of the stages that know.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use super::metrics::Observed;
use crate::{
    admin, control, deliver, journal, model::Destination, reload, replay, rules::Question, tail,
    telemetry, vitals::refusal,
};

/// The stages that know.
pub(super) struct Known {
    pub(super) journal: journal::Journal,
    pub(super) lanes: deliver::Statuses,
    pub(super) documents: watch::Receiver<control::Status>,
    pub(super) reloads: watch::Receiver<reload::Status>,
    pub(super) metrics: telemetry::Metrics,
    pub(super) explainer: control::Explainer,
    pub(super) replays: replay::Replays,
    pub(super) hub: tail::Hub,
}

impl Known {
    /// Where the admin port gets its answers.
    pub(super) fn sources(self) -> admin::Sources {
        let Self { journal, lanes, documents, reloads, metrics, explainer, replays, hub } = self;
        let observed = Observed {
            journal: journal.clone(),
            lanes: lanes.clone(),
            documents: documents.clone(),
            reloads,
        };
        admin::Sources {
            health: Box::new(health(journal.clone(), documents)),
            metrics: Box::new(exposition(observed, metrics)),
            explain: Box::new(explanation(explainer)),
            destinations: Box::new(destinations(journal.clone(), lanes)),
            dead_letters: deliver::DeadLetters::new(journal),
            replays,
            hub,
        }
    }
}

fn health(
    journal: journal::Journal,
    documents: watch::Receiver<control::Status>,
) -> impl Fn() -> admin::Health + Send + Sync {
    move || {
        let refused = refusal(&journal.status());
        let documents = documents.borrow();
        let broken = documents.broken.iter().map(|broken| admin::Document {
            file: broken.file.clone(),
            problem: broken.problem.clone(),
            in_force: broken.in_force.words(),
        });
        admin::Health {
            ready: refused.is_none(),
            journal: refused,
            documents: documents.loaded,
            broken_documents: broken.collect(),
        }
    }
}

fn exposition(
    observed: Observed,
    metrics: telemetry::Metrics,
) -> impl Fn() -> String + Send + Sync {
    move || {
        observed.observe();
        metrics.render()
    }
}

fn explanation(
    explainer: control::Explainer,
) -> impl Fn(admin::Asked) -> admin::Answer + Send + Sync {
    move |asked| {
        let explainer = explainer.clone();
        Box::pin(async move {
            let question = Question::read(&asked.bucket, &asked.event, &asked.key);
            let question = question
                .map_err(|cause| admin::Refusal::parameter(cause.part(), cause.to_string()))?;
            let explanation = explainer.explain(&question).await;
            let unavailable =
                |cause: control::Stopped| admin::Refusal::unavailable(cause.to_string());
            Ok(explanation.map_err(unavailable)?.to_json())
        })
    }
}

/// Whether a rule in force names a destination.
pub(super) fn is_named(
    destinations: watch::Receiver<HashMap<Arc<str>, Destination>>,
) -> impl Fn(&Destination) -> bool + Send + Sync {
    move |destination| destinations.borrow().contains_key(destination.as_str())
}

fn destinations(
    journal: journal::Journal,
    lanes: deliver::Statuses,
) -> impl Fn() -> Vec<admin::Destination> + Send + Sync {
    move || {
        let destinations = journal.lanes().into_iter().map(|books| admin::Destination {
            lane: lanes.of(&books.name).map(lane),
            destination: books.name.to_string(),
            books: admin::Books {
                accepted: books.accepted,
                delivered: books.delivered,
                dead: books.dead,
                discarded: books.discarded,
                lost: books.lost,
                pending: books.pending,
                pending_bytes: books.pending_bytes,
            },
        });
        destinations.collect()
    }
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
    }
}
