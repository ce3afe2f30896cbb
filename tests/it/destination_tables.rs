//! What a `[[destination]]` table says holds for its destinations, and for no other.

use serde_json::json;

use crate::harness::{Home, SOON, Sink, minio, moto, rule, rules, until};

const ROLE: &str = "arn:aws:iam::123456789012:role/fanfare-sender";

/// `[[destination]]` tables.
fn tables(text: &str) -> toml::Value {
    toml::from_str::<toml::Table>(text).expect("the test writes TOML")["destination"].clone()
}

/// One rule a queue.
fn to_each(queues: &[&str]) -> serde_json::Value {
    let suffix =
        |name: &str| json!({ "Key": { "FilterRules": [{ "Name": "suffix", "Value": name }] } });
    let rules_of = queues.iter().enumerate().map(|(index, arn)| {
        let mut rule = rule(&format!("r{index}"), arn, &["s3:ObjectCreated:*"]);
        rule["Filter"] = suffix(&index.to_string());
        rule
    });
    rules(&rules_of.collect::<Vec<_>>())
}

#[test]
fn a_destination_with_a_role_is_sent_to_with_the_role_s_keys() {
    let queues = ["role-a", "role-b", "role-none"].map(|name| moto().queue(name));
    let text = format!("[[destination]]\nmatch = \"*:role-?\"\nrole_arn = \"{ROLE}\"");
    let text = ["a", "b"].map(|name| text.replace('?', name)).join("\n");
    let home = Home::new().set_top("destination", tables(&text));
    home.document("photos", &to_each(&queues.each_ref().map(|queue| &*queue.arn)));
    let daemon = home.start();
    for (index, queue) in queues.iter().enumerate() {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", &format!("key-{index}")));
        queue.receive_one();
    }
    let [a, b, none] = queues.each_ref().map(|queue| moto().senders(queue));
    assert_eq!(none, ["test"], "the keys of the daemon's environment");
    assert!(a[0].starts_with("ASIA"), "temporary keys begin so: {a:?}");
    assert_eq!(a, b, "the role is assumed once");
}

#[test]
fn a_destination_with_an_endpoint_is_sent_to_there() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let elsewhere = "arn:aws:sqs:us-east-1:123456789012:elsewhere-1";
    let queue = moto().queue("not-elsewhere");
    let text =
        format!("[[destination]]\nmatch = \"*:elsewhere-*\"\nendpoint_url = \"{}\"", sink.url());
    let home = Home::new().set_top("destination", tables(&text));
    home.document("photos", &to_each(&[elsewhere, &queue.arn]));
    let daemon = home.start();
    for key in ["to-0", "to-1"] {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
    queue.receive_one();
    until("the sink has the other", SOON, || (sink.count() == 1).then_some(()));
    assert!(sink.bodies()[0].contains("to-0"), "{:?}", sink.bodies());
}
