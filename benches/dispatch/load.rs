//! Stores that post: HTTP/1.1 by hand on connections that stay open, all on one thread.
//!
//! A store is meant to cost little, since it runs on the cores that are measured: a request is a
//! copy of a text with other numbers in it, and of an answer only the status is looked at.

use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime,
    sync::Semaphore,
    task::LocalSet,
};

/// What MinIO posts, on one line; `BUCKET` and `NUMBER` are to be filled in.
const EVENT: &str = include_str!("minio.json");

/// What to post, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Decides which rules match.
    pub(crate) bucket: &'static str,
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// One is posted as JSON, more as NDJSON.
    pub(crate) events_per_request: u64,
    /// When the next request is due.
    pub(crate) schedule: Schedule,
    /// For how long requests are started.
    pub(crate) time: Duration,
    /// How many are started at most.
    pub(crate) requests_max: u64,
}

/// When requests are started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schedule {
    /// As soon as the one before is answered.
    Closed,
    /// At fixed times, however long answers take: what is late counts from when it was due.
    Every(Duration),
}

/// What was answered 200. Every event had a number: `0..events`.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) events: u64,
    pub(crate) begin: Instant,
    pub(crate) took: Duration,
    /// Of each request, from when it was due to its answer; ascending.
    pub(crate) latencies: Vec<Duration>,
}

/// What the connections have in common.
#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    load: Load,
    begin: Instant,
    next: AtomicU64,
    /// One permit for each request that is due; closed at the end. Unused when closed.
    due: Semaphore,
}

/// Posts, and returns when everything is answered. Anything but 200 is an error.
pub(crate) fn post(address: SocketAddr, load: Load) -> io::Result<Posted> {
    let (begin, due) = (Instant::now(), Semaphore::new(0));
    let shared = Arc::new(Shared { address, load, begin, next: AtomicU64::new(0), due });
    let pacer = match load.schedule {
        Schedule::Closed => None,
        Schedule::Every(interval) => {
            let shared = Arc::clone(&shared);
            Some(thread::spawn(move || pace(&shared, interval)))
        }
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut latencies = LocalSet::new().block_on(&runtime, all_stores(&shared))?;
    let took = begin.elapsed();
    if let Some(pacer) = pacer {
        pacer.join().expect("the pacer does not panic");
    }
    latencies.sort_unstable();
    let requests = shared.next.load(Relaxed).min(load.requests_max);
    let events = requests * load.events_per_request;
    Ok(Posted { events, begin, took, latencies })
}

async fn all_stores(shared: &Arc<Shared>) -> io::Result<Vec<Duration>> {
    let load = shared.load;
    let pieces: Rc<[String]> =
        EVENT.replace("BUCKET", load.bucket).split("NUMBER").map(str::to_owned).collect();
    let mut stores = tokio::task::JoinSet::new();
    for _ in 0..load.connections {
        stores.spawn_local(store(Arc::clone(shared), Rc::clone(&pieces)));
    }
    let mut latencies = Vec::new();
    while let Some(ended) = stores.join_next().await {
        latencies.extend(ended.expect("a store does not panic")?);
    }
    Ok(latencies)
}

/// Timers of the runtime are too coarse for this: a thread of its own sleeps.
#[expect(clippy::disallowed_methods, reason = "the time is what this waits for")]
fn pace(shared: &Shared, interval: Duration) {
    let mut due = shared.begin;
    while due < shared.begin + shared.load.time {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        shared.due.add_permits(1);
        due += interval;
    }
    shared.due.close();
}

impl Shared {
    /// The number of the next request and when it is due; `None` at the end.
    async fn next(&self) -> Option<(u64, Instant)> {
        match self.load.schedule {
            Schedule::Closed => {
                let now = Instant::now();
                let in_time = now < self.begin + self.load.time;
                let next = || self.next.fetch_add(1, Relaxed);
                let number = in_time.then(next).filter(|number| *number < self.load.requests_max);
                number.map(|number| (number, now))
            }
            Schedule::Every(interval) => {
                self.due.acquire().await.ok()?.forget();
                let number = self.next.fetch_add(1, Relaxed);
                let intervals = u32::try_from(number).expect("a run of minutes");
                Some((number, self.begin + interval * intervals))
            }
        }
    }
}

async fn store(shared: Arc<Shared>, pieces: Rc<[String]>) -> io::Result<Vec<Duration>> {
    let mut connection = TcpStream::connect(shared.address).await?;
    connection.set_nodelay(true)?;
    let (mut request, mut answer, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    while let Some((number, due)) = shared.next().await {
        write_request(&mut request, &pieces, number, shared.load.events_per_request);
        connection.write_all(&request).await?;
        read_answer(&mut connection, &mut answer).await?;
        latencies.push(due.elapsed());
    }
    Ok(latencies)
}

fn write_request(request: &mut Vec<u8>, pieces: &[String], number: u64, events: u64) {
    const DIGITS: usize = 9;
    let event_bytes: usize =
        pieces.iter().map(String::len).sum::<usize>() + DIGITS * (pieces.len() - 1);
    let bytes = event_bytes as u64 * events;
    let kind = if events == 1 { "json" } else { "x-ndjson" };
    request.clear();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: fanfare\r\ncontent-type: application/{kind}\r\ncontent-length: {bytes}\r\n\r\n"
    );
    request.extend_from_slice(head.as_bytes());
    for number in number * events..(number + 1) * events {
        let digits = format!("{number:0DIGITS$}");
        for (place, piece) in pieces.iter().enumerate() {
            if place > 0 {
                request.extend_from_slice(digits.as_bytes());
            }
            request.extend_from_slice(piece.as_bytes());
        }
    }
}

/// Reads one whole answer, of which none here is longer than its `content-length` says.
async fn read_answer(connection: &mut TcpStream, answer: &mut Vec<u8>) -> io::Result<()> {
    answer.clear();
    loop {
        if connection.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() < length {
            continue;
        }
        if head.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        return Err(io::Error::other(text.into_owned()));
    }
}
