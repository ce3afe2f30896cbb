//! The port that stores post their events to.
//!
//! A store repeats what was answered 4xx for ever, and everything behind it waits. So only what
//! is not JSON at all is refused; JSON that is no event is answered 200 and set aside.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use ::metrics::Counter;
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, SemaphorePermit},
};
use tracing::{error, warn};

use super::{
    Accepted, Acceptor, Config, TokenError,
    decode::{DecodeError, Encoding, decode},
    metrics,
    token::Token,
};
use crate::{serve::serve, stop::Stop};

/// Requests that are being read hold at most this many times `body_limit` in memory.
const BODIES_MAX: usize = 4;
/// The unit of that memory.
const KIB: usize = 1024;
/// Seconds that a refused store is asked to wait.
const RETRY_AFTER: &str = "5";
/// The longest X-Ray header that AWS takes, in bytes.
const TRACE_ID_BYTES_MAX: usize = 500;

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken or not ours.
    #[error("cannot listen on listen.events {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The token is unusable.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// The events listener.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// What every request needs.
#[derive(Debug)]
struct Desk {
    acceptor: Acceptor,
    token: Option<Token>,
    body_limit: usize,
    /// Permits of one KiB each for bodies in memory.
    memory: Semaphore,
    /// Requests that were answered 200, which nearly all are.
    taken: Counter,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("use POST to send events")]
    Method,
    #[error("the token is missing or wrong; send `Authorization: Bearer <token>`")]
    Unauthorized,
    #[error("the body is larger than events.body_limit, {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body could not be read")]
    Body(#[source] axum::Error),
    #[error(transparent)]
    NotJson(#[from] DecodeError),
    #[error("too many large requests at once; send it again")]
    Busy,
    #[error("the events are not stored; send them again")]
    NotStored(#[from] super::AcceptError),
}

impl Listener {
    /// Reads the token and opens the port.
    pub async fn bind(
        address: SocketAddr,
        config: &Config,
        acceptor: Acceptor,
    ) -> Result<Self, BindError> {
        let token = config.token()?;
        let body_limit = usize::try_from(config.body_limit.as_u64()).unwrap_or(usize::MAX);
        let permits = body_limit.div_ceil(KIB).saturating_mul(BODIES_MAX);
        let memory = Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS));
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| BindError::Bind { address, source })?;
        let taken = metrics::requests(StatusCode::OK.as_u16());
        let desk = Arc::new(Desk { acceptor, token, body_limit, memory, taken });
        Ok(Self { listener, desk })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the stop; requests that have begun are answered.
    pub async fn run(self, stop: Stop) -> Result<(), Infallible> {
        let router = Router::new().fallback(answer).with_state(self.desk);
        serve(self.listener, router, stop).await;
        Ok(())
    }
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let response = match *request.method() {
        // RustFS probes with HEAD; a person looks with GET.
        Method::HEAD | Method::GET => StatusCode::OK.into_response(),
        Method::POST => match desk.receive(request).await {
            Ok(Accepted { received, matched }) => {
                let body = format!("{{\"received\":{received},\"matched\":{matched}}}");
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(refusal) => refuse(&refusal),
        },
        _ => refuse(&Refusal::Method),
    };
    match response.status() {
        StatusCode::OK => desk.taken.increment(1),
        status => metrics::requests(status.as_u16()).increment(1),
    }
    response
}

impl Desk {
    async fn receive(&self, request: Request) -> Result<Accepted, Refusal> {
        let (head, body) = request.into_parts();
        self.authorize(&head.headers)?;
        let _memory = self.reserve(&head.headers)?;
        let body = to_bytes(body, self.body_limit).await.map_err(|cause| self.unreadable(cause))?;
        let received = decode(&body, encoding(&head.headers), Timestamp::now())?;
        Ok(self.acceptor.accept(received, trace_id(&head.headers)).await?)
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let sent = headers.get(header::AUTHORIZATION);
        if sent.is_some_and(|authorization| token.is_in(authorization.as_bytes())) {
            return Ok(());
        }
        Err(Refusal::Unauthorized)
    }

    /// Memory for the body: as much as it says it has, or as much as it may have.
    fn reserve(&self, headers: &HeaderMap) -> Result<SemaphorePermit<'_>, Refusal> {
        let told =
            headers.get(header::CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok());
        let bytes: usize = told.unwrap_or(self.body_limit);
        if bytes > self.body_limit {
            return Err(Refusal::TooLarge { limit: self.body_limit });
        }
        let permits = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        self.memory.try_acquire_many(permits).or(Err(Refusal::Busy))
    }

    fn unreadable(&self, cause: axum::Error) -> Refusal {
        // axum wraps the limit's error once.
        let limited = std::error::Error::source(&cause)
            .is_some_and(|source| source.to_string() == "length limit exceeded");
        if limited { Refusal::TooLarge { limit: self.body_limit } } else { Refusal::Body(cause) }
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

fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let trace_id = headers.get("x-amzn-trace-id")?.to_str().ok()?;
    (1..=TRACE_ID_BYTES_MAX).contains(&trace_id.len()).then_some(trace_id)
}

fn refuse(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::Unauthorized => StatusCode::UNAUTHORIZED,
        Refusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Body(_) | Refusal::NotJson(_) => StatusCode::BAD_REQUEST,
        Refusal::Busy | Refusal::NotStored(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    if let Refusal::NotStored(cause) = refusal {
        error!(%cause, "events not stored; the store has to send them again");
    } else {
        warn!(status = status.as_u16(), %refusal, "request refused");
    }
    let body = serde_json::json!({ "error": refusal.to_string() }).to_string();
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let hint = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST, GET, HEAD")),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, RETRY_AFTER)),
        _ => None,
    };
    if let Some((name, value)) = hint {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}
