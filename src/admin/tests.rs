//! What the admin port answers about dead letters and replays, over a real journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    thread,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::{JoinSet, spawn_blocking};
use ureq::Agent;

use super::{
    AllBuckets, Balance, Bucket, BucketRules, Config, Documents, Health, InForce, Refusal, Rule,
    Server, Sources, Status, Strays, routes, server::OPENAPI,
};
use crate::{
    deliver::{self, Payload, Remains},
    ingest::{Acceptor, Quarantine},
    journal::{self, Aside, Burial, Journal, NewRecord, Origin},
    model::{BucketName, Event, EventType, Record, Sequencer},
    replay,
    route::Shared,
    serve::Port,
    stop::{Stopper, stopper},
    tail::Hub,
};

const THUMBS: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";
const AUDIT: &str = "arn:aws:sns:us-east-1:123456789012:audit";

/// A journal, and the port in front of it.
struct Desk {
    journal: Journal,
    address: SocketAddr,
    _stopper: Stopper,
    _stages: JoinSet<()>,
    _directory: TempDir,
}

impl Desk {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = journal::Config { directory: directory.path().into(), ..Default::default() };
        let (journal, writer, _) = journal::open(&config).unwrap();
        thread::spawn(|| writer.run());
        let (stopper, stop) = stopper();
        let (replays, runner) =
            replay::open(directory.path(), journal.clone(), Shared::default(), |_| false).unwrap();
        let health =
            || Health { ready: true, journal: None, documents: 0, broken_documents: vec![] };
        let sources = Sources {
            health: Box::new(health),
            metrics: Box::new(String::new),
            explain: Box::new(|_| Box::pin(async { Err(Refusal::unavailable("nobody")) })),
            status: Box::new(status),
            destinations: Box::new(Vec::new),
            buckets: Box::new(buckets),
            rules: Box::new(|bucket| Box::pin(async move { Ok(rules(bucket.as_str())) })),
            dead_letters: deliver::DeadLetters::new(journal.clone()),
            quarantine: Quarantine::new(
                journal.clone(),
                Acceptor::new(Shared::default(), journal.clone()),
            ),
            replays,
            hub: Hub::default(),
        };
        let server =
            Server::bind(Port::new("127.0.0.1:0".parse().unwrap()), sources).await.unwrap();
        let guard = server.guard(&Config::default(), None).unwrap();
        let address = server.address().unwrap();
        let mut stages = JoinSet::new();
        let stopping = stop.clone();
        stages.spawn(async { runner.run(stopping).await.unwrap() });
        stages.spawn(async { server.run(guard, None, stop).await.unwrap() });
        Self { journal, address, _stopper: stopper, _stages: stages, _directory: directory }
    }

    /// Gives up on an event of each of these keys.
    async fn bury(&self, lane: &str, keys: &[&str]) {
        let name: Arc<str> = lane.into();
        let mut reader = self.journal.reader(&name).await.unwrap();
        let records = keys.iter().map(|key| NewRecord {
            lanes: vec![Arc::clone(&name)],
            body: record(key).encode().into(),
            id: None,
            origin: Origin::Store,
        });
        self.journal.append(records.collect()).await.unwrap();
        let fetched = reader.fetch(keys.len(), usize::MAX).await.unwrap();
        let burials = fetched.into_iter().zip(keys).map(|(fetched, key)| {
            let payload = Payload { subject: "S".into(), body: format!("{{\"key\":\"{key}\"}}") };
            let remains = Remains { record: fetched.body, payload: Some(payload) };
            let (summary, body) = (letter(lane, key).encode(), remains.encode());
            Burial { position: fetched.position, summary, body }
        });
        reader.bury(burials.collect()).await.unwrap();
    }

    async fn pending(&self, lane: &str) -> usize {
        let name: Arc<str> = lane.into();
        let mut reader = self.journal.reader(&name).await.unwrap();
        reader.fetch(1000, usize::MAX).await.unwrap().len()
    }

    async fn ask(&self, method: &'static str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let asked = spawn_blocking(move || {
            let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
            let mut answer = match (method, body) {
                ("GET", _) => agent.get(url).call(),
                ("DELETE", _) => agent.delete(url).call(),
                (_, Some(body)) => agent.post(url).send_json(body),
                (_, None) => agent.post(url).send("{}"),
            }
            .unwrap();
            (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
        });
        asked.await.unwrap()
    }

    /// The methods that a path takes, as its answer to another one says.
    async fn allowed(&self, path: &str) -> BTreeSet<String> {
        let url = format!("http://{}{path}", self.address);
        let asked = spawn_blocking(move || {
            let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
            let answer = agent.patch(url).send_empty().unwrap();
            assert_eq!(answer.status(), 405);
            answer.headers()["allow"].to_str().unwrap().to_lowercase()
        });
        asked.await.unwrap().split(',').map(str::to_owned).collect()
    }

    /// Sets bodies aside.
    async fn set_aside(&self, bodies: &[&[u8]]) {
        let aside = |body: &&[u8]| Aside { reason: "no event".into(), body: body.to_vec().into() };
        self.journal.quarantine(bodies.iter().map(aside).collect()).await.unwrap();
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, Some(body)).await
    }
}

fn status() -> Status {
    Status {
        version: "1.2.3".into(),
        started: Timestamp::UNIX_EPOCH,
        time: Timestamp::UNIX_EPOCH,
        ready: true,
        journal: super::Journal { bytes: 1, bytes_limit: 2, ..super::Journal::default() },
        documents: Documents::default(),
        config: InForce { generation: 1, applied: Timestamp::UNIX_EPOCH, reload_problem: None },
        destinations: Vec::new(),
        buckets: Vec::new(),
        all_buckets: AllBuckets::default(),
        strays: Strays::default(),
        books: Balance::default(),
    }
}

/// Buckets of these names, the first with an event.
fn buckets(after: Option<&BucketName>, limit: usize) -> Vec<Bucket> {
    let names = ["alpha", "bravo", "charlie"];
    let names = names.into_iter().filter(|name| after.is_none_or(|after| after.as_str() < *name));
    let bucket = |name: &str| Bucket { bucket: name.into(), rules: 1, events: 2, matched: 1 };
    names.take(limit).map(bucket).collect()
}

fn rules(bucket: &str) -> Option<BucketRules> {
    (bucket == "alpha").then(|| BucketRules {
        bucket: bucket.into(),
        problem: None,
        events: 2,
        matched: 1,
        rules: vec![Rule {
            id: None,
            destination: THUMBS.into(),
            events: vec!["s3:ObjectCreated:*".into()],
            filter: "every object".into(),
            matched: 1,
        }],
    })
}

fn record(key: &str) -> Record {
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
    Record { event, rules: vec![Some("rule".parse().unwrap())] }
}

fn letter(lane: &str, key: &str) -> deliver::DeadLetter {
    deliver::DeadLetter {
        destination: lane.into(),
        bucket: Some("photos".into()),
        key: Some(key.into()),
        event_type: Some("ObjectCreated:Put".into()),
        event_id: None,
        rule_id: Some("rule".into()),
        given_up: Some(deliver::GivenUp::Refused),
        class: "poison".into(),
        code: if key.contains("bad") { "InvalidMessageContents" } else { "TooOld" }.into(),
        message: "no".into(),
        attempts: 1,
        accepted: Timestamp::UNIX_EPOCH,
        first_failure: None,
        last_failure: None,
        bytes: 2,
    }
}

fn keys(page: &Value) -> Vec<&str> {
    let letters = page["dead_letters"].as_array().unwrap();
    letters.iter().map(|letter| letter["key"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_by_what_is_asked() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/dead-letters").await, (200, json!({ "dead_letters": [] })));
    desk.bury(THUMBS, &["a/bad", "a/old", "b/bad"]).await;
    desk.bury(AUDIT, &["a/bad"]).await;
    for (query, expected) in [
        ("", &["a/bad", "a/bad", "a/old", "b/bad"][..]),
        ("destination=arn:aws:sqs:*", &["a/bad", "a/old", "b/bad"]),
        ("destination=arn:aws:sns:us-east-1:123456789012:audit", &["a/bad"]),
        ("destination=arn:aws:sns:us-east-1:123456789012:audi", &[]),
        ("code=TooOld", &["a/old"]),
        ("prefix=b%2F&bucket=photos", &["b/bad"]),
        ("bucket=music", &[]),
        ("until=2026-01-01T00:00:00Z", &[]),
        ("since=2026-01-01T00:00:00Z&code=InvalidMessageContents&prefix=a", &["a/bad", "a/bad"]),
    ] {
        let (status, page) = desk.get(&format!("/dead-letters?{query}")).await;
        assert_eq!((status, keys(&page)), (200, expected.to_vec()), "{query}");
        assert_eq!(page["after"], Value::Null);
    }
    let (_, first) = desk.get("/dead-letters?limit=3").await;
    let after = first["after"].as_str().unwrap().replace('#', "%23");
    let (_, rest) = desk.get(&format!("/dead-letters?limit=3&after={after}")).await;
    assert_eq!((keys(&first).len(), keys(&rest), &rest["after"]), (3, vec!["b/bad"], &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_letter_is_shown_with_its_payload() {
    let desk = Desk::open().await;
    desk.bury(THUMBS, &["a/bad"]).await;
    let (_, page) = desk.get("/dead-letters").await;
    let id = page["dead_letters"][0]["id"].as_str().unwrap();
    assert!(page["dead_letters"][0].get("payload").is_none());
    let (status, shown) = desk.get(&format!("/dead-letters/{}", id.replace('#', "%23"))).await;
    let payload = json!({ "subject": "S", "body": "{\"key\":\"a/bad\"}" });
    assert_eq!((status, &shown["payload"], &shown["rule_id"]), (200, &payload, &json!("rule")));

    let (status, told) = desk.get("/dead-letters/x%2399").await;
    assert_eq!(status, 404);
    assert!(told["problem"].as_str().unwrap().starts_with("there is no dead letter `x#99`"));
    let (status, told) = desk.get("/dead-letters/x").await;
    assert_eq!((status, &told["parameter"]), (400, &json!("id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_redriven_batch_by_batch() {
    let desk = Desk::open().await;
    desk.bury(THUMBS, &["1", "2", "3", "4", "5"]).await;
    let all = json!({ "filter": { "destination": "*" }, "limit": 2, "dry_run": true });
    let (status, counted) = desk.post("/dead-letters/redrive", all).await;
    assert_eq!((status, &counted["matched"], &counted["done"]), (200, &json!(2), &json!(0)));
    assert!(counted["next"]["filter"]["until"].is_string(), "{counted}");
    assert_eq!(desk.pending(THUMBS).await, 0);

    let mut next = json!({ "filter": { "destination": "*" }, "limit": 2 });
    let mut batches = Vec::new();
    while !next.is_null() {
        let (_, mut done) = desk.post("/dead-letters/redrive", next).await;
        batches.push(done["done"].clone());
        next = done["next"].take();
    }
    assert_eq!(batches, [2, 2, 1]);
    assert_eq!(desk.pending(THUMBS).await, 5);
    assert_eq!(desk.get("/dead-letters").await.1, json!({ "dead_letters": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_is_purged_and_nothing_else() {
    let desk = Desk::open().await;
    desk.bury(THUMBS, &["1", "2", "3"]).await;
    let (_, page) = desk.get("/dead-letters").await;
    let id = &page["dead_letters"][1]["id"];
    let named = json!({ "ids": [id, id, format!("{THUMBS}#999")] });
    let (status, done) = desk.post("/dead-letters/purge", named).await;
    assert_eq!((status, done), (200, json!({ "matched": 1, "done": 1 })));
    assert_eq!(keys(&desk.get("/dead-letters").await.1), ["1", "3"]);
    let lanes = desk.journal.lanes();
    assert_eq!((lanes[0].dead, lanes[0].discarded, lanes[0].pending), (2, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_one_object_that_reads_back() {
    let desk = Desk::open().await;
    let (answered, said) = desk.get("/status").await;
    assert_eq!((answered, &said["started"]), (200, &json!("1970-01-01T00:00:00Z")));
    assert_eq!(serde_json::from_value::<Status>(said).unwrap(), status());
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_listed_page_by_page_and_shown_with_their_rules() {
    let desk = Desk::open().await;
    let (_, all) = desk.get("/buckets").await;
    assert_eq!(all["buckets"].as_array().unwrap().len(), 3);
    assert_eq!(all["after"], Value::Null);
    let (_, exactly) = desk.get("/buckets?limit=3").await;
    assert_eq!(exactly["after"], Value::Null, "there is no empty page");
    let (_, first) = desk.get("/buckets?limit=2").await;
    assert_eq!((first["buckets"].as_array().unwrap().len(), &first["after"]), (2, &json!("bravo")));
    let (_, rest) = desk.get("/buckets?limit=2&after=bravo").await;
    let charlie = json!({ "bucket": "charlie", "rules": 1, "events": 2, "matched": 1 });
    assert_eq!(rest, json!({ "buckets": [charlie] }));

    let (status, shown) = desk.get("/buckets/alpha").await;
    assert_eq!((status, &shown["rules"][0]["filter"]), (200, &json!("every object")));
    let (status, told) = desk.get("/buckets/delta").await;
    assert_eq!(status, 404);
    let words = "bucket delta has no notification document; nobody wants its events";
    assert_eq!(told["problem"], words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_told_in_words() {
    let desk = Desk::open().await;
    for (path, status, told) in [
        ("/dead-letters?colour=red", 400, "is unknown; ask by destination, bucket, prefix, code"),
        ("/dead-letters?limit=0", 400, "is not from 1 to 1000"),
        ("/dead-letters?limit=1001", 400, "is not from 1 to 1000"),
        ("/buckets?limit=1001", 400, "is not from 1 to 1000"),
        ("/buckets?after=a%2Fb", 400, "is no bucket name"),
        ("/buckets/a%2Fb", 400, "is no bucket name"),
        ("/dead-letters?since=yesterday", 400, "`yesterday` is no time such as"),
        ("/dead-letters?bucket=a%2Fb", 400, "is no bucket name"),
        ("/dead-letters?after=x", 400, "is not a destination, `#` and a number"),
        ("/quarantine?colour=red", 400, "is unknown; ask by after, limit"),
        ("/quarantine?limit=0", 400, "is not from 1 to 1000"),
        ("/quarantine?after=x", 400, "invalid digit"),
        ("/replays/x", 400, "`x` is no number of a replay"),
        ("/replays/7", 404, "there is no replay 7"),
        ("/nowhere", 404, "there is nothing at this path"),
        ("/dead-letters/redrive", 405, "this path takes another method"),
    ] {
        let (answered, problem) = desk.get(path).await;
        assert_eq!(answered, status, "{path}: {problem}");
        assert!(problem["problem"].as_str().unwrap().contains(told), "{path}: {problem}");
    }
    let long = "x".repeat(2049);
    for path in ["dead-letters?destination=", "dead-letters?prefix=", "explain?key="] {
        let (status, problem) = desk.get(&format!("/{path}{long}")).await;
        assert_eq!(status, 400);
        assert_eq!(problem["problem"], "has more than 2048 characters", "{path}");
    }
    let since = "2026-01-01T00:00:00Z";
    for (path, body, told) in [
        ("/dead-letters/purge", json!({ "filter": { "code": long } }), "has more than 2048"),
        ("/dead-letters/purge", json!({ "filter": { "destination": long } }), "has more than 2048"),
        ("/replays", json!({ "since": since, "prefix": long }), "has more than 2048 characters"),
        ("/dead-letters/purge", json!({ "filter": [] }), "expected a JSON object"),
        ("/dead-letters/purge", json!({ "filter": {}, "ids": null }), "invalid type: null"),
        ("/dead-letters/purge", json!([]), "expected a JSON object"),
        ("/quarantine/purge", json!({}), "say `ids`, or `all`"),
        ("/quarantine/purge", json!({ "all": true, "ids": [] }), "say `ids`, or `all`"),
        ("/quarantine/retry", json!({ "ids": ["x"] }), "expected a whole number"),
        ("/quarantine/retry", json!({ "all": true, "limit": 0 }), "is not from 1 to 1000"),
        ("/quarantine/retry", json!({ "ids": vec![1; 1001] }), "has more than 1000 entries"),
        ("/dead-letters/purge", json!({}), "say `ids`, or a `filter`"),
        ("/dead-letters/purge", json!({ "ids": [], "filter": {} }), "say `ids`, or a `filter`"),
        ("/dead-letters/purge", json!({ "filter": { "color": 1 } }), "unknown field `color`"),
        ("/dead-letters/redrive", json!({ "ids": ["x"] }), "is not a destination, `#`"),
        ("/replays", json!({}), "missing field `since`"),
        ("/replays", json!({ "since": "2026-01-01T00:00:00Z", "rate": 0 }), "would be zero"),
        ("/replays", json!({ "since": "2026-01-01T00:00:00Z", "destination": "x" }), "ARN"),
        ("/replays", json!({ "since": "2999-01-01T00:00:00Z" }), "there is nothing between since"),
    ] {
        let (status, problem) = desk.post(path, body).await;
        assert_eq!(status, 400, "{path}: {problem}");
        assert!(problem["problem"].as_str().unwrap().contains(told), "{path}: {problem}");
    }
    for path in ["/dead-letters/redrive", "/dead-letters/purge", "/quarantine/retry", "/replays"] {
        let (status, problem) = desk.ask("POST", path, None).await;
        assert_eq!(status, 415);
        assert!(problem["problem"].as_str().unwrap().contains("application/json"), "{problem}");
    }
    let large = json!({ "ids": ["x".repeat(1 << 20)] });
    assert_eq!(desk.post("/dead-letters/purge", large).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quarantine_is_listed_by_pages_and_shown_with_its_bodies() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/quarantine").await, (200, json!({ "rows": [] })));
    desk.set_aside(&[b"{\"a\":1}", b"[2]", b"\xFF\xFE"]).await;
    let ids = |page: &Value| -> Vec<u64> {
        page["rows"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
    };
    let (_, all) = desk.get("/quarantine").await;
    assert_eq!((ids(&all), &all["after"]), (vec![1, 2, 3], &Value::Null));
    let row = &all["rows"][0];
    assert_eq!(
        (&row["reason"], &row["bytes"], row.get("text")),
        (&json!("no event"), &json!(7), None)
    );
    let (_, first) = desk.get("/quarantine?limit=2").await;
    assert_eq!((ids(&first), &first["after"]), (vec![1, 2], &json!(2)));
    let (_, last) = desk.get("/quarantine?limit=2&after=2").await;
    assert_eq!((ids(&last), &last["after"]), (vec![3], &Value::Null));

    let (status, shown) = desk.get("/quarantine/1").await;
    assert_eq!((status, &shown["text"], shown.get("base64")), (200, &json!("{\"a\":1}"), None));
    let (_, shown) = desk.get("/quarantine/3").await;
    assert_eq!((&shown["base64"], shown.get("text")), (&json!("//4="), None));
    for path in ["/quarantine/%FF", "/buckets/%FF", "/replays/%FF", "/dead-letters/%FF"] {
        let (status, said) = desk.get(path).await;
        assert_eq!((status, &said["problem"]), (400, &json!("the path does not decode to UTF-8")));
    }
    for (id, status) in [("4", 404), ("0", 404), ("x", 400), ("-1", 400)] {
        assert_eq!(desk.get(&format!("/quarantine/{id}")).await.0, status, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_quarantine_is_retried_and_purged_batch_by_batch() {
    let desk = Desk::open().await;
    let known = br#"{"eventName":"s3:ObjectAccessed:Get"}"#;
    desk.set_aside(&[known, b"[2]", known, known, b"[5]"]).await;
    let (_, counted) =
        desk.post("/quarantine/retry", json!({ "all": true, "dry_run": true })).await;
    assert_eq!(counted, json!({ "matched": 5, "done": 0, "accepted": 0 }));
    let (_, named) = desk.post("/quarantine/retry", json!({ "ids": [1, 1, 2, 9] })).await;
    assert_eq!(named, json!({ "matched": 2, "done": 1, "accepted": 0 }));
    let (_, first) = desk.post("/quarantine/retry", json!({ "all": true, "limit": 2 })).await;
    let next = json!({ "all": true, "after": 3, "limit": 2 });
    assert_eq!(first, json!({ "matched": 2, "done": 1, "accepted": 0, "next": next }));
    let (_, last) = desk.post("/quarantine/retry", next).await;
    assert_eq!(last, json!({ "matched": 2, "done": 1, "accepted": 0 }));
    let (_, purged) = desk.post("/quarantine/purge", json!({ "ids": [2, 4] })).await;
    assert_eq!(purged, json!({ "matched": 1, "done": 1 }));
    let (_, purged) = desk.post("/quarantine/purge", json!({ "all": true })).await;
    assert_eq!(purged, json!({ "matched": 1, "done": 1 }));
    assert_eq!(desk.get("/quarantine").await.1, json!({ "rows": [] }));
}

/// The paths of `docs/openapi.yaml` and their methods, by how far its lines are indented.
fn described() -> BTreeMap<&'static str, BTreeSet<String>> {
    let (_, paths) = OPENAPI.split_once("\npaths:\n").unwrap();
    let (paths, _) = paths.split_once("\ncomponents:\n").unwrap();
    let (mut described, mut path) = (BTreeMap::new(), "");
    for line in paths.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':')) {
        match line.strip_prefix("  ") {
            None => path = line,
            Some(method @ ("get" | "post" | "put" | "delete" | "patch")) => {
                let methods: &mut BTreeSet<String> = described.entry(path).or_default();
                methods.insert(method.to_owned());
            }
            Some(_) => {}
        }
    }
    described
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_what_is_described() {
    let desk = Desk::open().await;
    let mut served = BTreeMap::new();
    for (path, _) in routes::all() {
        let mut methods = desk.allowed(&path.replace("{id}", "1")).await;
        // Wherever there is GET, there is HEAD.
        methods.remove("head");
        served.insert(path, methods);
    }
    assert_eq!(served, described());
    let version = format!("\n  version: {}\n", env!("CARGO_PKG_VERSION"));
    assert!(OPENAPI.contains(&version), "the description is of this version");
}
