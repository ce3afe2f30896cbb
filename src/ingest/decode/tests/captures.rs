//! What real stores posted becomes exactly these events.

use std::{collections::BTreeSet, fs};

use super::bodies::{capture, captures, event, event_of, record};
use crate::model::{Event, EventType, Sequencer};

/// The one capture without a body: RustFS asks with `HEAD` whether anyone is there.
const PROBE: &str = "rustfs-1.0.0-beta.7-startup-HEAD-probe.json";

/// The entity tag of `hello`.
const HELLO: &str = "5d41402abc4b2a76b9719d911017c592";

fn ceph() -> Vec<(&'static str, Event)> {
    let put = Event {
        source: "ceph:s3".into(),
        event_type: EventType::ObjectCreatedPut,
        time: "2026-11-22T07:20:47.957712Z".parse().unwrap(),
        bucket: "bkt".parse().unwrap(),
        key: "a b/ü+1.txt".parse().unwrap(),
        version_id: None,
        size: Some(5),
        etag: Some(HELLO.into()),
        sequencer: Sequencer::from_hex("6B0297CF393BCD51").unwrap(),
        principal_id: "test".into(),
        source_ip: String::new(),
        request_id: "0c51952a-0d68-46c7-9b33-ec9f0bfba27c.4113.13509238356665543706".into(),
        host_id: "1011-default-default".into(),
        trace_id: None,
        details: None,
    };
    vec![
        (
            "ceph-rgw-16.2.15-sync-ObjectRemoved_Delete-unver.json",
            Event {
                event_type: EventType::ObjectRemovedDelete,
                time: "2026-11-22T07:20:48.433424Z".parse().unwrap(),
                key: "copy.txt".parse().unwrap(),
                sequencer: Sequencer::from_hex("6B0297D019D59FB1").unwrap(),
                request_id: "0c51952a-0d68-46c7-9b33-ec9f0bfba27c.4113.15874170430336070715".into(),
                ..put.clone()
            },
        ),
        (
            "ceph-rgw-16.2.15-sync-ObjectRemoved_DeleteMarkerCreated-unver.json",
            Event {
                event_type: EventType::ObjectRemovedDeleteMarkerCreated,
                time: "2026-11-22T07:20:48.468943Z".parse().unwrap(),
                key: "v.txt".parse().unwrap(),
                size: Some(1),
                etag: Some("c4ca4238a0b923820dcc509a6f75849b".into()),
                sequencer: Sequencer::from_hex("6B0297D01BF399FA").unwrap(),
                request_id: "0c51952a-0d68-46c7-9b33-ec9f0bfba27c.4113.12159623653596218886".into(),
                ..put.clone()
            },
        ),
        ("ceph-rgw-16.2.15-sync-ObjectCreated_Put-unver.json", put),
    ]
}

fn rustfs() -> Vec<(&'static str, Event)> {
    let put = Event {
        source: "rustfs:s3".into(),
        event_type: EventType::ObjectCreatedPut,
        time: "2026-11-22T07:55:56.679671961Z".parse().unwrap(),
        bucket: "photos".parse().unwrap(),
        key: "dir one/ü+1 €.txt".parse().unwrap(),
        version_id: None,
        size: Some(5),
        etag: Some(HELLO.into()),
        sequencer: Sequencer::from_hex("18EA4EE745C3D270").unwrap(),
        principal_id: "testak123".into(),
        source_ip: String::new(),
        request_id: "1353c8d6-29ee-4516-81b1-021ad958583f".into(),
        host_id: String::new(),
        trace_id: None,
        details: None,
    };
    let copy = Event {
        event_type: EventType::ObjectCreatedCopy,
        time: "2026-11-22T07:55:57.623113515Z".parse().unwrap(),
        key: "copy.txt".parse().unwrap(),
        sequencer: Sequencer::from_hex("18EA4EE77E20A550").unwrap(),
        request_id: "54980cbb-f626-49b1-a17d-50483e47350f".into(),
        ..put.clone()
    };
    vec![
        (
            "rustfs-1.0.0-beta.7-ObjectRemoved_Delete.json",
            Event {
                event_type: EventType::ObjectRemovedDelete,
                time: "2026-11-22T07:56:00.412056877Z".parse().unwrap(),
                size: None,
                etag: None,
                sequencer: Sequencer::from_hex("18EA4EE82458FFCC").unwrap(),
                request_id: "106ff0f9-319c-482e-82d4-0e650f41b26a".into(),
                ..copy.clone()
            },
        ),
        (
            "rustfs-1.0.0-beta.7-ObjectTagging_Put.json",
            Event {
                event_type: EventType::ObjectTaggingPut,
                time: "2026-11-22T07:55:57.934960379Z".parse().unwrap(),
                request_id: "5621760d-c997-4c58-9403-8acce5812e0b".into(),
                ..copy.clone()
            },
        ),
        ("rustfs-1.0.0-beta.7-ObjectCreated_Copy.json", copy),
        (
            "rustfs-1.0.0-beta.7-via-nats-core.json",
            Event {
                time: "2026-11-22T08:05:02.774192912Z".parse().unwrap(),
                bucket: "bnats-x".parse().unwrap(),
                key: "load/2".parse().unwrap(),
                size: Some(4),
                etag: Some("8d777f385d3dfec8815d20f7496026dc".into()),
                sequencer: Sequencer::from_hex("18EA4F666B61CB5B").unwrap(),
                principal_id: String::new(),
                request_id: "93ae8f17-85ff-4566-8e2b-17b3f9686325".into(),
                ..put.clone()
            },
        ),
        ("rustfs-1.0.0-beta.7-ObjectCreated_Put.json", put),
    ]
}

#[test]
fn a_captured_body_becomes_exactly_its_event() {
    for (name, expected) in ceph().into_iter().chain(rustfs()) {
        assert_eq!(event(&capture(name).to_string()), expected, "{name}");
    }
}

#[test]
fn no_capture_is_left_out() {
    let files: BTreeSet<String> = fs::read_dir(captures())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let known = ceph().into_iter().chain(rustfs()).map(|(name, _)| name).chain([PROBE]);
    assert_eq!(files, known.map(str::to_owned).collect());
}

/// MinIO's form, as its source writes it: a key with an encoded slash, more parameters than
/// Amazon has, and the client's metadata.
#[test]
fn a_minio_body_becomes_exactly_its_event() {
    let minio = r#"{"EventName":"s3:ObjectCreated:Put","Key":"photos/dir one/ü+1.txt","Records":[{
        "eventVersion":"2.0","eventSource":"minio:s3","awsRegion":"",
        "eventTime":"2026-01-02T15:04:05.678Z","eventName":"s3:ObjectCreated:Put",
        "userIdentity":{"principalId":"minioadmin"},
        "requestParameters":{"principalId":"minioadmin","region":"","sourceIPAddress":"203.0.113.7"},
        "responseElements":{"x-amz-request-id":"1786D2F3A5D1B2C4","x-amz-id-2":"dd9025ba",
            "x-minio-origin-endpoint":"http://127.0.0.1:9000","x-minio-deployment-id":"d","content-length":"0"},
        "s3":{"s3SchemaVersion":"1.0","configurationId":"Config",
            "bucket":{"name":"photos","ownerIdentity":{"principalId":"minioadmin"},"arn":"arn:aws:s3:::photos"},
            "object":{"key":"dir+one%2F%C3%BC%2B1.txt","size":1,"eTag":"c4ca4238a0b923820dcc509a6f75849b",
                "contentType":"text/plain","userMetadata":{"content-type":"text/plain"},
                "versionId":"8fa2ff2e-8e1f-4e2a-8f2e-27e7e9a6c4f1","sequencer":"1786D2F3A5D0A8B0"}},
        "source":{"host":"127.0.0.1","port":"","userAgent":"MinIO (linux; amd64) mc"}}]}"#;
    let expected = Event {
        source: "minio:s3/d".into(),
        event_type: EventType::ObjectCreatedPut,
        time: "2026-01-02T15:04:05.678Z".parse().unwrap(),
        bucket: "photos".parse().unwrap(),
        key: "dir one/ü+1.txt".parse().unwrap(),
        version_id: Some("8fa2ff2e-8e1f-4e2a-8f2e-27e7e9a6c4f1".into()),
        size: Some(1),
        etag: Some("c4ca4238a0b923820dcc509a6f75849b".into()),
        sequencer: Sequencer::from_hex("1786D2F3A5D0A8B0").unwrap(),
        principal_id: "minioadmin".into(),
        source_ip: "203.0.113.7".into(),
        request_id: "1786D2F3A5D1B2C4".into(),
        host_id: "dd9025ba".into(),
        trace_id: None,
        details: None,
    };
    assert_eq!(event(minio), expected);
    let bare = serde_json::from_str::<serde_json::Value>(minio).unwrap()["Records"][0].take();
    assert_eq!(event_of(bare), expected);
}

#[test]
fn a_copy_that_a_store_sends_again_has_the_id_of_the_first_and_nothing_else_has_it() {
    let names: Vec<_> = ceph().into_iter().chain(rustfs()).map(|(name, _)| name).collect();
    let ids = || names.iter().map(|name| event(&capture(name).to_string()).id());
    assert!(ids().eq(ids()));
    let unique: BTreeSet<_> = ids().collect();
    assert_eq!(unique.len(), names.len());
}

/// RustFS, like MinIO, sends the time of the object's last change as sequencer.
#[test]
fn two_taggings_of_one_object_are_two_events() {
    let tagging = capture("rustfs-1.0.0-beta.7-ObjectTagging_Put.json");
    let mut again = tagging.clone();
    again["Records"][0]["requestParameters"]["x-amz-request-id"] = "another".into();
    let (one, other) = (event(&tagging.to_string()), event(&again.to_string()));
    assert_eq!(one.sequencer, other.sequencer);
    assert_ne!(one.id(), other.id());
}

#[test]
fn two_stores_of_one_make_are_two_sources() {
    let mut record = record("ObjectCreated:Put", "a");
    record["eventSource"] = "minio:s3".into();
    let ids = ["one", "other"].map(|deployment| {
        record["responseElements"]["x-minio-deployment-id"] = deployment.into();
        event_of(record.clone()).id()
    });
    assert_ne!(ids[0], ids[1]);
}
