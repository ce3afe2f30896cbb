//! What is told to whoever asked for what cannot be answered: a status, and words as JSON.

use std::error::Error;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    /// The parameter that is wrong, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    problem: String,
}

impl Refusal {
    /// A parameter is wrong.
    pub fn parameter(name: &str, problem: impl Into<String>) -> Self {
        Self { parameter: Some(name.into()), ..Self::new(StatusCode::BAD_REQUEST, problem) }
    }

    /// Nobody knows at the moment.
    pub fn unavailable(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, problem)
    }

    /// What was asked failed.
    pub(super) fn failed(cause: &dyn Error) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, cause)
    }

    /// An error, in its own words and those of its causes.
    pub(super) fn of(status: StatusCode, cause: &dyn Error) -> Self {
        let mut problem = cause.to_string();
        let mut next = cause.source();
        while let Some(cause) = next {
            problem = format!("{problem}: {cause}");
            next = cause.source();
        }
        Self::new(status, problem)
    }

    pub(super) fn new(status: StatusCode, problem: impl Into<String>) -> Self {
        Self { status, parameter: None, problem: problem.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        json(self.status, &self)
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_string(body).expect("an answer has string keys only");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
