//! A destination that is down delays nobody else, and gets all of it when it comes back.

use serde_json::json;

use crate::harness::{Home, SOON, Sink, arrived, free_port, minio, moto, rule, until};

const DEAD: &str = "arn:aws:sqs:us-east-1:123456789012:down-for-a-while";
const EVENTS: usize = 30;

#[test]
fn a_dead_destination_delays_no_other_and_catches_up() {
    let port = free_port();
    let subscriber = moto().queue("outage-subscriber");
    let topic = moto().topic("outage-topic", &subscriber);
    let sqs = toml::Table::from_iter([(
        "endpoint_url".to_owned(),
        format!("http://127.0.0.1:{port}").into(),
    )]);
    let home = Home::new().set("aws", "sqs", sqs);
    home.document(
        "photos",
        &json!({
            "QueueConfigurations": [rule("dead", DEAD, &["s3:ObjectCreated:Put"])],
            "TopicConfigurations": [
                { "Id": "alive", "TopicArn": topic, "Events": ["s3:ObjectCreated:Copy"] }
            ],
        }),
    );
    let daemon = home.start();
    for n in 0..EVENTS {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", &format!("put-{n}")));
        daemon.accepts(&minio("ObjectCreated:Copy", "photos", &format!("copy-{n}")));
    }

    assert_eq!(subscriber.receive_until(EVENTS, SOON).len(), EVENTS);
    until("the failures are counted", SOON, || {
        (daemon.metric("fanfare_attempts_failed_total", &[DEAD]) > 0.0).then_some(())
    });
    let waiting = daemon.metric("fanfare_pending", &[DEAD]);
    assert!((waiting - 30.0).abs() < 0.5, "{waiting} are pending");
    assert_eq!(daemon.readyz().status, 200, "it still takes events");

    let sink = Sink::bind(port).expect("the port is ours");
    until("the queue catches up", SOON, || (sink.count() >= EVENTS).then_some(()));
    assert_eq!(arrived(&sink).len(), EVENTS);
    until("nothing is pending", SOON, || {
        (daemon.metric("fanfare_pending", &[DEAD]) < 0.5).then_some(())
    });
}
