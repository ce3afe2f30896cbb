//! The admin port.

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use super::{Answer, Asked, Health};
use crate::{serve::serve, stop::Stop};

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on listen.admin {address}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// The admin listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    sources: Arc<Sources>,
}

/// Where the answers come from.
struct Sources {
    health: Box<dyn Fn() -> Health + Send + Sync>,
    metrics: Box<dyn Fn() -> String + Send + Sync>,
    explain: Box<dyn Fn(Asked) -> Answer + Send + Sync>,
}

impl Server {
    /// Opens the port. `health` answers `/readyz`, `metrics` answers `/metrics`, `explain` answers
    /// `/explain`, in JSON.
    pub async fn bind(
        address: SocketAddr,
        health: impl Fn() -> Health + Send + Sync + 'static,
        metrics: impl Fn() -> String + Send + Sync + 'static,
        explain: impl Fn(Asked) -> Answer + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| BindError { address, source })?;
        let (health, metrics) = (Box::new(health), Box::new(metrics));
        let sources = Sources { health, metrics, explain: Box::new(explain) };
        Ok(Self { listener, sources: Arc::new(sources) })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the stop.
    pub async fn run(self, stop: Stop) -> Result<(), Infallible> {
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .route("/explain", get(explain))
            .with_state(self.sources);
        serve(self.listener, router, stop).await;
        Ok(())
    }
}

async fn readyz(State(sources): State<Arc<Sources>>) -> Response {
    let health = (sources.health)();
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, serde_json::to_string(&health).unwrap_or_default())
}

async fn metrics(State(sources): State<Arc<Sources>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, (sources.metrics)()).into_response()
}

async fn explain(State(sources): State<Arc<Sources>>, RawQuery(query): RawQuery) -> Response {
    let explained = match Asked::read(&query.unwrap_or_default()) {
        Ok(asked) => (sources.explain)(asked).await,
        Err(none) => Err(none),
    };
    match explained {
        Ok(explanation) => json(StatusCode::OK, explanation),
        Err(none) => json(none.status(), serde_json::to_string(&none).unwrap_or_default()),
    }
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
