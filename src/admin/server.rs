//! The admin port.

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc};

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::spawn_blocking};

use super::{
    Answer, Asked, Bucket, Config, Destination, Destinations, Guard, GuardError, Health, Refusal,
    Rules, Status, guard::admit, refusal::json, routes, routes::Route,
};
use crate::{
    deliver::DeadLetters,
    ingest::Quarantine,
    model::BucketName,
    replay::Replays,
    serve::{Port, Token, serve},
    stop::Stop,
    tail::Hub,
    tls,
};

/// The description of every path of the port.
pub(super) const OPENAPI: &str = include_str!("../../docs/openapi.yaml");

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

/// So many buckets with rules, in the order of their names, after this one.
pub type ListBuckets = dyn Fn(Option<&BucketName>, usize) -> Vec<Bucket> + Send + Sync;

/// Where the answers come from.
pub struct Sources {
    /// Answers `/readyz`.
    pub health: Box<dyn Fn() -> Health + Send + Sync>,
    /// Answers `/metrics`.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Answers `/explain`.
    pub explain: Box<dyn Fn(Asked) -> Answer + Send + Sync>,
    /// Answers `/status`.
    pub status: Box<dyn Fn() -> Status + Send + Sync>,
    /// Answers `/destinations`.
    pub destinations: Box<dyn Fn() -> Vec<Destination> + Send + Sync>,
    /// Answers `/buckets`.
    pub buckets: Box<ListBuckets>,
    /// Answers `/buckets/{bucket}`.
    pub rules: Box<dyn Fn(BucketName) -> Rules + Send + Sync>,
    /// What `/dead-letters` is about.
    pub dead_letters: DeadLetters,
    /// What `/quarantine` is about.
    pub quarantine: Quarantine,
    /// What `/replays` is about.
    pub replays: Replays,
    /// What `/tail` shows.
    pub hub: Hub,
}

impl Server {
    /// Opens the port.
    pub async fn bind(port: Port, sources: Sources) -> Result<Self, BindError> {
        let address = port.address();
        let listener = port.open().await.map_err(|source| BindError { address, source })?;
        Ok(Self { listener, sources: Arc::new(sources) })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Asks clients of this port for the token. Without one, it must be a port that only this
    /// machine reaches.
    pub fn guard(&self, config: &Config, token: Option<Token>) -> Result<Guard, GuardError> {
        config.check_address(self.address().map_err(GuardError::Address)?)?;
        Ok(Guard::new(token))
    }

    /// Serves whom the guard lets in, until the stop.
    pub async fn run(
        self,
        guard: Guard,
        tls: Option<tls::Acceptor>,
        stop: Stop,
    ) -> Result<(), Infallible> {
        let router = routes::router()
            .fallback(unknown)
            .method_not_allowed_fallback(wrong_method)
            .layer(Extension(stop.clone()))
            .layer(from_fn_with_state(Arc::new(guard), admit))
            .with_state(self.sources);
        serve(self.listener, tls, router, stop).await;
        Ok(())
    }
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        ("/openapi.yaml", get(openapi)),
        ("/healthz", get(healthz)),
        ("/readyz", get(readyz)),
        ("/metrics", get(metrics)),
        ("/explain", get(explain)),
        ("/status", get(status)),
        ("/destinations", get(destinations)),
    ]
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI).into_response()
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(sources): State<Arc<Sources>>) -> Response {
    let health = (sources.health)();
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &health)
}

async fn metrics(State(sources): State<Arc<Sources>>) -> Result<Response, Refusal> {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let metrics = look(&sources, |sources| (sources.metrics)()).await?;
    Ok((kind, metrics).into_response())
}

async fn explain(
    State(sources): State<Arc<Sources>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = Asked::read(&query.unwrap_or_default())?;
    let explanation = (sources.explain)(asked).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], explanation).into_response())
}

async fn status(State(sources): State<Arc<Sources>>) -> Result<Response, Refusal> {
    let status = look(&sources, |sources| (sources.status)()).await?;
    Ok(json(StatusCode::OK, &status))
}

async fn destinations(State(sources): State<Arc<Sources>>) -> Result<Response, Refusal> {
    let destinations = look(&sources, |sources| (sources.destinations)()).await?;
    Ok(json(StatusCode::OK, &Destinations { destinations }))
}

/// Looks where there may be a great many buckets or destinations, and holds up nobody meanwhile.
pub(super) async fn look<T: Send + 'static>(
    sources: &Arc<Sources>,
    look: impl FnOnce(&Sources) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let sources = Arc::clone(sources);
    spawn_blocking(move || look(&sources)).await.map_err(|panicked| Refusal::failed(&panicked))
}

async fn unknown() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method")
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
