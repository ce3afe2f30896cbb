//! The port that stores post their events to.
//!
//! A store repeats what was answered 4xx for ever, and everything behind it waits. So only what
//! is not JSON at all is refused; JSON that is no event is answered 200 and set aside.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::BodyDataStream,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tracing::warn;

use super::{
    AcceptError, Accepted, Acceptor, Config,
    body::{BodyError, Memory, discard},
    decode::{DecodeError, Encoding, decode},
    metrics::Requests,
    misdirected::{is_for_s3, send_to_s3},
    refusals::words,
};
use crate::{
    journal::AppendError,
    serve::{Port, Token, serve},
    stop::Stop,
    tls,
    trace::{Incoming, Spans},
};

/// Seconds that a refused store is asked to wait.
const RETRY_AFTER: &str = "5";

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on listen.events {address}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// The events listener.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    desk: Desk,
}

/// What every request needs.
#[derive(Debug)]
struct Desk {
    acceptor: Acceptor,
    token: Option<Token>,
    memory: Memory,
    spans: Spans,
    requests: Requests,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("use POST to send events")]
    Method,
    #[error("the token is missing or wrong; send `Authorization: Bearer <token>`")]
    Unauthorized,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    NotJson(#[from] DecodeError),
    /// An operator of the store reads it, and can tell whose matter it is.
    #[error("the events are not stored; send them again: {}", words(.0))]
    NotStored(AcceptError),
    /// No waiting makes it fit.
    #[error(transparent)]
    NeverStored(AcceptError),
}

impl Listener {
    /// Opens the port. Stores have to send the token, if there is one.
    pub async fn bind(
        port: Port,
        config: &Config,
        token: Option<Token>,
        acceptor: Acceptor,
    ) -> Result<Self, BindError> {
        let body_limit = usize::try_from(config.body_limit.as_u64()).unwrap_or(usize::MAX);
        let memory = Memory::new(body_limit);
        let address = port.address();
        let listener = port.open().await.map_err(|source| BindError { address, source })?;
        let (spans, requests) = (Spans::default(), Requests::new());
        let desk = Desk { acceptor, token, memory, spans, requests };
        Ok(Self { listener, desk })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Starts a span for each request.
    #[must_use]
    pub fn traced(mut self, spans: Spans) -> Self {
        self.desk.spans = spans;
        self
    }

    /// Serves until the stop; requests that have begun are answered.
    pub async fn run(self, tls: Option<tls::Acceptor>, stop: Stop) -> Result<(), Infallible> {
        let router = Router::new().fallback(answer).with_state(Arc::new(self.desk));
        serve(self.listener, tls, router, stop).await;
        Ok(())
    }
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let response = match *request.method() {
        _ if is_for_s3(&request) => send_to_s3(request).await,
        // RustFS probes with HEAD; a person looks with GET.
        Method::HEAD | Method::GET => StatusCode::OK.into_response(),
        Method::POST => {
            let begun = Instant::now();
            let response = desk.answer(request).await;
            desk.requests.accepted_in(begun.elapsed());
            response
        }
        _ => refuse(&Refusal::Method),
    };
    desk.requests.answered(response.status().as_u16());
    response
}

impl Desk {
    async fn answer(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let mut body = body.into_data_stream();
        let span = self.spans.request(Incoming::of(&head.headers));
        let response = match self.receive(&head.headers, &mut body, span.header()).await {
            Ok(accepted) => {
                let kind = [(header::CONTENT_TYPE, "application/json")];
                (kind, accepted.to_string()).into_response()
            }
            Err(refusal) => {
                // Whoever asks before it sends the body need not send it.
                if refusal.leaves_the_body() && !head.headers.contains_key(header::EXPECT) {
                    discard(&mut body).await;
                }
                refuse(&refusal)
            }
        };
        span.end(response.status().as_u16());
        response
    }

    async fn receive(
        &self,
        headers: &HeaderMap,
        body: &mut BodyDataStream,
        trace: Option<&str>,
    ) -> Result<Accepted, Refusal> {
        self.authorize(headers)?;
        let body = self.memory.read(body).await?;
        let received = decode(&body.bytes, encoding(headers), Timestamp::now())?;
        Ok(self.acceptor.accept(received, trace).await?)
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let sent = headers.get(header::AUTHORIZATION);
        if sent.is_some_and(|authorization| token.is_in(authorization.as_bytes())) {
            return Ok(());
        }
        Err(Refusal::Unauthorized)
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            // What no amount of waiting makes fit is told apart from a journal that is full.
            Self::Body(BodyError::TooLarge { .. }) | Self::NeverStored(_) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Body(BodyError::Still) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::Broken(_)) | Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::Body(BodyError::NoMemory) | Self::NotStored(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether there is more of the body that the client could still be sending.
    fn leaves_the_body(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized | Self::Body(BodyError::TooLarge { .. } | BodyError::NoMemory)
        )
    }
}

impl From<AcceptError> for Refusal {
    fn from(cause: AcceptError) -> Self {
        match cause {
            AcceptError::Journal(AppendError::TooLarge { .. }) => Self::NeverStored(cause),
            _ => Self::NotStored(cause),
        }
    }
}

fn encoding(headers: &HeaderMap) -> Encoding {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    let kind = kind.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let lines = [&b"application/x-ndjson"[..], b"application/jsonl", b"application/ndjson"];
    if lines.iter().any(|line| kind.eq_ignore_ascii_case(line)) {
        Encoding::Ndjson
    } else {
        Encoding::Json
    }
}

fn refuse(refusal: &Refusal) -> Response {
    let status = refusal.status();
    // Of what the journal refuses, the log tells when that begins and ends.
    if !matches!(refusal, Refusal::NotStored(_)) {
        warn!(status = status.as_u16(), %refusal, "request refused");
    }
    let body = serde_json::json!({ "error": refusal.to_string() }).to_string();
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let hint = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST, GET, HEAD")),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, RETRY_AFTER)),
        StatusCode::REQUEST_TIMEOUT => Some((header::CONNECTION, "close")),
        _ => None,
    };
    if let Some((name, value)) = hint {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
