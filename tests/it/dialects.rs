//! What every store sends is understood: its own bodies, as they were captured on the wire.

use serde_json::{Value, json};

use crate::harness::{
    Home, Queue, SOON, capture, captures_with_a_body, lines, minio, moto, rule, rules,
};

const EVERYTHING: [&str; 3] = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"];
const HELLO: &str = "5d41402abc4b2a76b9719d911017c592";
const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// A home whose buckets, those of the captures, send everything to one queue.
fn home_and_queue(queue: &str) -> (Home, Queue) {
    let (home, queue) = (Home::new(), moto().queue(queue));
    for bucket in ["bkt", "bnats-x", "photos"] {
        home.document(bucket, &rules(&[rule("all", &queue.arn, &EVERYTHING)]));
    }
    (home, queue)
}

/// Each capture, and the `eventName` and the `s3.object` that Amazon would send for it.
fn expected() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "ceph-rgw-16.2.15-sync-ObjectCreated_Put-unver",
            "ObjectCreated:Put",
            json!({ "key": "a+b/%C3%BC%2B1.txt", "size": 5, "eTag": HELLO, "sequencer": "006B0297CF393BCD51" }),
        ),
        (
            "ceph-rgw-16.2.15-sync-ObjectRemoved_Delete-unver",
            "ObjectRemoved:Delete",
            json!({ "key": "copy.txt", "sequencer": "006B0297D019D59FB1" }),
        ),
        (
            "ceph-rgw-16.2.15-sync-ObjectRemoved_DeleteMarkerCreated-unver",
            "ObjectRemoved:DeleteMarkerCreated",
            json!({ "key": "v.txt", "eTag": EMPTY, "sequencer": "006B0297D01BF399FA" }),
        ),
        (
            "rustfs-1.0.0-beta.7-ObjectCreated_Copy",
            "ObjectCreated:Copy",
            json!({ "key": "copy.txt", "size": 5, "eTag": HELLO, "sequencer": "0018EA4EE77E20A550" }),
        ),
        (
            "rustfs-1.0.0-beta.7-ObjectCreated_Put",
            "ObjectCreated:Put",
            json!({
                "key": "dir+one/%C3%BC%2B1+%E2%82%AC.txt",
                "size": 5, "eTag": HELLO, "sequencer": "0018EA4EE745C3D270",
            }),
        ),
        (
            "rustfs-1.0.0-beta.7-ObjectRemoved_Delete",
            "ObjectRemoved:Delete",
            json!({ "key": "copy.txt", "sequencer": "0018EA4EE82458FFCC" }),
        ),
        (
            "rustfs-1.0.0-beta.7-ObjectTagging_Put",
            "ObjectTagging:Put",
            json!({ "key": "copy.txt", "eTag": HELLO }),
        ),
        (
            "rustfs-1.0.0-beta.7-via-nats-core",
            "ObjectCreated:Put",
            json!({
                "key": "load/2", "size": 4, "eTag": "8d777f385d3dfec8815d20f7496026dc",
                "sequencer": "0018EA4F666B61CB5B",
            }),
        ),
    ]
}

#[test]
fn every_capture_becomes_amazon_s_record() {
    let (home, queue) = home_and_queue("dialects-captures");
    let daemon = home.start();
    for (name, event_name, object) in expected() {
        let body = capture(name);
        daemon.accepts(&body);

        let message = queue.receive_one();
        let (sent, got) = (&body["Records"][0], &message["Records"][0]);
        // What RustFS sends through NATS is wrapped once more.
        let sent = sent.get("data").unwrap_or(sent);
        assert_eq!(got["eventName"], event_name, "{name}");
        assert_eq!(got["s3"]["object"], object, "{name}");
        assert_eq!(got["s3"]["bucket"]["name"], sent["s3"]["bucket"]["name"], "{name}");
        assert_eq!(got["userIdentity"], sent["userIdentity"], "{name}");
        assert_eq!(got["eventSource"], "aws:s3", "{name}");
        let parameters = got["requestParameters"].as_object().expect("it is an object");
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["sourceIPAddress"], "{name}");
        assert!(!message.to_string().contains("AWS4-HMAC-SHA256"), "{name}: a signature leaked");
    }
}

#[test]
fn no_capture_is_left_out() {
    let mut captures = captures_with_a_body();
    captures.sort();
    let expected: Vec<_> = expected().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(captures, expected);
}

#[test]
fn many_documents_in_one_request_are_one_a_line() {
    let (home, queue) = home_and_queue("dialects-ndjson");
    let daemon = home.start();
    let names =
        ["ceph-rgw-16.2.15-sync-ObjectCreated_Put-unver", "rustfs-1.0.0-beta.7-ObjectCreated_Put"];
    let body = lines(names.map(capture));

    let answer = daemon.post_lines(&body);

    assert_eq!((answer.status, answer.json()), (200, json!({ "received": 2, "matched": 2 })));
    assert_eq!(queue.receive_until(2, SOON).len(), 2);
}

#[test]
fn a_probe_without_a_body_is_welcome() {
    let home = Home::new();
    let daemon = home.start();
    for method in ["HEAD", "GET"] {
        assert_eq!(daemon.probe(method).status, 200, "{method}");
    }
}

#[test]
fn minio_s_names_for_tagging_become_amazon_s() {
    let (home, queue) = home_and_queue("dialects-tagging");
    let daemon = home.start();
    for (sent, got) in [
        ("ObjectCreated:PutTagging", "ObjectTagging:Put"),
        ("ObjectCreated:DeleteTagging", "ObjectTagging:Delete"),
    ] {
        daemon.accepts(&minio(sent, "photos", "a.txt"));
        let record = &queue.receive_one()["Records"][0];
        assert_eq!((&record["eventName"], &record["eventVersion"]), (&got.into(), &"2.3".into()));
    }
}

#[test]
fn an_event_that_amazon_does_not_have_is_counted_and_dropped() {
    let (home, queue) = home_and_queue("dialects-foreign");
    let daemon = home.start();
    for event in ["ObjectAccessed:Get", "Scanner:ManyVersions"] {
        let answer = daemon.accepts(&minio(event, "photos", "a.txt"));
        assert_eq!(answer.json(), json!({ "received": 1, "matched": 0 }), "{event}");
    }
    // What comes after them arrives, and nothing before it.
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "after.txt"));
    assert_eq!(queue.receive_one()["Records"][0]["s3"]["object"]["key"], "after.txt");
}
