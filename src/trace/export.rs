//! From spans to a collector: OTLP over HTTP, in batches, on a thread of the SDK.
//!
//! The SDK keeps at most 2,048 spans and drops what comes beyond. A request that fails is not
//! repeated.

use std::{
    fmt, io, mem,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::{body::Bytes, http};
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::{sync::oneshot, time::timeout};
use tracing::{debug, info, warn};
use ureq::Agent;

use super::{Config, Spans, ids::Ids};
use crate::tls::{TrustError, trust};

/// How long a collector may take for one request.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often the log tells of a collector that takes spans now and then, as one that limits them.
const TELL_AGAIN: Duration = Duration::from_mins(1);
/// How long a stop waits for the last spans, within its grace.
const LAST_EXPORT_MAX: Duration = Duration::from_secs(3);

/// The export of spans, if there is one.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The exporter does not take its settings.
    #[error("cannot export spans to telemetry.otlp_endpoint")]
    Build(#[from] ExporterBuildError),
    /// The authorities of this machine cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Traces {
    /// Prepares the export. Nothing is connected before the first spans.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(Self(None)) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.url())
            .with_http_client(Client::new()?)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_id_generator(Ids)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .build();
        // A provider that is dropped waits for the collector, which only `end` may do.
        mem::forget(provider.clone());
        Ok(Self(Some(provider)))
    }

    /// What starts the spans.
    pub fn spans(&self) -> Spans {
        self.0.as_ref().map_or_else(Spans::default, |provider| {
            Spans::of(provider.tracer(env!("CARGO_PKG_NAME")))
        })
    }

    /// Exports what is left, within this time and three seconds.
    pub async fn end(self, wait: Duration) {
        let Some(provider) = self.0 else { return };
        let wait = wait.min(LAST_EXPORT_MAX);
        let (ended, end) = oneshot::channel();
        // Not a task of the runtime, which would wait for it when it ends itself.
        let thread = thread::Builder::new().name("last spans".into()).spawn(move || {
            // Nobody listens any more only if the process is going away.
            drop(ended.send(provider.shutdown_with_timeout(wait)));
        });
        match thread {
            Ok(_) => match timeout(wait, end).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(cause))) => debug!(%cause, "the last spans are not exported"),
                _ => debug!("the last spans are not exported in time"),
            },
            Err(cause) => debug!(%cause, "the last spans are not exported"),
        }
    }
}

/// Posts the batches. It blocks, on the thread of the SDK alone.
struct Client {
    agent: Agent,
    /// Locked for the time of a look; only the thread of the SDK does.
    known: Mutex<Known>,
}

/// What becomes of spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Taken,
    Dropped,
}

/// What the log knows of the collector.
#[derive(Debug, Default)]
struct Known {
    fate: Fate,
    /// When it was last told that spans are dropped.
    dropped: Option<Instant>,
}

impl Known {
    /// Whether the log has to be told of this.
    fn is_new(&mut self, fate: Fate, now: Instant) -> bool {
        let recent = self.dropped.is_some_and(|told| now.duration_since(told) < TELL_AGAIN);
        if fate == self.fate || recent {
            return false;
        }
        self.fate = fate;
        if fate == Fate::Dropped {
            self.dropped = Some(now);
        }
        true
    }
}

impl Client {
    fn new() -> Result<Self, TrustError> {
        // What is in the environment is for the way to AWS.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WAIT_MAX))
            .proxy(None)
            .max_redirects(0)
            .tls_config(trust(None)?)
            .build();
        Ok(Self { agent: config.into(), known: Mutex::default() })
    }

    fn post(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let mut response = self.agent.run(request.map(|body| body.to_vec()))?;
        let body = response.body_mut().read_to_vec()?;
        let status = response.status();
        if !status.is_success() {
            return Err(io::Error::other(format!("it answers {status}")).into());
        }
        Ok(response.map(|_| body.into()))
    }

    fn report(&self, cause: Option<&HttpError>) {
        let fate = if cause.is_some() { Fate::Dropped } else { Fate::Taken };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.is_new(fate, Instant::now()) {
            return;
        }
        if let Some(cause) = cause {
            warn!(%cause, "telemetry.otlp_endpoint takes no spans; they are dropped until it does");
        } else {
            info!("telemetry.otlp_endpoint takes spans again");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let sent = self.post(request);
        self.report(sent.as_ref().err());
        sent
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_comes_and_goes_is_told_of_once_a_minute() {
        let (start, mut known) = (Instant::now(), Known::default());
        let mut is_new = |fate, seconds| known.is_new(fate, start + Duration::from_secs(seconds));
        assert!(!is_new(Fate::Taken, 0), "all is well");
        assert!(is_new(Fate::Dropped, 1));
        for second in 2..60 {
            let fate = if second % 2 == 0 { Fate::Taken } else { Fate::Dropped };
            assert!(!is_new(fate, second), "{second}");
        }
        assert!(!is_new(Fate::Dropped, 61), "it is known");
        assert!(is_new(Fate::Taken, 62));
        assert!(!is_new(Fate::Taken, 63));
        assert!(is_new(Fate::Dropped, 64));
    }
}
