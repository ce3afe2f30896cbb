//! A lane against a scripted destination, on a real journal.

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{Backoff, Config, Lane, Lanes};
use crate::{
    journal::{self, Journal, NewRecord, Origin},
    model::{AccountId, Destination, Event, EventType, Message, Record, Region, Sequencer},
    payload::{self, Form, Renderer},
    publish::{Cause, Limits, Publish, Verdict},
    stop::{Stop, Stopper, stopper},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";

/// Answers by a script, then delivers everything; remembers which events each request held.
#[derive(Clone, Debug, Default)]
struct Scripted {
    script: Arc<Mutex<VecDeque<Vec<Verdict>>>>,
    calls: Arc<Mutex<Vec<Vec<String>>>>,
    called: Arc<Notify>,
    /// How many requests were on the wire when each call began, itself included.
    on_the_wire: Arc<Mutex<Vec<usize>>>,
    now_on_the_wire: Arc<AtomicUsize>,
    /// Refuses every request that holds this key, until it came alone the second time.
    spoiler: Option<&'static str>,
    /// Answers only when told to.
    answer: Option<Arc<Notify>>,
}

impl Scripted {
    fn answering(script: impl IntoIterator<Item = Vec<Verdict>>) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Self { script, ..Self::default() }
    }

    fn hanging() -> Self {
        Self { answer: Some(Arc::default()), ..Self::default() }
    }

    fn spoiled_by(key: &'static str) -> Self {
        Self { spoiler: Some(key), ..Self::default() }
    }

    fn is_spoiled(&self, keys: &[String]) -> bool {
        let Some(spoiler) = self.spoiler else { return false };
        let alone = self.calls().iter().filter(|keys| **keys == [spoiler]).count();
        keys.iter().any(|key| key == spoiler) && alone < 2
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().clone()
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
        self.calls.lock().unwrap().push(keys.clone());
        let on_the_wire = self.now_on_the_wire.fetch_add(1, Relaxed) + 1;
        self.on_the_wire.lock().unwrap().push(on_the_wire);
        self.called.notify_one();
        tokio::task::yield_now().await;
        self.now_on_the_wire.fetch_sub(1, Relaxed);
        if let Some(answer) = &self.answer {
            answer.notified().await;
        }
        if self.is_spoiled(&keys) {
            return vec![failed("InvalidParameterValue", 400); batch.len()];
        }
        let scripted = self.script.lock().unwrap().pop_front();
        let mut verdicts = scripted.unwrap_or_default();
        verdicts.resize(batch.len(), Verdict::Delivered);
        verdicts
    }
}

fn key_of(message: &Message) -> String {
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    body["Records"][0]["s3"]["object"]["key"].as_str().unwrap().to_owned()
}

fn failed(code: &str, status: u16) -> Verdict {
    Verdict::failed(None, Cause::from_code(code, Some(status), "scripted"))
}

fn record(key: &str) -> NewRecord {
    let time = "2026-11-22T07:20:47Z".parse().unwrap();
    let event = Event {
        source: String::new(),
        event_type: EventType::ObjectCreatedPut,
        time,
        bucket: "photos".parse().unwrap(),
        key: key.parse().unwrap(),
        version_id: None,
        size: Some(1),
        etag: None,
        sequencer: Sequencer::from_time(time),
        principal_id: String::new(),
        source_ip: String::new(),
        request_id: String::new(),
        host_id: String::new(),
        trace_id: None,
        details: None,
    };
    let rules = vec![Some("rule".parse().unwrap())];
    NewRecord {
        lanes: vec![QUEUE.into()],
        body: Record { event, rules }.encode().into(),
        id: None,
        origin: Origin::Store,
    }
}

/// A lane over a journal that holds these keys.
struct Bench {
    journal: Journal,
    lane: Lane<Scripted>,
    stopper: Stopper,
    stop: Stop,
}

fn renderer() -> Renderer {
    Renderer::new(Region::default(), AccountId::default().into(), &payload::Config::default())
}

async fn bench(directory: &Path, keys: &[&str], publisher: Scripted) -> Bench {
    let config = journal::Config { directory: directory.into(), ..journal::Config::default() };
    let (journal, writer, _) = journal::open(&config).unwrap();
    drop(thread::spawn(move || writer.run()));
    if !keys.is_empty() {
        journal.append(keys.iter().map(|key| record(key)).collect()).await.unwrap();
    }
    let reader = journal.reader(&QUEUE.into()).await.unwrap();
    let renderer = Arc::new(renderer());
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(4)).unwrap();
    let config = Config { backoff, ..Config::default() };
    let lane = Lane::new(QUEUE.into(), reader, (renderer, Form::S3Event), publisher, &config);
    let (stopper, stop) = stopper();
    Bench { journal, lane, stopper, stop }
}

/// Runs the lane until nothing is pending, and answers the keys of each request.
async fn calls_for(keys: &[&str], publisher: Scripted) -> Vec<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let Bench { journal, lane, stopper, stop } =
        bench(directory.path(), keys, publisher.clone()).await;
    let drained = async {
        while journal.lanes().iter().any(|lane| lane.pending > 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stopper.request();
    };
    let both = async { tokio::join!(lane.run(stop), drained) };
    let (ended, ()) =
        timeout(Duration::from_secs(20), both).await.expect("everything is delivered");
    ended.unwrap();
    publisher.calls()
}

#[tokio::test]
async fn what_is_ready_goes_in_requests_of_ten() {
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let calls = calls_for(&keys, Scripted::default()).await;
    assert_eq!(calls, [keys[..10].to_vec(), keys[10..].to_vec()]);
}

#[tokio::test]
async fn only_the_throttled_part_of_a_batch_is_sent_again() {
    let publisher = Scripted::answering([vec![Verdict::Delivered, failed("Throttled", 400)]]);
    assert_eq!(calls_for(&["a", "b"], publisher).await, [vec!["a", "b"], vec!["b"]]);
}

#[tokio::test]
async fn a_dead_destination_is_probed_by_one_smaller_request_at_a_time() {
    let down = || vec![failed("ServiceUnavailable", 503); 10];
    let publisher = Scripted::answering([down(), down(), down()]);
    let sizes: Vec<_> =
        calls_for(&["a", "b", "c", "d", "e", "f"], publisher).await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [6, 5, 2, 1, 2, 2, 1]);
}

#[tokio::test]
async fn a_message_that_spoils_its_batch_ends_up_alone_and_holds_nothing_back() {
    let calls = calls_for(&["a", "b", "c"], Scripted::spoiled_by("b")).await;
    let place = |key: &str| calls.iter().rposition(|call| call.iter().any(|sent| sent == key));
    assert_eq!(calls.last().unwrap(), &["b"], "{calls:?}");
    assert!(place("a") < place("b") && place("c") < place("b"), "{calls:?}");
}

#[tokio::test]
async fn what_was_throttled_beside_deliveries_is_sent_again_at_once_and_in_order() {
    let answer = vec![Verdict::Delivered, failed("Throttled", 400), failed("Throttled", 400)];
    let calls = calls_for(&["a", "b", "c"], Scripted::answering([answer])).await;
    assert_eq!(calls, [vec!["a", "b", "c"], vec!["b", "c"]]);
}

/// A proxy in front of the destination answers 404 to everything: no message is at fault.
#[tokio::test]
async fn refusals_in_a_row_slow_the_lane_down() {
    let keys: Vec<String> = (0..40).map(|n| format!("key-{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let refusals = (0..60).map(|_| vec![failed("Http404", 404); 10]);
    let publisher = Scripted::answering(refusals);
    let calls = calls_for(&keys, publisher.clone()).await;
    let refused = calls.get(8..60).unwrap();
    assert!(refused.iter().all(|call| call.len() == 1), "the requests have shrunk: {calls:?}");
    // The first four requests were on the wire together; then it is one at a time.
    assert_eq!(*publisher.on_the_wire.lock().unwrap().get(8..60).unwrap(), [1; 52]);
}

#[tokio::test]
async fn a_stop_interrupts_a_wait() {
    let directory = tempfile::tempdir().unwrap();
    let publisher = Scripted::default();
    let Bench { lane, stopper, stop, .. } = bench(directory.path(), &[], publisher.clone()).await;
    stopper.request();
    timeout(Duration::from_secs(5), lane.run(stop)).await.expect("it ends").unwrap();
    assert_eq!(publisher.calls().len(), 0);
}

#[tokio::test]
async fn a_stop_lets_the_attempt_on_the_wire_finish() {
    let directory = tempfile::tempdir().unwrap();
    let publisher = Scripted::hanging();
    let Bench { journal, lane, stopper, stop } =
        bench(directory.path(), &["a"], publisher.clone()).await;
    let running = tokio::join!(lane.run(stop), async {
        publisher.called.notified().await;
        stopper.request();
        // The request is answered after the stop was asked for.
        publisher.answer.as_ref().unwrap().notify_one();
    });
    running.0.unwrap();
    let reader = async {
        while journal.lanes().iter().any(|lane| lane.pending > 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(5), reader).await.expect("the answer was acknowledged");
}

#[tokio::test]
async fn the_end_of_the_grace_interrupts_an_attempt() {
    let directory = tempfile::tempdir().unwrap();
    let publisher = Scripted::hanging();
    let Bench { journal, lane, stopper, stop } =
        bench(directory.path(), &["a"], publisher.clone()).await;
    let both = async {
        tokio::join!(lane.run(stop), async {
            publisher.called.notified().await;
            stopper.request();
            stopper.expire();
        })
    };
    timeout(Duration::from_secs(5), both).await.expect("it ends").0.unwrap();
    assert_eq!(journal.lanes()[0].pending, 1, "it stays pending");
}

/// The rule was put and removed again while the lanes looked elsewhere.
#[tokio::test(start_paused = true)]
async fn events_for_a_destination_that_was_named_for_a_moment_are_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let Bench { journal, stopper, stop, .. } =
        bench(directory.path(), &[], Scripted::default()).await;
    let publisher = Scripted::default();
    let connect = |_: &Destination| (publisher.clone(), Form::S3Event);
    let lanes = Lanes::new(journal.clone(), renderer(), connect, Config::default());
    let (_destinations, wanted) = watch::channel(HashMap::new());
    let late = async {
        // After the lanes looked the first time.
        tokio::time::sleep(Duration::from_secs(1)).await;
        journal.append(vec![record("late")]).await.unwrap();
        while journal.lanes().iter().any(|lane| lane.pending > 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stopper.request();
    };
    let both = async { tokio::join!(lanes.run(wanted, stop), late) };
    let (ended, ()) = timeout(Duration::from_hours(1), both).await.expect("it is delivered");
    ended.unwrap();
    assert_eq!(publisher.calls(), [["late"]]);
}
