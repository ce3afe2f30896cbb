//! The port, its connections and the thread that serves them. A connection that ends early is
//! reset, so that its client learns of it at once.

use std::{
    collections::HashMap,
    convert::Infallible,
    future, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use axum::{
    body::{Body, to_bytes},
    http::{self, Response, StatusCode},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
    sync::oneshot,
    task::JoinSet,
    time::sleep,
};

use super::{
    answer,
    record::{Kept, Record},
    request::{Asks, Request},
    script::{Fault, Script},
};

/// All of AWS on one port, for any number of destinations. It listens until it is dropped or told
/// to refuse.
#[derive(Debug)]
pub(crate) struct Endpoint<R: Record = Kept> {
    address: SocketAddr,
    state: Arc<State<R>>,
    serving: Mutex<Option<Serving>>,
}

/// What the connections have in common. Each part is locked for a moment of every request, and by
/// the test for a look or a change.
#[derive(Debug)]
struct State<R> {
    scripts: Mutex<Scripts>,
    record: Mutex<R>,
}

/// By destination; the rest follow the first.
#[derive(Debug, Default)]
struct Scripts {
    others: Arc<Script>,
    named: HashMap<String, Arc<Script>>,
}

/// The thread that serves the port.
#[derive(Debug)]
struct Serving {
    /// Dropped to end it.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the connection is to be reset")]
struct Reset;

impl<R: Record + Default> Endpoint<R> {
    /// Listens on this port of loopback; 0 takes any.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let state = State { scripts: Mutex::default(), record: Mutex::default() };
        let state = Arc::new(state);
        let (address, serving) = Serving::start(port, Arc::clone(&state))?;
        Ok(Self { address, state, serving: Mutex::new(Some(serving)) })
    }

    /// Forgets what came, and says what it was.
    pub(crate) fn reset(&self) -> R {
        self.look(std::mem::take)
    }
}

impl<R: Record> Endpoint<R> {
    /// Where it listens, as `aws.endpoint_url`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what every destination does that has no script of its own.
    pub(crate) fn all(&self, script: Script) {
        lock(&self.state.scripts).others = Arc::new(script);
    }

    /// Changes what one destination does, by the name at the end of its ARN.
    pub(crate) fn one(&self, destination: &str, script: Script) {
        lock(&self.state.scripts).named.insert(destination.to_owned(), Arc::new(script));
    }

    /// Takes everything at once again, wherever it is sent.
    pub(crate) fn heal(&self) {
        *lock(&self.state.scripts) = Scripts::default();
    }

    /// Refuses connections, and resets those that there are.
    pub(crate) fn refuse(&self) {
        *lock(&self.serving) = None;
    }

    /// Listens again, where it did before.
    pub(crate) fn listen(&self) -> io::Result<()> {
        let mut serving = lock(&self.serving);
        if serving.is_none() {
            *serving = Some(Serving::start(self.address.port(), Arc::clone(&self.state))?.1);
        }
        Ok(())
    }

    /// Looks at what came.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut R) -> T) -> T {
        look(&mut lock(&self.state.record))
    }
}

impl Serving {
    fn start<R: Record>(port: u16, state: Arc<State<R>>) -> io::Result<(SocketAddr, Self)> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || serve(&runtime, &listener, stopped, &state));
        Ok((address, Self { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the endpoint does not panic");
        }
    }
}

fn serve<R: Record>(
    runtime: &Runtime,
    listener: &TcpListener,
    mut stopped: oneshot::Receiver<()>,
    state: &Arc<State<R>>,
) {
    let mut connections = JoinSet::new();
    runtime.block_on(async {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (socket, _) = accepted.expect("the listener works");
                    connections.spawn(converse(socket, Arc::clone(state)));
                }
                Some(ended) = connections.join_next() => ended.expect("no connection panics"),
                // An error says that the endpoint was dropped: the only thing ever said.
                _ = &mut stopped => return,
            }
        }
    });
}

async fn converse<R: Record>(socket: TcpStream, state: Arc<State<R>>) {
    socket.set_nodelay(true).expect("loopback has the option");
    socket.set_zero_linger().expect("loopback has the option");
    let service = service_fn(|request| answer(Arc::clone(&state), request));
    // It ends when the client goes, or when a script resets it.
    let (Ok(()) | Err(_)) =
        http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn answer<R: Record>(
    state: Arc<State<R>>,
    request: http::Request<Incoming>,
) -> Result<Response<Body>, Reset> {
    let (head, body) = request.into_parts();
    let body = to_bytes(Body::new(body), usize::MAX).await.or(Err(Reset))?;
    let Some(request) = Request::read(&head, &body) else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
        return Ok(response);
    };
    let script = state.script(&request.destination);
    if !script.delay.is_zero() {
        sleep(script.delay).await;
    }
    let entries = match &request.asks {
        Asks::Batch(entries) => entries.as_slice(),
        Asks::Probe => &[],
    };
    match script.request(entries.len()) {
        Some(Fault::Silence) => match future::pending::<Infallible>().await {},
        Some(Fault::Reset) => return Err(Reset),
        Some(fault) => return Ok(answer::refusal(request.service, fault)),
        None => {}
    }
    if let Asks::Probe = request.asks {
        return Ok(answer::probe(&request));
    }
    let judged: Vec<_> = entries.iter().map(|entry| (entry, script.entry(entry))).collect();
    let taken = judged.iter().filter(|(_, slip)| slip.is_none()).map(|(entry, _)| *entry);
    lock(&state.record).arrived(&request.destination, taken);
    Ok(answer::batch(request.service, &judged))
}

impl<R> State<R> {
    fn script(&self, destination: &str) -> Arc<Script> {
        let scripts = lock(&self.scripts);
        Arc::clone(scripts.named.get(destination).unwrap_or(&scripts.others))
    }
}

impl Endpoint<Kept> {
    /// How many messages came.
    pub(crate) fn count(&self) -> usize {
        self.look(|kept| kept.0.values().map(Vec::len).sum())
    }

    /// All messages so far; those of one destination in the order in which they came.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.look(|kept| kept.0.values().flatten().cloned().collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
