//! What a file holds arrives as if a store had sent it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};

use crate::harness::{
    Authority, FANFARE, Fault, Home, Process, SOON, Script, Sink, capture, captures_with_a_body,
    command, lines, minio, rule, rules, until,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
const EVERYTHING: &[&str] = &["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"];

fn sending_to(sink: &Sink) -> Home {
    let home = Home::sending_to(sink);
    for bucket in ["bkt", "bnats-x", "photos"] {
        home.document(bucket, &rules(&[rule("all", QUEUE, EVERYTHING)]));
    }
    home
}

fn path_of(path: &Path) -> &str {
    path.to_str().expect("a home has a plain name")
}

fn written(home: &Home, name: &str, text: &str) -> PathBuf {
    fs::write(home.path(name), text).expect("the home is writable");
    home.path(name)
}

/// So many events, one a line.
fn photos(count: usize) -> String {
    lines((0..count).map(|n| minio("ObjectCreated:Put", "photos", &format!("k{n}"))))
}

fn arrives(sink: &Sink, count: usize) {
    until("everything arrives", SOON, || (sink.count() >= count).then_some(()));
    assert_eq!(sink.count(), count);
}

#[test]
fn what_every_store_posts_is_sent_as_it_stands() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = sending_to(&sink);
    let _daemon = home.start();
    let files = captures_with_a_body().into_iter().map(|name| {
        let body = serde_json::to_string_pretty(&capture(&name)).expect("it is JSON");
        written(&home, &name, &body)
    });
    let files: Vec<_> = files.collect();
    let count = files.len();
    let files: Vec<_> = files.iter().map(|file| path_of(file)).collect();
    let to = home.url("events");
    let (code, said, complaint) = command(&[&["send", "--to", &to], &files[..]].concat());
    assert_eq!(code, Some(0), "{complaint}");
    assert!(said.starts_with(&format!("{count} events in {count} requests, ")), "{said}");
    assert!(said.ends_with(&format!(" events/s: {count} matched\n")), "{said}");
    arrives(&sink, count);
}

#[test]
fn lines_are_sent_many_at_once_from_a_file_or_a_pipe() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = sending_to(&sink);
    let _daemon = home.start();
    let file = written(&home, "photos.ndjson", &photos(1200));
    let settings = home.settings_file();
    let read = ["send", "--config", path_of(&settings), "--json"];
    let (code, said, complaint) = command(&[&read[..], &[path_of(&file)]].concat());
    assert_eq!(code, Some(0), "{complaint}");
    let said: Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!([&said["received"], &said["matched"]], [1200, 1200], "{said}");
    assert!(said["requests"].as_u64().is_some_and(|requests| requests <= 4), "{said}");

    let mut piped = Command::new("timeout");
    piped.args(["60", FANFARE]).args([&read[..], &["-"]].concat());
    let piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut piped = piped.expect("timeout (coreutils) starts");
    let mut input = piped.stdin.take().expect("it is piped");
    input.write_all(photos(700).as_bytes()).expect("it reads");
    drop(input);
    let output = piped.wait_with_output().expect("it ends");
    let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!((output.status.code(), &said["received"]), (Some(0), &json!(700)));
    arrives(&sink, 1900);
}

#[test]
fn a_line_that_is_no_json_is_named_and_nothing_of_its_part_is_accepted() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = sending_to(&sink);
    let _daemon = home.start();
    let file = written(&home, "photos.ndjson", &(photos(500) + &photos(2) + "{\"Rec\n"));
    let to = home.url("events");
    let (code, said, complaint) = command(&["send", "--to", &to, path_of(&file)]);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(said.starts_with("stopped: 500 events in 1 request, "), "{said}");
    let place = format!("{}, lines 501 to 503: refused by {to} with 400: ", file.display());
    assert!(complaint.contains(&place), "{complaint}");
    assert!(complaint.contains("the body is not JSON at line 3, "), "{complaint}");
    assert!(complaint.contains("(that is line 503 of the file)"), "{complaint}");
    arrives(&sink, 500);
    let (code, _, complaint) = command(&["send", "--to", &to, path_of(&home.path("none"))]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("cannot open "), "{complaint}");
}

/// Answers a probe, and takes a request without an answer.
fn break_off(mut connection: TcpStream) {
    let mut head = [0; 1 << 14];
    let read = connection.read(&mut head).unwrap_or_default();
    if head[..read].starts_with(b"HEAD") {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        connection.write_all(answer).expect("it takes the answer");
    }
}

#[test]
fn what_is_not_there_and_what_breaks_is_told_apart() {
    let home = Home::without_aws();
    let file = written(&home, "photos.ndjson", &photos(1));
    let to = home.url("events");
    let (code, _, complaint) = command(&["send", "--to", &to, path_of(&file)]);
    assert_eq!(code, Some(1));
    let words = format!("cannot reach {to}; start the daemon, or correct --to");
    assert!(complaint.contains(&words), "{complaint}");
    let breaking = TcpListener::bind(home.address("events")).expect("it is free");
    thread::spawn(move || breaking.incoming().flatten().for_each(break_off));
    let (code, _, complaint) = command(&["send", "--to", &to, path_of(&file)]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("line 1: the connection to "), "{complaint}");
    assert!(complaint.contains("may have been accepted, and are not sent again"), "{complaint}");
}

#[test]
fn ctrl_c_ends_it_although_nobody_answers() {
    let home = Home::without_aws();
    let file = written(&home, "photos.ndjson", &photos(1));
    let hanging = TcpListener::bind(home.address("events")).expect("it is free");
    let (posted, is_posted) = mpsc::channel();
    thread::spawn(move || {
        for connection in hanging.incoming().flatten() {
            let held = connection.try_clone().expect("there are descriptors");
            break_off(connection);
            posted.send(held).expect("the test waits for both");
        }
    });
    let complaint = home.path("complaint");
    let sending = Process::start(FANFARE, |command| {
        command.args(["send", "--to", &home.url("events"), path_of(&file)]);
        let file = fs::File::create(&complaint).expect("the home is writable");
        command.stdout(Stdio::null()).stderr(file);
    });
    let _held = [(); 2].map(|()| is_posted.recv_timeout(SOON).expect("it probes, then posts"));
    sending.signal("INT");
    assert_eq!(sending.wait(SOON).code(), Some(1));
    let complaint = fs::read_to_string(complaint).expect("it is there");
    assert!(complaint.contains("line 1: stopped before the answer came; these "), "{complaint}");
}

#[test]
fn what_is_refused_for_now_is_sent_again_as_a_store_would() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = sending_to(&sink).set("deliver", "quota", "64KiB");
    let home = home.set("deliver", "over_quota", "reject");
    sink.all(Script::always(Fault::Unavailable));
    let daemon = home.start();
    let file = written(&home, "photos.ndjson", &photos(1000));
    let out = |name| fs::File::create(home.path(name)).expect("the home is writable");
    let sending = Process::start(FANFARE, |command| {
        command.args(["send", "--to", &home.url("events"), path_of(&file)]);
        command.stdout(out("said")).stderr(out("noted"));
    });
    let read = |name| fs::read_to_string(home.path(name)).expect("it is there");
    until("it is refused", SOON, || read("noted").contains("takes no events now: ").then_some(()));
    assert!(read("noted").contains("; trying again every 5s"), "{}", read("noted"));
    sink.heal();
    assert_eq!(sending.wait(SOON).code(), Some(0));
    assert!(read("said").contains(" events/s: 1000 matched\n"), "{}", read("said"));
    assert_eq!(read("noted").lines().count(), 1, "it is said once");
    arrives(&sink, 1000);
    assert_eq!(daemon.readyz().status, 200);
}

#[test]
fn tokens_and_certificates_are_sent_and_asked_for_in_words() {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    let path = |name: &str| home.path(name).to_string_lossy().into_owned();
    let (ca, token) = (path("ca.crt"), path("events.token"));
    let (certificate, key) = (path("client.crt"), path("client.key"));
    let pair = authority.sign();
    for (file, text) in
        [(&certificate, &*pair.certificate), (&key, &pair.key), (&token, "s3cr3t\n")]
    {
        fs::write(file, text).expect("the home is writable");
    }
    let file = written(&home, "photos.ndjson", &photos(3));
    let clients = toml::Table::from_iter([("client_ca_file".to_owned(), ca.clone().into())]);
    let home = home.set("tls", "events", clients).set("events", "auth_token_file", &*token);
    let _daemon = home.start();
    let to = home.url("events");
    let known = ["--ca-file", &ca, "--certificate-file", &certificate, "--key-file", &key];
    let there = [&["send", path_of(&file), "--to", &to], &known[..]].concat();
    let refused = |arguments: &[&str], words: &str| {
        let (code, _, complaint) = command(arguments);
        assert_eq!(code, Some(1), "{complaint}");
        assert!(complaint.contains(words), "{complaint}");
        assert!(!complaint.contains("s3cr3t"), "{complaint}");
    };
    refused(&there, "asks for a token; name the file that holds it with --token-file");
    refused(&["send", path_of(&file), "--to", &to], "signed it with --ca-file");
    let unknown = ["send", path_of(&file), "--to", &to, "--ca-file", &ca];
    refused(&unknown, "if it asks its clients for certificates, name one that ");
    for way in [
        [&there[..], &["--token-file", &token]].concat(),
        [&["send", path_of(&file), "--config", path_of(&home.settings_file())], &known[..]]
            .concat(),
    ] {
        let (code, said, complaint) = command(&way);
        assert_eq!(code, Some(0), "{complaint}");
        assert!(said.starts_with("3 events in 1 request, "), "{said}");
        assert!(complaint.contains("no rule wants any of them"), "{complaint}");
    }
}
