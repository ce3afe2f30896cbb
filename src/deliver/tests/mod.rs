//! A lane against a scripted destination, on a real journal.

mod giving_up;
mod lanes;
mod order;
mod policy;
mod removal;
mod sending;
mod stop;
mod unread;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bytesize::ByteSize;
use tempfile::TempDir;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    Backoff, Bounds, Config, Connection, LaneStatus, StillWanted,
    clock::Clock,
    lane::{Lane, Orders, Surroundings},
};
use crate::{
    journal::{self, AppendError, Journal, NewRecord, Origin},
    model::{AccountId, Event, EventType, Message, Record, Region, Sequencer},
    payload::{self, Form, Renderer},
    publish::{Cause, Limits, Publish, Verdict},
    stop::{Stop, Stopper, stopper},
    tail::Hub,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";

/// What answers a request, by its number and the keys in it.
type Answers = dyn Fn(usize, &[String]) -> Vec<Verdict> + Send + Sync;

/// A destination that answers by a script; what the script leaves out is delivered.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Answers>,
    /// How long each answer takes.
    latency: Duration,
    /// Answers only when told to.
    gate: Option<Arc<Notify>>,
    calls: Arc<Mutex<Vec<Call>>>,
    called: Arc<Notify>,
    on_the_wire: Arc<AtomicUsize>,
}

/// A request as it was sent.
#[derive(Clone, Debug)]
struct Call {
    keys: Vec<String>,
    at: Instant,
    /// How many requests were on the wire when it began, itself included.
    on_the_wire: usize,
}

impl Scripted {
    fn by(answers: impl Fn(usize, &[String]) -> Vec<Verdict> + Send + Sync + 'static) -> Self {
        Self {
            answers: Arc::new(answers),
            latency: Duration::ZERO,
            gate: None,
            calls: Arc::default(),
            called: Arc::default(),
            on_the_wire: Arc::default(),
        }
    }

    /// Delivers everything.
    fn healthy() -> Self {
        Self::by(|_, _| Vec::new())
    }

    /// Answers the first requests so, and delivers everything afterwards.
    fn answering(script: impl IntoIterator<Item = Vec<Verdict>>) -> Self {
        let script: VecDeque<_> = script.into_iter().collect();
        Self::by(move |call, _| script.get(call).cloned().unwrap_or_default())
    }

    /// Refuses every message alike until told to be well.
    fn down(verdict: Verdict) -> (Self, Arc<AtomicBool>) {
        let well = Arc::new(AtomicBool::new(false));
        let is_well = Arc::clone(&well);
        let answers = move |_, keys: &[String]| {
            if is_well.load(Relaxed) { Vec::new() } else { vec![verdict.clone(); keys.len()] }
        };
        (Self::by(answers), well)
    }

    fn gated() -> Self {
        Self { gate: Some(Arc::default()), ..Self::healthy() }
    }

    fn taking(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The keys of each request.
    fn keys(&self) -> Vec<Vec<String>> {
        self.calls().into_iter().map(|call| call.keys).collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.keys().iter().map(Vec::len).collect()
    }

    /// How often a key was sent.
    fn sent(&self, key: &str) -> usize {
        self.keys().iter().flatten().filter(|sent| *sent == key).count()
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted(..)")
    }
}

impl Publish for Scripted {
    fn limits(&self) -> Limits {
        Limits { entries: 10, bytes: 1_000_000 }
    }

    fn weight(&self, message: &Message) -> usize {
        message.body.len()
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        let keys: Vec<String> = batch.iter().map(key_of).collect();
        let on_the_wire = self.on_the_wire.fetch_add(1, Relaxed) + 1;
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(Call { keys: keys.clone(), at: Instant::now(), on_the_wire });
            calls.len() - 1
        };
        self.called.notify_one();
        tokio::task::yield_now().await;
        if !self.latency.is_zero() {
            sleep(self.latency).await;
        }
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        self.on_the_wire.fetch_sub(1, Relaxed);
        let mut verdicts = (self.answers)(number, &keys);
        verdicts.resize(batch.len(), Verdict::Delivered);
        verdicts
    }
}

/// The text that `record` was given.
fn key_of(message: &Message) -> String {
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    let object = &body["Records"][0]["s3"]["object"];
    let key = object["key"].as_str().unwrap();
    match object["size"].as_u64().unwrap() {
        0 => key.to_owned(),
        size => format!("{key}#{size}"),
    }
}

/// What a publisher makes of this code.
fn failed(code: &str, status: u16) -> Verdict {
    asked(code, status, None)
}

fn asked(code: &str, status: u16, after: Option<Duration>) -> Verdict {
    Verdict::failed(after, Cause::from_code(code, Some(status), "scripted"))
}

fn throttled() -> Verdict {
    failed("ThrottlingException", 400)
}

fn unavailable() -> Verdict {
    failed("ServiceUnavailable", 503)
}

fn denied() -> Verdict {
    failed("AccessDenied", 403)
}

fn poison() -> Verdict {
    failed("InvalidMessageContents", 400)
}

fn too_long() -> Verdict {
    failed("BatchRequestTooLong", 400)
}

fn unheard_of() -> Verdict {
    failed("NeverHeardOf", 400)
}

/// An event of this key; one that is written `KEY#SIZE` is told from others of its key.
fn event(text: &str) -> Event {
    let (key, size) = text.split_once('#').unwrap_or((text, "0"));
    let time = "2026-11-22T07:20:47Z".parse().unwrap();
    Event {
        source: String::new(),
        event_type: EventType::ObjectCreatedPut,
        time,
        bucket: "photos".parse().unwrap(),
        key: key.parse().unwrap(),
        version_id: None,
        size: Some(size.parse().unwrap()),
        etag: None,
        sequencer: Sequencer::from_time(time),
        principal_id: String::new(),
        source_ip: String::new(),
        request_id: String::new(),
        host_id: String::new(),
        trace_id: None,
        details: None,
    }
}

fn record(key: &str) -> NewRecord {
    let rules = vec![Some(format!("rule-{}", key.chars().last().unwrap()).parse().unwrap())];
    let record = Record { event: event(key), rules };
    raw(record.encode())
}

fn raw(body: Vec<u8>) -> NewRecord {
    NewRecord { lanes: vec![QUEUE.into()], body: body.into(), id: None, origin: Origin::Store }
}

fn renderer() -> Renderer {
    Renderer::new(Region::default(), AccountId::default().into(), &payload::Config::default())
}

fn open_journal(directory: &TempDir, config: &journal::Config) -> Journal {
    let config = journal::Config { directory: directory.path().into(), ..config.clone() };
    let (journal, writer, _) = journal::open(&config).unwrap();
    drop(thread::spawn(move || writer.run()));
    journal
}

/// The settings of the tests: waits of a few milliseconds.
fn quick() -> Config {
    let millisecond = Duration::from_millis(1);
    let bounds = Bounds { base: millisecond, throttled: millisecond, cap: 4 * millisecond };
    let backoff = Backoff::new(bounds).unwrap();
    Config { backoff, probe_interval: 4 * millisecond, ..Config::default() }
}

/// A clock that goes as the runtime's does.
fn clock() -> Clock {
    let (wall, began) = (jiff::Timestamp::now(), Instant::now());
    Clock::new(move || wall + began.elapsed())
}

/// A lane of its own journal, which runs beside the test.
struct Bench {
    directory: TempDir,
    journal: Journal,
    stopper: Stopper,
    stop: Stop,
    lane: Option<Lane<Scripted>>,
    publisher: Scripted,
    orders: watch::Sender<Orders>,
    documents: watch::Sender<()>,
    status: watch::Receiver<LaneStatus>,
}

impl Bench {
    async fn new(keys: &[&str], publisher: Scripted, config: Config) -> Self {
        Self::asking(keys, publisher, config, |_| true).await
    }

    /// `wanted` says whether an event of this key is still asked for, by its last character.
    async fn asking(
        keys: &[&str],
        publisher: Scripted,
        config: Config,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let journal = open_journal(&directory, &journal::Config::default());
        append(&journal, keys).await;
        Self::over((directory, journal), publisher, config, wanted).await
    }

    /// The dead letters may hold so much.
    async fn with_dead_letters(limit: ByteSize, keys: &[&str], publisher: Scripted) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = journal::Config { dead_letters_limit: limit, ..journal::Config::default() };
        let journal = open_journal(&directory, &config);
        append(&journal, keys).await;
        Self::over((directory, journal), publisher, quick(), |_| true).await
    }

    async fn over(
        (directory, journal): (TempDir, Journal),
        publisher: Scripted,
        config: Config,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let reader = journal.reader(&QUEUE.into()).await.unwrap();
        let (documents, changes) = watch::channel(());
        let surroundings = Surroundings {
            renderer: Arc::new(renderer()),
            still_wanted: StillWanted::new(move |event, _, _| wanted(event.key.as_str())),
            clock: clock(),
            hub: Hub::default(),
            documents: changes,
        };
        let (orders, ordered) = watch::channel(Orders::default());
        let connection = Connection { publisher: publisher.clone(), form: Form::S3Event, config };
        let destination = QUEUE.parse().unwrap();
        let lane = Lane::new(destination, reader, surroundings, connection, ordered);
        let (stopper, stop) = stopper();
        let status = lane.status();
        Self {
            directory,
            journal,
            stopper,
            stop,
            lane: Some(lane),
            publisher,
            orders,
            documents,
            status,
        }
    }

    /// Runs the lane until the test has seen enough.
    async fn until(&mut self, enough: impl AsyncFnOnce(&Self)) {
        let then_stop = async |bench: &Self| {
            enough(bench).await;
            bench.stopper.request();
        };
        self.beside(then_stop).await;
    }

    /// Runs the lane until the test, which goes on beside it, has stopped it.
    async fn beside(&mut self, test: impl AsyncFnOnce(&Self)) {
        let running = self.lane.take().unwrap().run(self.stop.clone(), mpsc::channel(1).1);
        let both = async { tokio::join!(running, test(self)) };
        timeout(Duration::from_hours(48), both).await.expect("it comes to an end");
    }

    /// Runs the lane until nothing is pending.
    async fn drain(mut self) -> Self {
        self.until(async |bench| bench.wait(|bench| bench.books().pending == 0).await).await;
        self
    }

    /// Waits until something is so.
    async fn wait(&self, is_so: impl Fn(&Self) -> bool) {
        let began = std::time::Instant::now();
        // Paused time goes by in steps, and long waits need not many of them.
        let mut step = Duration::from_millis(1);
        while !is_so(self) {
            let (books, calls) = (self.books(), self.publisher.calls().len());
            let status = self.status.borrow().clone();
            assert!(began.elapsed() < Duration::from_mins(1), "{books:?} {status:?} {calls}");
            sleep(step).await;
            step = (step * 11 / 10).min(Duration::from_millis(20));
        }
    }

    fn books(&self) -> journal::LaneStatus {
        self.journal.lanes().into_iter().next().expect("there is a lane")
    }

    /// The books of the bench's own lane, where there are others.
    fn queue(&self) -> journal::LaneStatus {
        self.journal.lanes().into_iter().find(|lane| *lane.name == *QUEUE).expect("it has a lane")
    }

    /// Delivered, dead, discarded, pending.
    fn counts(&self) -> [u64; 4] {
        let journal::LaneStatus { accepted, delivered, dead, discarded, pending, .. } =
            self.books();
        assert_eq!(accepted, delivered + dead + discarded + pending, "the books agree");
        [delivered, dead, discarded, pending]
    }
}

async fn append(journal: &Journal, keys: &[&str]) {
    if !keys.is_empty() {
        append_all(journal, keys.iter().map(|key| record(key)).collect()).await;
    }
}

/// Waits on a thread of its own: paused time stands still for it, and for no other thread.
async fn append_all(journal: &Journal, records: Vec<NewRecord>) {
    try_append(journal, records).await.unwrap();
}

async fn try_append(journal: &Journal, records: Vec<NewRecord>) -> Result<(), AppendError> {
    let (journal, runtime) = (journal.clone(), tokio::runtime::Handle::current());
    let appended = move || runtime.block_on(journal.append(records)).map(drop);
    tokio::task::spawn_blocking(appended).await.unwrap()
}

/// So many keys, each another.
fn keys(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("key-{n:05}")).collect()
}

fn texts(keys: &[String]) -> Vec<&str> {
    keys.iter().map(String::as_str).collect()
}

/// The destinations that rules name.
fn named(destinations: &[&str]) -> HashMap<Arc<str>, crate::model::Destination> {
    destinations.iter().map(|arn| ((*arn).into(), arn.parse().unwrap())).collect()
}
