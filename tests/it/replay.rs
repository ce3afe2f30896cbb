//! What was delivered is sent again, through the rules of today.

use std::{collections::BTreeMap, thread};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    dead_letters::settled,
    harness::{Daemon, Home, SOON, Sink, ask, lines, minio, rule, rules, until},
};

const THUMBS: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";
const AUDIT: &str = "arn:aws:sqs:us-east-1:123456789012:audit";
/// No rule names it.
const ADHOC: &str = "arn:aws:sqs:us-east-1:123456789012:adhoc";
const ALL_ADHOC: (&str, &[&str]) = ("adhoc", &["a/1", "a/2", "a/4", "a/5", "b/3"]);

fn home_with(sink: &Sink) -> Home {
    let home = Home::sending_to(sink).set("journal", "retention", "1h");
    home.document("photos", &rules(&[rule("thumbs", THUMBS, &["s3:ObjectCreated:*"])]));
    home.document("music", &rules(&[rule("audit", AUDIT, &["s3:ObjectCreated:*"])]));
    home
}

fn put(daemon: &Daemon<'_>, bucket: &str, keys: &[&str]) {
    for key in keys {
        daemon.accepts(&minio("ObjectCreated:Put", bucket, key));
    }
}

/// The keys that each queue got since the last look.
fn came(sink: &Sink) -> BTreeMap<String, Vec<String>> {
    let key = |body: &String| -> String {
        let body: Value = serde_json::from_str(body).expect("the body is JSON");
        body["Records"][0]["s3"]["object"]["key"].as_str().expect("it has a key").to_owned()
    };
    let sorted = |bodies: Vec<String>| {
        let mut keys: Vec<_> = bodies.iter().map(key).collect();
        keys.sort();
        keys
    };
    sink.reset().0.into_iter().map(|(queue, bodies)| (queue, sorted(bodies))).collect()
}

/// Replays, and expects that so many events were sent again.
#[track_caller]
fn replay(home: &Home, arguments: &[&str], events: &str) {
    let (code, said, complaint) = ask(home, &[&["replay"], arguments].concat());
    assert_eq!(code, Some(0), "{said}{complaint}");
    assert!(said.contains(&format!(" finished: {events} sent again, ")), "{said}");
}

fn queues(queues: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let keys = |keys: &[&str]| keys.iter().map(ToString::to_string).collect();
    queues.iter().map(|(queue, expected)| ((*queue).to_owned(), keys(expected))).collect()
}

#[test]
fn what_is_replayed_is_what_was_asked_for() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    put(&daemon, "photos", &["a/1", "a/2", "b/3"]);
    assert_eq!(settled(&daemon, THUMBS), [3, 3, 0, 0]);
    let between = Timestamp::now().to_string();
    put(&daemon, "photos", &["a/4"]);
    put(&daemon, "music", &["a/5"]);
    assert_eq!((settled(&daemon, THUMBS)[1], settled(&daemon, AUDIT)[1]), (4, 1));
    came(&sink);

    replay(&home, &["--since", "1h", "--dry-run"], "5 events would be");
    assert_eq!(sink.count(), 0);
    let photos: &[(&str, &[&str])] = &[("thumbs", &["a/1", "a/2", "b/3"])];
    let music: &[(&str, &[&str])] = &[("audit", &["a/5"])];
    let since = ["--since", "1h", "--rate", "1000"];
    for (arguments, events, expected) in [
        (&["--since", &between][..], "2 events", &[("thumbs", &["a/4"][..]), music[0]][..]),
        (&[&since[..], &["--until", &between]].concat(), "3 events", photos),
        (&[&since[..], &["--bucket", "music"]].concat(), "1 event", music),
        (&[&since[..], &["--prefix", "b/"]].concat(), "1 event", &[("thumbs", &["b/3"])]),
        (&[&since[..], &["--destination", AUDIT]].concat(), "1 event", music),
        (&[&since[..], &["--destination", ADHOC, "--yes"]].concat(), "5 events", &[ALL_ADHOC]),
    ] {
        let expected = queues(expected);
        let count: usize = expected.values().map(Vec::len).sum();
        replay(&home, arguments, events);
        until("they arrive", SOON, || (sink.count() >= count).then_some(()));
        settled(&daemon, THUMBS);
        settled(&daemon, AUDIT);
        assert_eq!(came(&sink), expected, "{arguments:?}");
    }
    let (code, _, told) = ask(&home, &["replay", "--since", "1h", "--destination", ADHOC]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("no rule names ") && told.contains("say `--yes` to send them"), "{told}");
    assert!((daemon.metric("fanfare_replayed_total", &[]) - 13.0).abs() < 0.5);
    let (_, listed, _) = ask(&home, &["replay", "--status"]);
    assert_eq!(listed.lines().count(), 8, "{listed}");
}

#[test]
fn a_replay_goes_through_the_rules_of_today() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    put(&daemon, "photos", &["1"]);
    put(&daemon, "music", &["2"]);
    assert_eq!((settled(&daemon, THUMBS)[1], settled(&daemon, AUDIT)[1]), (1, 1));
    came(&sink);
    home.document("photos", &rules(&[rule("now", AUDIT, &["s3:ObjectCreated:Put"])]));
    home.forget("music");
    until("the rules are in force", SOON, || {
        (daemon.readyz().json()["documents"] == 1).then_some(())
    });
    replay(&home, &["--since", "1h"], "1 event");
    until("it arrives", SOON, || (sink.count() >= 1).then_some(()));
    assert_eq!(came(&sink), queues(&[("audit", &["1"])]));
}

#[test]
fn a_cancelled_replay_ends() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    put(&daemon, "photos", &["1", "2", "3", "4", "5"]);
    assert_eq!(settled(&daemon, THUMBS), [5, 5, 0, 0]);
    let (code, said, _) = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&home, &["replay", "--since", "1h", "--rate", "1"]));
        until("it has begun", SOON, || (sink.count() > 5).then_some(()));
        let (code, said, complaint) = ask(&home, &["replay", "--since", "1h"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(complaint.contains("replay 1 is running; wait for its end"), "{complaint}");
        let (code, said, _) = ask(&home, &["replay", "--cancel", "1"]);
        assert_eq!(code, Some(0));
        assert!(said.starts_with("replay 1 cancelled: "), "{said}");
        asking.join().expect("the command does not panic")
    });
    assert_eq!(code, Some(1));
    assert!(said.starts_with("replay 1 cancelled: "), "{said}");
}

const MANY: usize = 2000;

#[test]
#[expect(clippy::print_stderr, reason = "the counts are what the test is about")]
fn a_replay_goes_on_after_a_kill() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    let keys: Vec<_> = (0..MANY).map(|n| format!("key-{n:04}")).collect();
    for keys in keys.chunks(100) {
        let bodies = keys.iter().map(|key| minio("ObjectCreated:Put", "photos", key));
        assert_eq!(daemon.post_lines(&lines(bodies)).status, 200);
    }
    assert_eq!(settled(&daemon, THUMBS), [2000, 2000, 0, 0]);
    came(&sink);
    let order = json!({ "since": "2026-01-01T00:00:00Z", "rate": 500 });
    let started = ureq::post(format!("http://{}/replays", home.address("admin"))).send_json(order);
    assert_eq!(started.expect("the daemon answers").status(), 201);
    let after = fastrand::usize(1..MANY * 3 / 4);
    until("it has begun", SOON, || (sink.count() >= after).then_some(()));
    daemon.signal("KILL");
    daemon.ended(SOON);

    let daemon = home.start();
    let replay = until("it is finished", SOON, || {
        let replay = daemon.ask("replays/1").json();
        (replay["state"] == "finished").then_some(replay)
    });
    settled(&daemon, THUMBS);
    let mut came = came(&sink).remove("thumbs").expect("it got something");
    let all = came.len();
    came.dedup();
    assert_eq!(came, keys, "nothing is left out, and nothing else is sent");
    eprintln!("killed after {after} of {MANY}: {} arrived twice", all - MANY);
    assert_eq!(replay["replayed"].as_u64().map(|n| n >= 2000), Some(true), "{replay}");
}
