//! A queue that costs little: answers `SendMessageBatch`, and of a message keeps only when its
//! event arrived first.

use std::{
    borrow::Cow,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::post,
};
use regex::bytes::Regex;
use serde::Deserialize;
use serde_json::Value;
use tokio::{net::TcpListener, runtime};

/// A listening sink; it ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    arrivals: Arc<Mutex<Arrivals>>,
}

/// What came since the last reset.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Of each event, by its number.
    pub(crate) first: Vec<Option<Instant>>,
    /// Events, however often each of them came.
    pub(crate) events: u64,
    /// Messages.
    pub(crate) messages: u64,
    /// Requests.
    pub(crate) requests: u64,
    /// Of the latest message.
    pub(crate) last: Option<Instant>,
    /// The first message.
    pub(crate) sample: String,
}

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
}

impl Sink {
    /// Listens on a port of loopback, on a thread of its own.
    pub(crate) fn bind() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let sink = Self { address: listener.local_addr()?, arrivals: Arc::default() };
        let router = Router::new().fallback(post(take)).with_state(sink.clone());
        thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
        Ok(sink)
    }

    /// Where it listens, as `aws.sqs.endpoint_url`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Forgets what came, and says what it was.
    pub(crate) fn reset(&self) -> Arrivals {
        std::mem::take(&mut *self.arrivals())
    }

    /// How much came: events, messages.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let arrivals = self.arrivals();
        (arrivals.events, arrivals.messages)
    }

    /// Locked by the sink for each request, by the bench some times a second.
    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    fn arrive(&mut self, number: usize, now: Instant) {
        if self.first.len() <= number {
            self.first.resize(number + 1, None);
        }
        let first = self.first.get_mut(number).expect("just made long enough");
        self.events += u64::from(first.is_none());
        self.messages += 1;
        first.get_or_insert(now);
        self.last = Some(now);
    }
}

/// Acknowledges every entry.
async fn take(State(sink): State<Sink>, request: Bytes) -> Result<impl IntoResponse, StatusCode> {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("event-[0-9]{9}").expect("the pattern is fixed"));
    let batch: Batch<'_> = serde_json::from_slice(&request).or(Err(StatusCode::BAD_REQUEST))?;
    let acknowledged = batch
        .entries
        .iter()
        .map(|Entry { id }| format!(r#"{{"Id":"{id}","MessageId":"m","MD5OfMessageBody":"m"}}"#));
    let acknowledged = acknowledged.collect::<Vec<_>>().join(",");
    let now = Instant::now();
    let mut arrivals = sink.arrivals();
    arrivals.requests += 1;
    for found in NUMBER.find_iter(&request) {
        arrivals.arrive(number(found.as_bytes()), now);
    }
    if arrivals.sample.is_empty() {
        arrivals.sample = first_body(&request).ok_or(StatusCode::BAD_REQUEST)?;
    }
    let answer = format!(r#"{{"Successful":[{acknowledged}],"Failed":[]}}"#);
    Ok(([(CONTENT_TYPE, "application/x-amz-json-1.0")], answer))
}

/// The digits at the end.
fn number(text: &[u8]) -> usize {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

fn first_body(request: &[u8]) -> Option<String> {
    let request: Value = serde_json::from_slice(request).ok()?;
    Some(request.pointer("/Entries/0/MessageBody")?.as_str()?.to_owned())
}
