//! `/quarantine`: what operators see of it, and have done to it.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    BATCH_MAX, QuarantineBatch, QuarantineDone, QuarantinePage, QuarantineRow, Refusal,
    body::Body,
    named::Named,
    parameters::{Parameters, limit},
    refusal::json,
    routes::Route,
    server::Sources,
};
use crate::{
    ingest::{Retried, Row},
    journal::DatabaseError,
};

/// The page of a list whose size nobody asked for.
const PAGE: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![
        ("/quarantine", get(list)),
        ("/quarantine/{id}", get(show)),
        ("/quarantine/retry", post(retry)),
        ("/quarantine/purge", post(purge)),
    ]
}

async fn list(
    State(sources): State<Arc<Sources>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut given = Parameters::read(&query.unwrap_or_default(), &["after", "limit"])?;
    let (after, limit) = (given.value("after")?, limit(given.value("limit")?, PAGE)?);
    let (rows, after) = page(&sources, after, limit).await?;
    let shown = |Row { id, time, reason, bytes }| QuarantineRow {
        id,
        time,
        reason,
        bytes,
        text: None,
        base64: None,
    };
    let rows = rows.into_iter().map(shown).collect();
    Ok(json(StatusCode::OK, &QuarantinePage { rows, after }))
}

async fn show(State(sources): State<Arc<Sources>>, Named(id): Named) -> Result<Response, Refusal> {
    let id: u64 = id.parse().map_err(|_not_a_number: std::num::ParseIntError| {
        Refusal::parameter("id", format!("`{id}` is no number of a row"))
    })?;
    let gone = || {
        let problem = format!(
            "there is no row {id} in quarantine; it may have been retried, purged, or given way \
             to newer ones"
        );
        Refusal::new(StatusCode::NOT_FOUND, problem)
    };
    let shown = sources.quarantine.show(id).await.map_err(failed)?;
    let (Row { id, time, reason, bytes }, body) = shown.ok_or_else(gone)?;
    let (text, base64) = match String::from_utf8(body.into()) {
        Ok(text) => (Some(text), None),
        Err(no_text) => (None, Some(BASE64_STANDARD.encode(no_text.as_bytes()))),
    };
    Ok(json(StatusCode::OK, &QuarantineRow { id, time, reason, bytes, text, base64 }))
}

async fn retry(
    State(sources): State<Arc<Sources>>,
    Body(batch): Body<QuarantineBatch>,
) -> Result<Response, Refusal> {
    let Chosen { matched, ids, next } = chosen(&sources, &batch).await?;
    let retried = sources.quarantine.retry(&ids).await;
    let Retried { rows, accepted, refused } = retried.map_err(|cause| Refusal::failed(&cause))?;
    let refused = refused.map(|cause| cause.to_string());
    let done = QuarantineDone { matched, done: rows, accepted: Some(accepted), refused, next };
    Ok(json(StatusCode::OK, &done))
}

async fn purge(
    State(sources): State<Arc<Sources>>,
    Body(batch): Body<QuarantineBatch>,
) -> Result<Response, Refusal> {
    let Chosen { matched, ids, next } = chosen(&sources, &batch).await?;
    let done = sources.quarantine.purge(ids).await.map_err(failed)?;
    Ok(json(StatusCode::OK, &QuarantineDone { matched, done, next, ..QuarantineDone::default() }))
}

/// What a batch is about.
struct Chosen {
    /// How many rows it has that are there.
    matched: u64,
    /// Those to do it to; none if it is only to be counted.
    ids: Vec<u64>,
    /// The request for the rows after them.
    next: Option<QuarantineBatch>,
}

/// Those rows of the batch that are there, each once.
async fn chosen(sources: &Sources, batch: &QuarantineBatch) -> Result<Chosen, Refusal> {
    let (ids, next) = match batch {
        QuarantineBatch { ids: Some(ids), all: false, after: None, limit: None, .. } => {
            (named(sources, ids).await?, None)
        }
        QuarantineBatch { ids: None, all: true, after, limit: asked, .. } => {
            let (rows, after) = page(sources, *after, limit(*asked, BATCH_MAX)?).await?;
            let next = after.map(|after| QuarantineBatch { after: Some(after), ..batch.clone() });
            (rows.into_iter().map(|row| row.id).collect(), next)
        }
        _ => {
            let problem = "say `ids`, or `all` with `after` and `limit`; one of the two";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, problem));
        }
    };
    let matched = ids.len() as u64;
    Ok(Chosen { matched, ids: if batch.dry_run { Vec::new() } else { ids }, next })
}

async fn named(sources: &Sources, ids: &[u64]) -> Result<Vec<u64>, Refusal> {
    if ids.len() > BATCH_MAX {
        return Err(Refusal::parameter("ids", format!("has more than {BATCH_MAX} entries")));
    }
    sources.quarantine.present(ids).await.map_err(failed)
}

/// Rows, and after which one there are more.
async fn page(
    sources: &Sources,
    after: Option<u64>,
    limit: usize,
) -> Result<(Vec<Row>, Option<u64>), Refusal> {
    let mut rows = sources.quarantine.list(after, limit + 1).await.map_err(failed)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let after = rows.last().map(|row| row.id).filter(|_| has_more);
    Ok((rows, after))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn failed(cause: DatabaseError) -> Refusal {
    Refusal::failed(&cause)
}
