//! A queue that is faster than any daemon: answers `SendMessageBatch` and keeps the bodies.
//!
//! moto takes tens of messages a second, which is too few to see a daemon under load. This speaks
//! only what the daemon needs of SQS (JSON 1.0) and checks nothing.

use std::{
    borrow::Cow,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::post,
};
use serde::Deserialize;

use super::service::Service;

/// A listening sink; it refuses connections as soon as it is dropped.
#[derive(Debug)]
pub(crate) struct Sink {
    service: Service,
    bodies: Bodies,
}

/// What was sent. Locked by the sink for the time of a push, by its owner for the time of a look.
type Bodies = Arc<Mutex<Vec<String>>>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a> {
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    message_body: String,
}

impl Sink {
    /// Listens on this port of loopback; 0 takes any.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let bodies = Bodies::default();
        let router = Router::new().fallback(post(take)).with_state(Arc::clone(&bodies));
        Ok(Self { service: Service::start(port, router)?, bodies })
    }

    /// Where it listens, as `aws.sqs.endpoint_url`.
    pub(crate) fn url(&self) -> String {
        self.service.url()
    }

    /// How many messages it has.
    pub(crate) fn count(&self) -> usize {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All messages so far, in the order in which they came.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(
    State(bodies): State<Bodies>,
    request: Bytes,
) -> Result<impl IntoResponse, StatusCode> {
    let batch: Batch<'_> = serde_json::from_slice(&request).map_err(not_a_batch)?;
    let acknowledged = batch.entries.iter().map(|entry| {
        let id = &entry.id;
        format!(r#"{{"Id":"{id}","MessageId":"m","MD5OfMessageBody":"m"}}"#)
    });
    let acknowledged = acknowledged.collect::<Vec<_>>().join(",");
    let mut bodies = bodies.lock().unwrap_or_else(PoisonError::into_inner);
    bodies.extend(batch.entries.into_iter().map(|entry| entry.message_body));
    let answer = format!(r#"{{"Successful":[{acknowledged}],"Failed":[]}}"#);
    Ok(([(CONTENT_TYPE, "application/x-amz-json-1.0")], answer))
}

/// A request of another kind: whoever sent it must not take the answer for success.
fn not_a_batch(_: serde_json::Error) -> StatusCode {
    StatusCode::BAD_REQUEST
}
