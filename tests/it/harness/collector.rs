//! An OpenTelemetry collector that keeps every span it gets: OTLP over HTTP, in protobuf.

use std::{
    fmt::Write as _,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// A listening collector; it refuses connections as soon as it is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    kept: Kept,
    /// Dropped to end the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What came. Locked for the time of a push, by its owner for the time of a look.
type Kept = Arc<Mutex<Vec<Told>>>;

/// One span, as far as tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// 32 hexadecimal digits.
    pub(crate) trace: String,
    /// 16 hexadecimal digits.
    pub(crate) id: String,
    /// 16 hexadecimal digits, or nothing.
    pub(crate) parent: String,
    /// Its name.
    pub(crate) name: String,
    /// Its attributes, as texts.
    pub(crate) attributes: Vec<(String, String)>,
    /// The message of its status; nothing if it did not fail.
    pub(crate) status: String,
}

impl Told {
    /// An attribute, or nothing.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

impl Collector {
    /// Listens on any port of loopback.
    pub(crate) fn start() -> io::Result<Self> {
        let kept = Kept::default();
        let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&kept));
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("the listener works"),
                    // An error says that the collector was dropped: the only thing ever said.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, kept, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, as `telemetry.otlp_endpoint`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans so far whose name begins with this.
    pub(crate) fn spans(&self, name: &str) -> Vec<Told> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|span| span.name.starts_with(name)).cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the collector does not panic");
        }
    }
}

async fn keep(State(kept): State<Kept>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans).map(told);
    kept.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
    StatusCode::OK
}

fn told(span: Span) -> Told {
    Told {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        attributes: span.attributes.into_iter().map(attribute).collect(),
        status: span.status.map(|status| status.message).unwrap_or_default(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes every digit");
        text
    })
}

fn attribute(KeyValue { key, value, .. }: KeyValue) -> (String, String) {
    let text = match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    (key, text)
}
