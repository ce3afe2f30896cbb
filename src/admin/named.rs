//! The part of a path that names what is asked for.

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
};

use super::Refusal;

/// The name, decoded and not yet read.
#[derive(Debug)]
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = Path::from_request_parts(parts, state).await;
        let Path(name) = read.map_err(|_no_text| {
            Refusal::new(StatusCode::BAD_REQUEST, "the path does not decode to UTF-8")
        })?;
        Ok(Self(name))
    }
}
