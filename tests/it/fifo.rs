//! With `[rules] fifo = "allow"` a FIFO queue or topic gets what it needs to keep each key's order.

use serde_json::{Value, json};

use crate::harness::{Home, check, minio, moto, rule, rules};

const CREATED: &str = "s3:ObjectCreated:*";

fn key_of(body: &Value) -> &str {
    body["Records"][0]["s3"]["object"]["key"].as_str().expect("a record names its key")
}

#[test]
fn a_fifo_queue_gets_one_group_a_key_and_a_copy_but_once() {
    let queue = moto().fifo_queue("ordered.fifo");
    let home = Home::new().set("rules", "fifo", "allow");
    home.document("photos", &rules(&[rule("all", &queue.arn, &[CREATED])]));
    assert_eq!(check(&home, &[]).0, Some(0));
    let daemon = home.start();
    for key in ["a", "b", "a"] {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
    daemon.accepts(&minio("ObjectCreated:Copy", "photos", "a"));

    let received = queue.receive_in_groups(3);
    let keys: Vec<_> = received.iter().map(|(_, _, body)| key_of(body)).collect();
    assert_eq!(
        keys.iter().filter(|key| **key == "a").count(),
        2,
        "the second put is a copy: {keys:?}"
    );
    for (group, id, body) in &received {
        assert!(group.len() == 32 && id.len() == 32, "{group} {id}");
        for (other_group, other_id, other) in &received {
            assert_eq!(group == other_group, key_of(body) == key_of(other));
            assert_eq!(id == other_id, body == other);
        }
    }
}

#[test]
fn a_fifo_topic_passes_group_and_id_on() {
    let subscriber = moto().fifo_queue("ordered-subscriber.fifo");
    let topic = moto().topic("ordered-topic.fifo", &subscriber);
    let home = Home::new().set("rules", "fifo", "allow");
    home.document(
        "photos",
        &json!({ "TopicConfigurations": [{ "Id": "t", "TopicArn": topic, "Events": [CREATED] }] }),
    );
    let daemon = home.start();
    for key in ["a", "b"] {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
    let received = subscriber.receive_in_groups(2);
    let groups: Vec<_> = received.iter().map(|(group, _, _)| group).collect();
    assert_ne!(groups[0], groups[1]);
    assert!(
        received.iter().all(|(group, id, _)| group.len() == 32 && id.len() == 32),
        "{received:?}"
    );
}
