//! Who watches sees what happens, and holds nothing up.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::harness::{
    Daemon, FANFARE, Fault, Home, Process, SOON, Script, Sink, command, minio, rule, rules, until,
};

const ONE: &str = "arn:aws:sqs:us-east-1:123456789012:one";
const TWO: &str = "arn:aws:sqs:us-east-1:123456789012:two";
const CREATED: &[&str] = &["s3:ObjectCreated:*"];
/// Far below the grace of the settings, far above what a stop costs.
const QUICKLY: Duration = Duration::from_secs(5);

/// A `fanfare tail` that watches.
struct Tail<'home> {
    home: &'home Home,
    process: Process,
}

impl<'home> Tail<'home> {
    fn start(home: &'home Home, arguments: &[&str]) -> Self {
        let file = |name: &str| File::create(home.path(name)).expect("the home is writable");
        let process = Process::start(FANFARE, |command| {
            command.arg("tail").args(arguments).args(["--admin", &home.url("admin")]);
            command.stdout(file("seen")).stderr(file("said"));
        });
        let tail = Self { home, process };
        until("the tail watches", SOON, || tail.said().contains("watching").then_some(()));
        tail
    }

    fn said(&self) -> String {
        fs::read_to_string(self.home.path("said")).expect("it is there")
    }

    /// What it has printed, once that holds this.
    #[track_caller]
    fn seen(&self, wanted: &str) -> Vec<String> {
        let lines = || fs::read_to_string(self.home.path("seen")).expect("it is there");
        let seen = until(wanted, SOON, || Some(lines()).filter(|seen| seen.contains(wanted)));
        seen.lines().map(str::to_owned).collect()
    }
}

fn sending_to(sink: &Sink) -> Home {
    let home = Home::sending_to(sink).set("rules", "overlap", "allow");
    home.document("photos", &rules(&[rule("all", ONE, CREATED), rule("too", TWO, CREATED)]));
    home
}

/// The line without its time.
fn untimed(line: &str) -> &str {
    line.split_once("Z ").expect("a line begins with a time").1
}

#[test]
fn an_event_is_seen_as_it_is_matched_and_delivered() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = sending_to(&sink);
    let daemon = home.start();
    let tail = Tail::start(&home, &[]);
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a b\u{1b}[2J"));
    daemon.accepts(&minio("ObjectCreated:Put", "videos", "x"));
    daemon.post(b"{\"hello\":1}", &[]);
    let photo = "ObjectCreated:Put photos/a b\\u{1b}[2J";
    tail.seen("→ sqs:one (all)\n");
    tail.seen("quarantined");
    tail.seen(&format!("delivered   {photo} → sqs:one (all)\n"));
    let seen = tail.seen(&format!("delivered   {photo} → sqs:two (too)\n"));
    for expected in [
        format!("matched     {photo} → sqs:one (all)"),
        format!("matched     {photo} → sqs:two (too)"),
        "unmatched   ObjectCreated:Put videos/x".to_owned(),
        "quarantined: the document has no `Records`".to_owned(),
    ] {
        assert!(seen.iter().any(|line| untimed(line) == expected), "{expected}: {seen:?}");
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
    tail.process.signal("INT");
    assert_eq!(tail.process.wait(SOON).code(), Some(0), "Ctrl-C is no failure");
}

#[test]
fn what_fails_and_what_is_given_up_is_seen_with_the_words_of_the_service() {
    let sink = Sink::bind(0).expect("loopback has a port");
    sink.one("one", Script::always(Fault::Missing));
    sink.one("two", Script::poisoned(|_| true));
    let home = sending_to(&sink);
    let daemon = home.start();
    let tail = Tail::start(&home, &["--json"]);
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    tail.seen("\"stage\":\"dead\"");
    let seen = tail.seen("NonExistentQueue");
    let seen: Vec<Value> =
        seen.iter().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let find = |stage: &str, arn: &str| {
        let found = seen.iter().find(|line| line["stage"] == stage && line["destination"] == arn);
        found.expect("it was seen")
    };
    let failed = find("failed", ONE);
    assert_eq!(failed["class"], "broken", "{failed}");
    assert!(failed["message"].as_str().is_some_and(|words| !words.is_empty()), "{failed}");
    assert_eq!([&failed["bucket"], &failed["key"], &failed["rule"]], ["photos", "a", "all"]);
    let dead = find("dead", TWO);
    assert_eq!((&dead["class"], &dead["event"]), (&"poison".into(), &"ObjectCreated:Put".into()));
    let matched = find("matched", ONE);
    assert_eq!(matched["event_id"], failed["event_id"]);
}

#[test]
fn only_what_is_asked_for_is_seen() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = sending_to(&sink);
    home.document("films", &rules(&[rule("all", ONE, CREATED)]));
    let daemon = home.start();
    let filter = ["--bucket", "photos", "--prefix", "a/", "--destination", "*:one"];
    let tail = Tail::start(&home, &filter);
    for (bucket, key) in [("photos", "b/1"), ("films", "a/1"), ("videos", "a/1"), ("photos", "a/1")]
    {
        daemon.accepts(&minio("ObjectCreated:Put", bucket, key));
    }
    let seen = tail.seen("delivered");
    let seen: Vec<_> = seen.iter().map(|line| untimed(line)).collect();
    let about = "ObjectCreated:Put photos/a/1 → sqs:one (all)";
    assert_eq!(seen, [format!("matched     {about}"), format!("delivered   {about}")]);
}

#[test]
fn a_closed_pipe_ends_it_without_a_word() {
    let home = Home::without_aws();
    let daemon = home.start();
    let script = "\"$0\" tail --admin \"$1\" | head -n 1";
    let mut piped = Process::start("bash", |command| {
        let script = ["-o", "pipefail", "-c", script, FANFARE, &home.url("admin")];
        command.args(script).stderr(File::create(home.path("said")).expect("it is writable"));
    });
    until("it ends", SOON, || {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
        (!piped.is_running()).then_some(())
    });
    assert_eq!(piped.wait(SOON).code(), Some(0));
    let said = fs::read_to_string(home.path("said")).expect("it is there");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn there_is_a_limit_and_a_stop_waits_for_none_of_them() {
    let home = Home::without_aws().set_top("shutdown_grace", "1m");
    let daemon = home.start();
    let tail = Tail::start(&home, &[]);
    let silent: Vec<_> = (0..15).map(|_| watching(&home)).collect();
    let (code, _, complaint) = command(&["tail", "--admin", &home.url("admin")]);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("16 tails are open, which is the limit"), "{complaint}");
    flood(&daemon);

    daemon.signal("TERM");

    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
    let said = tail.home.path("said");
    assert_eq!(tail.process.wait(SOON).code(), Some(1));
    let said = fs::read_to_string(said).expect("it is there");
    assert!(said.contains("the daemon has stopped, and the tail with it"), "{said}");
    drop(silent);
}

/// A reader that sees the head of the answer, and then reads nothing.
fn watching(home: &Home) -> TcpStream {
    let mut reader = TcpStream::connect(home.address("admin")).expect("it listens");
    reader.write_all(b"GET /tail HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it takes bytes");
    let mut head = [0; "HTTP/1.1 200 OK".len()];
    reader.read_exact(&mut head).expect("it answers");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    reader
}

/// More than a reader that does not read has room for.
fn flood(daemon: &Daemon<'_>) {
    let key = "k".repeat(1000);
    let line = minio("ObjectCreated:Put", "videos", &key).to_string() + "\n";
    for _ in 0..10 {
        let answer = daemon.post_lines(&line.repeat(1000));
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}
