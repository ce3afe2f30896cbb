//! A real store: Ceph's object gateway, from its own API to the queue.

use std::{
    fs::{self, File},
    io::{self, Write},
    process::Command,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Home, Process, SOON, ceph_is_installed, free_port, moto, python, root, rule, rules, until,
};

/// What Amazon leaves alone in a key, spaces aside.
const RAW: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/').remove(b' ');

/// A running gateway, and its directory.
struct Gateway {
    url: String,
    _process: Process,
    _dir: TempDir,
}

impl Gateway {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("the temporary directory is writable");
        let (port, output) = (free_port(), dir.path().join("output"));
        let said = File::create(&output).expect("the temporary directory is writable");
        let process = Process::start(root().join("tests/ceph-rgw"), |command| {
            command.arg(dir.path()).arg(port.to_string());
            command.stderr(said.try_clone().expect("a file can be shared")).stdout(said);
        });
        until("Ceph is ready", 2 * SOON, || {
            let said = fs::read_to_string(&output).expect("it was created above");
            said.contains("ready").then_some(())
        });
        Self { url: format!("http://127.0.0.1:{port}"), _process: process, _dir: dir }
    }

    /// Does what `ceph.py` says, and returns what must have been notified.
    fn drive(&self, webhook: &str, bucket: &str) -> Vec<Value> {
        let mut driver = Command::new(python());
        driver.arg(root().join("tests/it/ceph.py")).args([&self.url, webhook, bucket]);
        let output = driver.output().expect("the venv has a Python");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }
}

/// The operation as the message must show it.
fn as_notified(operation: &Value) -> Value {
    let key = operation["key"].as_str().expect("an operation has a key");
    let mut object = json!({ "key": utf8_percent_encode(key, RAW).to_string().replace(' ', "+") });
    for (field, told) in [("size", "size"), ("eTag", "etag"), ("versionId", "version")] {
        if !operation[told].is_null() {
            object[field] = operation[told].clone();
        }
    }
    json!({ "event": operation["event"], "bucket": operation["bucket"], "object": object })
}

/// The same of a message, with the sequencer checked and taken out.
fn as_received(message: &Value) -> Value {
    let record = &message["Records"][0];
    let mut object = record["s3"]["object"].clone();
    let sequencer = object.as_object_mut().and_then(|object| object.remove("sequencer"));
    let sequencer = sequencer.expect("uploads and deletions are ordered");
    assert_eq!(sequencer.as_str().expect("it is text").len(), 18);
    json!({ "event": record["eventName"], "bucket": record["s3"]["bucket"]["name"], "object": object })
}

fn sorted(values: impl Iterator<Item = Value>) -> Vec<String> {
    let mut texts: Vec<_> = values.map(|value| value.to_string()).collect();
    texts.sort();
    texts
}

#[test]
fn what_happens_in_ceph_arrives_in_the_queue() {
    if !ceph_is_installed() {
        let skipped = "skipped: Ceph is not installed; tests/components --ceph installs it";
        // Straight to the stream: the test harness keeps what a passing test prints.
        writeln!(io::stderr(), "{skipped}").expect("stderr is open");
        return;
    }
    let gateway = Gateway::start();
    let (home, queue) = (Home::new(), moto().queue("ceph"));
    let events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"];
    for bucket in ["pictures", "pictures-versioned"] {
        home.document(bucket, &rules(&[rule("all", &queue.arn, &events)]));
    }
    let daemon = home.start();

    let operations = gateway.drive(&daemon.events_url("/ceph"), "pictures");

    let received = queue.receive_until(operations.len(), SOON);
    assert_eq!(
        sorted(received.iter().map(as_received)),
        sorted(operations.iter().map(as_notified))
    );
}
