//! FIFO queues and topics: refused as Amazon refuses them, or allowed and shown like any other.

use serde_json::{Value, json};

use super::{messages, read, read_with};
use crate::{
    model::TopicArn,
    rules::{Config, Document, Extension},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders.fifo";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders.fifo";

fn allowing() -> Config {
    Config { fifo: Extension::Allow, ..Config::default() }
}

fn asking(queue: &str, topic: &str) -> Value {
    json!({
        "QueueConfigurations": [{ "Id": "q", "QueueArn": queue, "Events": ["s3:ObjectCreated:*"] }],
        "TopicConfigurations": [{ "Id": "t", "TopicArn": topic, "Events": ["s3:ObjectRemoved:*"] }],
    })
}

#[test]
fn without_being_allowed_they_get_amazon_s_errors() {
    let topic = format!(
        "The ARN failed to satisfy constraint: Member must satisfy regular expression pattern: {}",
        TopicArn::PATTERN
    );
    let told = messages(read(&asking(QUEUE, TOPIC)));
    assert_eq!(told, [&*topic, "FIFO SQS queues are not supported."]);
    let mangled = QUEUE.replace("orders", "or.ders");
    let told = messages(read(&asking(&mangled, &TOPIC.replace(".fifo", ""))));
    assert_eq!(told, ["FIFO SQS queues are not supported."]);
}

#[test]
fn allowed_they_are_destinations_like_any_other() {
    let document = read_with(&allowing(), &asking(QUEUE, TOPIC)).unwrap();
    let arns: Vec<_> = document.rules().iter().map(|rule| rule.destination.as_str()).collect();
    assert_eq!(arns, [TOPIC, QUEUE]);
    assert!(document.rules().iter().all(|rule| rule.destination.is_fifo()));
    let (bucket, config) = ("photos".parse().unwrap(), allowing());
    let context = super::Context { bucket: &bucket, region: "us-east-1", config: &config };
    let again = Document::from_xml(document.to_xml().as_bytes(), &context).unwrap();
    assert_eq!(again, document);
}

#[test]
fn allowed_they_have_to_be_what_their_arns_say() {
    for (queue, topic) in [(TOPIC, TOPIC), (QUEUE, QUEUE), (&*format!("{QUEUE}.fifo"), TOPIC)] {
        let problems = messages(read_with(&allowing(), &asking(queue, topic)));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("The ARN failed to satisfy constraint"), "{problems:?}");
    }
}
