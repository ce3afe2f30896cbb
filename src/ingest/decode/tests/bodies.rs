//! Bodies to decode, and short ways to decode them.

use std::{fs, path::PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    ingest::{Encoding, Received, decode},
    model::Event,
};

/// The moment of every test.
pub(super) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// The directory of what real stores posted.
pub(super) fn captures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures")
}

/// What a real store posted.
pub(super) fn capture(name: &str) -> Value {
    let text = fs::read_to_string(captures().join(name)).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["body"].take()
}

/// A record as Amazon writes it.
pub(super) fn record(event_name: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-22T07:20:47.957Z", "eventName": event_name,
        "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "host"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "c",
            "bucket": {
                "name": "photos", "ownerIdentity": {"principalId": "o"}, "arn": "arn:aws:s3:::photos",
            },
            "object": {
                "key": key, "size": 9, "eTag": "437b930db84b8079c2dd804a71936b5f",
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    })
}

/// The record, changed at one place; its path is a JSON pointer.
pub(super) fn changed(path: &str, value: Value) -> Value {
    let mut record = record("ObjectCreated:Put", "a");
    *record.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    record
}

/// The body of these records.
pub(super) fn body(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// What comes of a body of one JSON document.
pub(super) fn received(body: &str) -> Received {
    decode(body.as_bytes(), Encoding::Json, now()).unwrap()
}

/// The only thing in the body, which must be an event.
#[track_caller]
pub(super) fn event(body: &str) -> Event {
    let mut received = received(body);
    assert_eq!((received.events.len(), received.count()), (1, 1), "{received:?}");
    received.events.remove(0).event
}

/// The event that this record becomes.
#[track_caller]
pub(super) fn event_of(record: Value) -> Event {
    event(&body(&[record]))
}
