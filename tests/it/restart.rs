//! What was accepted is sent after a stop, and what was sent is not sent again.

use std::collections::BTreeSet;

use crate::harness::{Home, SOON, Sink, arrived, free_port, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:restarted";

fn home_sending_to(port: u16) -> Home {
    let url = format!("http://127.0.0.1:{port}");
    let home = Home::without_aws().set("aws", "endpoint_url", url);
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    home
}

#[test]
fn what_a_dead_destination_did_not_take_outlives_a_stop() {
    let port = free_port();
    let home = home_sending_to(port);
    let keys: BTreeSet<_> = (0..50).map(|n| format!("pending-{n}")).collect();
    let daemon = home.start();
    for key in &keys {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
    daemon.stop();

    let sink = Sink::bind(port).expect("the port is ours");
    let daemon = home.start();
    until("all arrive", SOON, || (sink.count() >= keys.len()).then_some(()));

    assert_eq!(arrived(&sink), keys);
    until("nothing is pending", SOON, || {
        (daemon.metric("fanfare_pending", &[QUEUE]) == 0.0).then_some(())
    });
}

#[test]
fn what_was_delivered_before_a_stop_is_not_sent_again() {
    let port = free_port();
    let home = home_sending_to(port);
    let first = Sink::bind(port).expect("the port is ours");
    let daemon = home.start();
    for n in 0..50 {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", &format!("before-{n}")));
    }
    until("all are acknowledged", SOON, || {
        (daemon.metric("fanfare_deliveries_total", &[QUEUE]) >= 50.0).then_some(())
    });
    daemon.stop();
    drop(first);

    let second = Sink::bind(port).expect("the port is ours");
    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "after"));
    until("the new one arrives", SOON, || (second.count() > 0).then_some(()));
    assert_eq!(arrived(&second), BTreeSet::from(["after".to_owned()]));
}
