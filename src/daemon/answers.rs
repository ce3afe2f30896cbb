//! What the admin port answers, out of the stages that know.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use super::{metrics::Observed, overview::Overview};
use crate::{
    admin, control, deliver, ingest, model::Destination, replay, rules::Question, tail, telemetry,
};

/// The stages that know.
pub(super) struct Known {
    pub(super) overview: Overview,
    pub(super) metrics: telemetry::Metrics,
    pub(super) quarantine: ingest::Quarantine,
    pub(super) replays: replay::Replays,
    pub(super) hub: tail::Hub,
}

impl Known {
    /// Where the admin port gets its answers.
    pub(super) fn sources(self) -> admin::Sources {
        let Self { overview, metrics, quarantine, replays, hub } = self;
        let Overview { journal, lanes, documents, reloads, explainer, .. } = overview.clone();
        let observed = Observed { journal: journal.clone(), lanes, documents, reloads };
        let of = || overview.clone();
        let (health, status, destinations, buckets, rules) = (of(), of(), of(), of(), of());
        admin::Sources {
            health: Box::new(move || health.health()),
            metrics: Box::new(exposition(observed, metrics)),
            explain: Box::new(explanation(explainer)),
            status: Box::new(move || status.status()),
            destinations: Box::new(move || destinations.destinations()),
            buckets: Box::new(move |after, limit| buckets.buckets(after, limit)),
            rules: Box::new(move |bucket| Box::pin(rules.clone().rules(bucket))),
            dead_letters: deliver::DeadLetters::new(journal),
            quarantine,
            replays,
            hub,
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
