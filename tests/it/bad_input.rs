//! What is refused, and how: a store retries a 4xx for ever, and a user needs the remedy.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use serde_json::{Value, json};

use crate::harness::{
    Home, SOON, Sink, arrived, check, free_port, lines, minio, rule, rules, serve_refuses, until,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:bad-input";

fn uploads_of_photos(home: &Home) {
    home.document("photos", &rules(&[rule("uploads", QUEUE, &["s3:ObjectCreated:*"])]));
}

fn upload(key: &str) -> Vec<u8> {
    minio("ObjectCreated:Put", "photos", key).to_string().into_bytes()
}

#[test]
fn a_body_that_is_not_json_is_400() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let daemon = home.start();
    for body in ["", "not json", r#"{"Records":["#] {
        assert_eq!(daemon.post(body.as_bytes(), &[]).status, 400, "{body:?}");
    }
}

#[test]
fn json_that_is_no_event_is_200_and_quarantined() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    uploads_of_photos(&home);
    let daemon = home.start();
    let mut without_bucket = minio("ObjectCreated:Put", "photos", "a");
    without_bucket["Records"][0]["s3"] = json!({});
    for body in [json!({ "hello": "world" }), json!([1, 2]), without_bucket] {
        let answer = daemon.post(body.to_string().as_bytes(), &[]);
        assert_eq!(answer.status, 200, "{body}");
        assert_eq!(answer.json()["matched"], 0, "{body}");
    }
    until("it is counted", SOON, || {
        (daemon.metric("fanfare_events_quarantined_total", &[]) > 2.5).then_some(())
    });
    // The quarantine survives in the journal's directory, so the next start finds it again.
    daemon.stop();
    assert_eq!(
        home.start().accepts(&minio("ObjectCreated:Put", "photos", "b")).json()["matched"],
        1
    );
}

#[test]
fn what_a_client_sent_is_not_logged() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let daemon = home.start();
    let mut odd = minio("ObjectCreated:Put", "photos", "a");
    odd["Records"][0]["requestParameters"] = json!("authorization: Bearer SECRET");
    daemon.accepts(&odd);
    let mut odd = minio("ObjectCreated:Put", "photos", "a");
    odd["Records"][0]["s3"]["bucket"]["name"] = json!("SECRET!".repeat(100_000));
    daemon.accepts(&odd);
    until("both are counted", SOON, || {
        (daemon.metric("fanfare_events_quarantined_total", &[]) > 1.5).then_some(())
    });
    let log = fs::read_to_string(home.path("log")).expect("the daemon logs");
    assert!(log.contains("requestParameters") && log.contains("s3.bucket.name"), "{log}");
    assert!(!log.contains("SECRET"), "{log}");
}

#[test]
fn a_full_quarantine_counts_what_it_gives_up() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink).set("journal", "quarantine_limit", "4KiB").set(
        "events",
        "body_limit",
        "4KiB",
    );
    let daemon = home.start();
    let body = json!({ "hello": "x".repeat(1000) });
    for _ in 0..10 {
        daemon.accepts(&body);
    }
    until("rows are gone", SOON, || {
        (daemon.metric("fanfare_quarantine_evicted_total", &[]) > 5.5).then_some(())
    });
}

#[test]
fn a_body_over_the_limit_is_413() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink).set("events", "body_limit", "4KiB");
    uploads_of_photos(&home);
    let daemon = home.start();
    assert_eq!(daemon.post(&upload(&"k".repeat(1000)), &[]).status, 200);
    assert_eq!(daemon.post(&vec![b' '; 5000], &[]).status, 413);
}

/// A client that writes all of its body before it reads would otherwise see a broken connection.
#[test]
fn a_body_far_over_the_limit_gets_its_answer() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink).set("events", "body_limit", "4KiB");
    let daemon = home.start();
    let mut client = TcpStream::connect(home.address("events")).expect("it listens");
    let body = vec![b' '; 20 << 20];
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all(head.as_bytes()).expect("the connection takes the head");
    client.write_all(&body).expect("the connection takes all of the body");
    let mut status = [0; "HTTP/1.1 413".len()];
    client.read_exact(&mut status).expect("it is answered");
    assert_eq!(status, *b"HTTP/1.1 413");
    drop(daemon);
}

#[test]
fn clients_that_stall_keep_no_store_out() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    uploads_of_photos(&home);
    let daemon = home.start();
    let stall = |_| {
        let mut client = TcpStream::connect(home.address("events")).expect("it listens");
        let request =
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Rec";
        client.write_all(request).expect("the connection takes bytes");
        client
    };
    let clients: Vec<_> = (0..20).map(stall).collect();
    assert_eq!(daemon.post(&upload("a"), &[]).status, 200);
    drop(clients);
}

#[test]
fn a_port_that_takes_no_more_connections_says_so_once() {
    let home = Home::without_aws();
    // A port takes a quarter of the file descriptors.
    let daemon = home.start_under(&["prlimit", "--nofile=160"], &[]);
    let connect = |_| TcpStream::connect(home.address("events")).expect("it listens");
    let clients: Vec<_> = (0..50).map(connect).collect();
    let told = || home.log().matches("no more connections are taken until some end").count();
    until("it says so", SOON, || (told() > 0).then_some(()));
    assert!(home.log().contains("connections=40"), "{}", home.log());
    drop(clients);
    assert_eq!(daemon.post(&upload("a"), &[]).status, 200, "they ended");
    assert_eq!(told(), 1);
}

#[test]
fn a_wrong_or_missing_token_is_401() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let file = home.path("token");
    fs::write(&file, "s3cr3t\n").expect("the home is writable");
    let home = home.set("events", "auth_token_file", file.to_string_lossy().into_owned());
    uploads_of_photos(&home);
    let daemon = home.start();
    let status = |headers: &[(&str, &str)]| daemon.post(&upload("a"), headers).status;
    assert_eq!(status(&[]), 401);
    for wrong in ["Bearer s3cr3", "Bearer s3cr3t4", "Basic s3cr3t", "s3cr3t", "Bearer"] {
        assert_eq!(status(&[("Authorization", wrong)]), 401, "{wrong}");
    }
    assert_eq!(status(&[("Authorization", "Bearer s3cr3t")]), 200);
}

#[test]
fn a_full_journal_is_503_until_there_is_room_and_loses_nothing() {
    let port = free_port();
    let home = Home::without_aws()
        .set("aws", "endpoint_url", format!("http://127.0.0.1:{port}"))
        .set("journal", "size_limit", "4MiB")
        .set("events", "body_limit", "1MiB");
    uploads_of_photos(&home);
    let daemon = home.start();
    let mut accepted = BTreeSet::new();
    let full = (0..2000).find_map(|request| {
        let keys: Vec<_> = (0..20).map(|n| format!("{request}-{n}")).collect();
        let body = lines(keys.iter().map(|key| minio("ObjectCreated:Put", "photos", key)));
        let answer = daemon.post_lines(&body);
        if answer.status == 503 {
            return Some(answer);
        }
        assert_eq!(answer.status, 200, "{}", answer.text);
        accepted.extend(keys);
        None
    });
    let full = full.expect("4 MiB do not hold 40,000 events");
    let after: u32 = full.retry_after.as_deref().unwrap_or("none").parse().expect("it is seconds");
    assert!(after > 0);
    let why = "the events are not stored; send them again: the journal holds ";
    assert!(full.text.contains(why) && full.text.contains("journal.size_limit"), "{}", full.text);
    let log = fs::read_to_string(home.path("log")).expect("the daemon logs");
    assert_eq!(log.matches("events are refused; stores have to").count(), 1, "{log}");

    let sink = Sink::bind(port).expect("the port is ours");
    until("there is room again", SOON, || {
        (daemon.post(&upload("after"), &[]).status == 200).then_some(())
    });
    accepted.insert("after".to_owned());
    until("nothing is pending", SOON, || {
        (daemon.metric("fanfare_pending", &[QUEUE]) < 0.5).then_some(())
    });
    assert_eq!(arrived(&sink), accepted, "a refused request leaves nothing behind");
}

/// Writes settings, and expects that neither command takes them; returns what `check` printed.
#[track_caller]
fn refused(home: &Home, settings: &str) -> String {
    let file = home.path("refused.toml");
    fs::write(&file, settings).expect("the home is writable");
    let (code, printed) = serve_refuses(&file);
    assert_eq!(code, Some(78), "{printed}");
    printed
}

#[test]
fn settings_that_cannot_be_right_exit_78_and_say_why() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    for (settings, why) in [
        ("region = ", "refused.toml"),
        ("colour = \"red\"", "colour"),
        ("[listen]\nevent = \"127.0.0.1:1\"", "event"),
        ("[rules]\nkey_match = \"glob\"", "glob"),
        ("[journal]\nsize_limit = \"a lot\"", "size_limit"),
        ("[listen]\ns3 = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"", "share a port"),
        ("[deliver]\nconcurrency_min = 9\nconcurrency_max = 8", "concurrency_min 9 is more than"),
        ("[[destination]]\nmatch = \"*\"\nquota = \"0\"", "nothing fits into no bytes"),
        ("[s3]\nvalidation_timeout = \"0s\"", "a wait of zero"),
        ("[[credentials]]\nsecret_access_key = 1", "text between quotes"),
    ] {
        let printed = refused(&home, settings);
        assert!(printed.contains(why), "{settings}: {printed}");
    }
    let (code, printed) = serve_refuses(Path::new("/nowhere/fanfare.toml"));
    assert_eq!(code, Some(78), "{printed}");
    assert!(printed.contains("/nowhere/fanfare.toml"), "{printed}");
}

fn overlapping() -> Value {
    rules(&[
        rule("thumbnails", QUEUE, &["s3:ObjectCreated:*"]),
        rule("archive", QUEUE, &["s3:ObjectCreated:Put"]),
    ])
}

#[test]
fn check_names_file_rule_and_remedy_of_every_problem() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    uploads_of_photos(&home);
    let (code, printed) = check(&home, &[]);
    assert_eq!(code, Some(0), "{printed}");

    home.document("music", &overlapping());
    let fifo =
        rule("ordered", "arn:aws:sqs:us-east-1:123456789012:q.fifo", &["s3:ObjectCreated:*"]);
    home.document("films", &rules(&[fifo]));
    let (code, printed) = check(&home, &[]);
    assert_eq!(code, Some(78), "{printed}");
    for part in ["music.json", "thumbnails", "archive", "films.json", "ordered", "FIFO"] {
        assert!(printed.contains(part), "{part} in: {printed}");
    }
    assert!(!printed.contains("photos.json"), "it is well: {printed}");
}

#[test]
fn check_reads_documents_that_are_not_in_place_yet() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let draft = home.path("draft.json");
    fs::write(&draft, overlapping().to_string()).expect("the home is writable");
    let (code, printed) = check(&home, &[&draft]);
    assert_eq!(code, Some(78), "{printed}");
    assert!(printed.contains("draft.json") && printed.contains("archive"), "{printed}");
}

#[test]
fn a_document_that_is_broken_at_the_start_is_told_and_harms_no_other_bucket() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    uploads_of_photos(&home);
    home.document("music", &overlapping());
    let daemon = home.start();
    until("the broken document shows", SOON, || {
        daemon.readyz().text.contains("music").then_some(())
    });
    assert_eq!(daemon.accepts(&minio("ObjectCreated:Put", "photos", "a")).json()["matched"], 1);

    // Nobody knows yet what the broken document asks for, so its events are set aside.
    assert_eq!(daemon.accepts(&minio("ObjectCreated:Put", "music", "a")).json()["matched"], 0);
    until("it is set aside", SOON, || {
        (daemon.metric("fanfare_events_quarantined_total", &[]) > 0.5).then_some(())
    });
}
