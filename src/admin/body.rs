//! The body of a request that asks for something to be done.

use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Refusal;
use crate::model::Keyed;

/// A thousand ids of dead letters with long ARNs, and room to spare.
const BYTES_MAX: usize = 1 << 20;
/// How long a body may take to come.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A body in JSON that says that it is: a page in a browser cannot send such a one here unasked.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let problem = "send JSON, with `content-type: application/json`";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
        }
        let bytes = timeout(WAIT_MAX, to_bytes(request.into_body(), BYTES_MAX)).await;
        let bytes = bytes.map_err(|_elapsed| {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "the rest of the body does not come")
        })?;
        let bytes = bytes.map_err(|_cause| {
            let problem = format!("the body breaks off, or has more than {BYTES_MAX} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, problem)
        })?;
        let read = serde_json::from_slice(&bytes);
        let read = read.map(|Keyed(body)| Self(body));
        read.map_err(|cause| Refusal::new(StatusCode::BAD_REQUEST, cause.to_string()))
    }
}
