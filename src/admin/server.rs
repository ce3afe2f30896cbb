//! The admin port.

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use super::Health;
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
}

impl Server {
    /// Opens the port. `health` answers `/readyz`, `metrics` answers `/metrics`.
    pub async fn bind(
        address: SocketAddr,
        health: impl Fn() -> Health + Send + Sync + 'static,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| BindError { address, source })?;
        let sources = Sources { health: Box::new(health), metrics: Box::new(metrics) };
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
            .with_state(self.sources);
        serve(self.listener, router, stop).await;
        Ok(())
    }
}

async fn readyz(State(sources): State<Arc<Sources>>) -> Response {
    let health = (sources.health)();
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_string(&health).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(sources): State<Arc<Sources>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, (sources.metrics)()).into_response()
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
