//! `/dead-letters`: what operators see of them, and have done to them.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use jiff::Timestamp;

use super::{
    BATCH_MAX, Batch, DeadLetter, Done, Page, Refusal, Selection,
    body::Body,
    named::Named,
    parameters::{Parameters, bounded, limit},
    refusal::json,
    routes::Route,
    server::Sources,
};
use crate::{
    deliver::{Filter, Listed, Payload},
    journal::DeadLetterId,
};

/// The page of a list whose size nobody asked for.
const PAGE: usize = 100;

const KNOWN: [&str; 8] =
    ["destination", "bucket", "prefix", "code", "since", "until", "after", "limit"];

/// What is done to dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Redrive,
    Purge,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        ("/dead-letters", get(list)),
        ("/dead-letters/{id}", get(show)),
        ("/dead-letters/redrive", post(redrive)),
        ("/dead-letters/purge", post(purge)),
    ]
}

async fn list(
    State(sources): State<Arc<Sources>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut given = Parameters::read(&query.unwrap_or_default(), &KNOWN)?;
    let filter = Filter {
        destination: given.text("destination"),
        bucket: given.value("bucket")?,
        prefix: given.text("prefix"),
        code: given.text("code"),
        since: given.time("since")?,
        until: given.time("until")?,
    };
    let (after, limit) = (given.value("after")?, limit(given.value("limit")?, PAGE)?);
    let page = sources.dead_letters.list(&filter, after, limit).await;
    let page = page.map_err(|cause| Refusal::failed(&cause))?;
    let dead_letters = page.letters.into_iter().map(|listed| shown(listed, None));
    let after = page.after.map(|id| id.to_string());
    Ok(json(StatusCode::OK, &Page { dead_letters: dead_letters.collect(), after }))
}

async fn show(
    State(sources): State<Arc<Sources>>,
    Named(text): Named,
) -> Result<Response, Refusal> {
    let id = read_id(&text)?;
    let found = sources.dead_letters.show(&id).await.map_err(|cause| Refusal::failed(&cause))?;
    let gone = || {
        let problem =
            format!("there is no dead letter `{id}`; it may have been redriven or purged");
        Refusal::new(StatusCode::NOT_FOUND, problem)
    };
    let (listed, payload) = found.ok_or_else(gone)?;
    Ok(json(StatusCode::OK, &shown(listed, payload)))
}

async fn redrive(
    State(sources): State<Arc<Sources>>,
    Body(batch): Body<Batch>,
) -> Result<Response, Refusal> {
    carry_out(&sources, Deed::Redrive, batch).await
}

async fn purge(
    State(sources): State<Arc<Sources>>,
    Body(batch): Body<Batch>,
) -> Result<Response, Refusal> {
    carry_out(&sources, Deed::Purge, batch).await
}

async fn carry_out(sources: &Sources, deed: Deed, batch: Batch) -> Result<Response, Refusal> {
    let dry_run = batch.dry_run;
    let (ids, next) = match batch {
        Batch { ids: Some(ids), filter: None, after: None, limit: None, .. } => {
            (named(sources, &ids).await?, None)
        }
        Batch { ids: None, filter: Some(filter), after, limit, .. } => {
            selected(sources, Batch { after, limit, dry_run, ..Batch::default() }, filter).await?
        }
        _ => {
            let problem = "say `ids`, or a `filter` with `after` and `limit`; one of the two";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, problem));
        }
    };
    let matched = ids.len() as u64;
    let done = match deed {
        _ if dry_run || ids.is_empty() => Ok(0),
        Deed::Redrive => sources.dead_letters.redrive(&ids).await,
        Deed::Purge => sources.dead_letters.purge(ids).await,
    };
    let done = done.map_err(|cause| Refusal::failed(&cause))?;
    Ok(json(StatusCode::OK, &Done { matched, done, next }))
}

/// Those of the named that are there, each once.
async fn named(sources: &Sources, ids: &[String]) -> Result<Vec<DeadLetterId>, Refusal> {
    if ids.len() > BATCH_MAX {
        return Err(Refusal::parameter("ids", format!("has more than {BATCH_MAX} entries")));
    }
    let mut found = Vec::new();
    for id in ids {
        let id = read_id(id)?;
        let is_there = sources.dead_letters.contains(&id).await;
        if is_there.map_err(|cause| Refusal::failed(&cause))? && !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// The next of those that the filter selects, and the request for those after them.
async fn selected(
    sources: &Sources,
    batch: Batch,
    selection: Selection,
) -> Result<(Vec<DeadLetterId>, Option<Batch>), Refusal> {
    check(&selection)?;
    let until = Some(selection.until.unwrap_or_else(Timestamp::now));
    let selection = Selection { until, ..selection };
    let after = batch.after.as_deref().map(read_id).transpose()?;
    let limit = limit(batch.limit, BATCH_MAX)?;
    let page = sources.dead_letters.list(&filter(&selection), after, limit).await;
    let page = page.map_err(|cause| Refusal::failed(&cause))?;
    let next = page.after.map(|after| Batch {
        filter: Some(selection),
        after: Some(after.to_string()),
        ..batch
    });
    Ok((page.letters.into_iter().map(|listed| listed.id).collect(), next))
}

fn check(Selection { destination, prefix, code, .. }: &Selection) -> Result<(), Refusal> {
    let texts = [("destination", destination), ("prefix", prefix), ("code", code)];
    texts
        .into_iter()
        .try_for_each(|(name, text)| text.as_deref().map_or(Ok(()), |text| bounded(name, text)))
}

fn filter(selection: &Selection) -> Filter {
    let Selection { destination, bucket, prefix, code, since, until } = selection.clone();
    Filter { destination, bucket, prefix, code, since, until }
}

fn read_id(text: &str) -> Result<DeadLetterId, Refusal> {
    text.parse().map_err(|cause: crate::journal::BadDeadLetterId| {
        Refusal::parameter("id", cause.to_string())
    })
}

fn shown(Listed { id, time, letter }: Listed, payload: Option<Payload>) -> DeadLetter {
    DeadLetter { id: id.to_string(), time, letter, payload }
}
