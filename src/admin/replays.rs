//! `/replays`: what is sent again, and how far that has come.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use serde_json::json;

use super::{
    Refusal, body::Body, named::Named, parameters::bounded, refusal, routes::Route, server::Sources,
};
use crate::replay::{CancelError, Order, StartError};

pub(super) fn routes() -> Vec<Route> {
    vec![("/replays", get(list).post(start)), ("/replays/{id}", get(show).delete(cancel))]
}

async fn list(State(sources): State<Arc<Sources>>) -> Response {
    refusal::json(StatusCode::OK, &json!({ "replays": sources.replays.all() }))
}

async fn start(
    State(sources): State<Arc<Sources>>,
    Body(order): Body<Order>,
) -> Result<Response, Refusal> {
    order.prefix.as_deref().map_or(Ok(()), |prefix| bounded("prefix", prefix))?;
    let replay = sources.replays.start(order).await.map_err(|cause| {
        let status = match cause {
            StartError::Unnamed { .. } => {
                return Refusal::parameter("everything", cause.to_string());
            }
            StartError::Running { .. } => StatusCode::CONFLICT,
            StartError::Empty { .. } => StatusCode::BAD_REQUEST,
            StartError::Disk(_) | StartError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refusal::of(status, &cause)
    })?;
    Ok(refusal::json(StatusCode::CREATED, &replay))
}

async fn show(State(sources): State<Arc<Sources>>, Named(id): Named) -> Result<Response, Refusal> {
    let id = read_id(&id)?;
    let replay = sources.replays.find(id);
    let unknown = || Refusal::of(StatusCode::NOT_FOUND, &CancelError::Unknown { id });
    Ok(refusal::json(StatusCode::OK, &replay.ok_or_else(unknown)?))
}

async fn cancel(
    State(sources): State<Arc<Sources>>,
    Named(id): Named,
) -> Result<Response, Refusal> {
    let replay = sources.replays.cancel(read_id(&id)?).await.map_err(|cause| {
        let status = match cause {
            CancelError::Unknown { .. } => StatusCode::NOT_FOUND,
            CancelError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refusal::of(status, &cause)
    })?;
    Ok(refusal::json(StatusCode::OK, &replay))
}

fn read_id(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_not_a_number: std::num::ParseIntError| {
        Refusal::parameter("id", format!("`{text}` is no number of a replay"))
    })
}
