//! Serves HTTP/1 on a port, and owns every connection of it.
//!
//! When [`serve`] returns, no task of a connection is left, and so nothing that its handlers held:
//! a client that stays half-way through a request must not outlast the grace of a stop.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, ErrorKind},
    net::{self, SocketAddr},
    pin::pin,
    time::Duration,
};

use axum::Router;
use hyper::{
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::process::{Resource, getrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tracing::{debug, error, warn};

use super::reading::Reading;
use crate::{stop::Stop, tls};

/// A port has at most this many connections; a further client waits in the backlog.
const CONNECTIONS_MAX: usize = 4096;
/// A port takes at most the n-th part of the file descriptors, so that the three of them leave
/// some to the journal and the lanes.
const DESCRIPTOR_SHARE: u64 = 4;
/// How long a connection may take to send the head of its next request. Longer than HTTP clients
/// keep a connection they do not use (Go 90 s, curl 118 s), or closing it would race with a
/// request.
const HEAD_WAIT_MAX: Duration = Duration::from_mins(2);
/// How long a stop waits for the handshake, and then for the first request, of a connection, which
/// may have been made just before: its client was not refused and must not be left without an
/// answer.
const FIRST_REQUEST_WAIT: Duration = Duration::from_secs(1);
/// How long a stop waits for the client of an answer without an end to read what is left of it.
const ENDLESS_WAIT: Duration = Duration::from_secs(1);
/// What is buffered of a connection, and so the largest head, in bytes.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// The wait for file descriptors that others may give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Goes with an answer that has no end: a stop does not wait for its client to read what is left.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

/// Where a listener takes connections.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    /// Open already, and held by the service manager beyond the life of this process.
    inherited: Option<net::TcpListener>,
}

impl Port {
    /// A port that is opened here.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, inherited: None }
    }

    /// One that the service manager has opened; it must not block.
    pub fn inherited(listener: net::TcpListener) -> io::Result<Self> {
        Ok(Self { address: listener.local_addr()?, inherited: Some(listener) })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens it, unless it is open.
    pub async fn open(self) -> io::Result<TcpListener> {
        match self.inherited {
            Some(listener) => TcpListener::from_std(listener),
            None => TcpListener::bind(self.address).await,
        }
    }
}

/// Serves until the stop, in plain HTTP if there is nothing to speak TLS with. Requests that have
/// begun are answered until the grace has ended; then their connections are closed.
pub async fn serve(listener: TcpListener, tls: Option<tls::Acceptor>, router: Router, stop: Stop) {
    let connections_max = connections_max();
    let http = http();
    // With its state, the router builds its routes here rather than for each request.
    let service = TowerToHyperService::new(router.with_state(()));
    let mut connections = JoinSet::new();
    let mut requested = pin!(stop.requested());
    let mut crowd = Crowd::default();
    loop {
        crowd.look(connections.len(), connections_max, &listener);
        tokio::select! {
            biased;
            () = &mut requested => break,
            Some(ended) = connections.join_next() => report(ended),
            stream = accept(&listener), if connections.len() < connections_max => {
                let way = Way { service: service.clone(), http: http.clone(), stop: stop.clone() };
                connections.spawn(connect(stream, tls.clone(), way));
            }
        }
    }
    drop(listener);
    tokio::select! {
        biased;
        () = all_ended(&mut connections) => {}
        () = stop.expired() => connections.shutdown().await,
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT_MAX).max_buf_size(BUFFER_BYTES_MAX);
    http
}

fn connections_max() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let share = usize::try_from(descriptors / DESCRIPTOR_SHARE).unwrap_or(usize::MAX);
    share.clamp(1, CONNECTIONS_MAX)
}

/// Whether the port is full, or was and is not half empty yet.
#[derive(Debug, Default)]
struct Crowd(bool);

impl Crowd {
    /// Says it once, when it becomes so.
    fn look(&mut self, connections: usize, max: usize, listener: &TcpListener) {
        let Self(was) = *self;
        let is_full = connections >= max;
        if is_full && !was {
            let address = listener.local_addr().ok().map(tracing::field::display);
            warn!(
                address,
                connections, "no more connections are taken until some end; clients wait"
            );
        }
        self.0 = is_full || (was && connections > max / 2);
    }
}

/// The next connection. Cancel-safe.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(cause) if is_of_the_client(&cause) => debug!(%cause, "connection not accepted"),
            Err(cause) => {
                error!(%cause, "cannot accept connections; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether it was only this client that left before it was accepted.
fn is_of_the_client(cause: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// How a connection is answered.
struct Way {
    service: TowerToHyperService<Router>,
    http: http1::Builder,
    stop: Stop,
}

/// Answers one connection, once the handshake is done if there has to be one. It happens here, so
/// that a client which stalls in it holds up nobody, and counts as a connection.
async fn connect(stream: TcpStream, tls: Option<tls::Acceptor>, way: Way) {
    // An answer is one small packet that the client waits for.
    if let Err(cause) = stream.set_nodelay(true) {
        debug!(%cause, "cannot set TCP_NODELAY");
    }
    let Some(tls) = tls else { return converse(stream, way).await };
    let stopping = async {
        way.stop.requested().await;
        sleep(FIRST_REQUEST_WAIT).await;
    };
    let opened = tokio::select! {
        biased;
        opened = tls.open(stream) => opened,
        () = stopping => return,
    };
    if let Some(stream) = opened {
        converse(stream, way).await;
    }
}

/// How far the requests of a connection have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There was none.
    Silent,
    /// The first has begun.
    Begun,
    /// One is answered without an end.
    Endless,
}

/// Answers the requests of one connection, one after the other.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, way: Way) {
    let Way { service, http, stop } = way;
    let (stage, mut stages) = watch::channel(Stage::Silent);
    let service = service_fn(move |request| {
        stage.send_replace(Stage::Begun);
        let (answering, stage) = (service.call(request), stage.clone());
        async move {
            let answer = answering.await?;
            if answer.extensions().get::<Endless>().is_some() {
                stage.send_replace(Stage::Endless);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let io = TokioIo::new(Reading::new(stream));
    let mut connection = pin!(http.serve_connection(io, service));
    let stopping = async {
        stop.requested().await;
        let begun = stages.wait_for(|stage| *stage != Stage::Silent);
        drop(timeout(FIRST_REQUEST_WAIT, begun).await);
        stages
    };
    let served = tokio::select! {
        biased;
        served = connection.as_mut() => served,
        mut stages = stopping => {
            // Of a connection without a request, the end at once.
            connection.as_mut().graceful_shutdown();
            let let_go = async {
                if stages.wait_for(|stage| *stage == Stage::Endless).await.is_ok() {
                    sleep(ENDLESS_WAIT).await;
                } else {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                served = connection => served,
                () = let_go => Ok(()),
            }
        }
    };
    if let Err(cause) = served {
        debug!(%cause, "connection broken");
    }
}

async fn all_ended(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(cause) = ended {
        warn!(%cause, "the answer to a request panicked");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{
        Extension,
        body::{Body, Bytes},
        response::IntoResponse,
        routing::get,
    };
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::{super::reading::UNREAD_MAX, *};
    use crate::stop::{Stopper, stopper};

    /// Serves something that the router's state holds; ends with the stop.
    async fn serving(held: &Arc<()>) -> (SocketAddr, Stopper, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "hello" }).post(hello))
            .route("/endless", get(endless));
        let held = Arc::clone(held);
        let router = router.fallback(move || {
            let held = Arc::clone(&held);
            async move { format!("{held:?}") }
        });
        let (stopper, stop) = stopper();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, None, router, stop));
        (address, stopper, server)
    }

    async fn hello(_: Bytes) -> &'static str {
        "hello"
    }

    async fn endless() -> impl IntoResponse {
        let chunk = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1 << 14]));
        (Extension(Endless), Body::from_stream(stream::repeat_with(chunk)))
    }

    async fn connected(address: SocketAddr, sent: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    }

    /// Reads to the end of an answer's body.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut read = String::new();
        while !read.ends_with("hello") {
            let byte = stream.read_u8().await.unwrap();
            read.push(char::from(byte));
        }
        read
    }

    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    #[tokio::test]
    async fn the_end_of_the_grace_closes_what_is_half_sent() {
        let held = Arc::new(());
        let (address, stopper, mut server) = serving(&held).await;
        for half in ["GET / HT", "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"] {
            // Answered once, so that the connection is known to be served.
            let mut client = connected(address, REQUEST).await;
            answer(&mut client).await;
            client.write_all(half.as_bytes()).await.unwrap();
            std::mem::forget(client);
        }
        stopper.request();
        stopper.expire();
        server.join_next().await.unwrap().unwrap();
        assert_eq!(Arc::strong_count(&held), 1, "nothing of a connection is left");
    }

    #[tokio::test]
    async fn a_stop_closes_idle_connections_at_once() {
        let held = Arc::new(());
        let (address, stopper, mut server) = serving(&held).await;
        let mut client = connected(address, REQUEST).await;
        answer(&mut client).await;
        stopper.request();
        server.join_next().await.unwrap().unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "closed");
    }

    #[tokio::test]
    async fn a_client_that_has_just_connected_is_answered_after_the_stop() {
        let held = Arc::new(());
        let (address, stopper, mut server) = serving(&held).await;
        // Connections are accepted in order, so with this answer the silent one is served.
        let mut silent = connected(address, "").await;
        answer(&mut connected(address, REQUEST).await).await;
        stopper.request();
        silent.write_all(REQUEST.as_bytes()).await.unwrap();
        assert!(answer(&mut silent).await.contains("200 OK"));
        server.join_next().await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_delays_the_stop_by_a_second() {
        let held = Arc::new(());
        let (address, stopper, mut server) = serving(&held).await;
        let mut silent = connected(address, "").await;
        answer(&mut connected(address, REQUEST).await).await;
        stopper.request();
        let start = tokio::time::Instant::now();
        server.join_next().await.unwrap().unwrap();
        assert!(start.elapsed() <= FIRST_REQUEST_WAIT * 2, "{:?}", start.elapsed());
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "closed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_reads_loses_its_connection() {
        let (mut client, stream) = tokio::io::duplex(1 << 10);
        let (_stopper, stop) = stopper();
        let router = Router::new().route("/", get(|| async { "hello" }));
        let service = TowerToHyperService::new(router.with_state(()));
        let mut server = JoinSet::new();
        server.spawn(converse(stream, Way { service, http: http(), stop }));
        // It asks for as long as it is heard.
        let asked = async { while client.write_all(REQUEST.as_bytes()).await.is_ok() {} };
        timeout(UNREAD_MAX * 3, asked).await.expect("the connection breaks");
        server.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_request_that_has_begun_is_answered_after_the_stop() {
        let held = Arc::new(());
        let (address, stopper, mut server) = serving(&held).await;
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n";
        let mut client = connected(address, &format!("{head}Expect: 100-continue\r\n\r\n")).await;
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        client.read_exact(&mut go_on).await.unwrap();
        stopper.request();
        client.write_all(b"ab").await.unwrap();
        assert!(answer(&mut client).await.contains("200 OK"));
        server.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_stop_does_not_wait_for_who_does_not_read_an_answer_without_an_end() {
        let held = Arc::new(());
        let (address, stopper, mut server) = serving(&held).await;
        let mut client = connected(address, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
        client.read_exact(&mut [0; 1000]).await.unwrap();
        stopper.request();
        server.join_next().await.unwrap().unwrap();
        assert_eq!(Arc::strong_count(&held), 1, "nothing of the connection is left");
    }
}
