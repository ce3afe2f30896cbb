//! What a FIFO destination gets, and what no other does.

use std::collections::HashSet;

use super::service::{Answer, Service, message};
use crate::{
    model::{Again, EventId, Message},
    publish::{DestinationConfig, Publish as _},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");

fn asked_by(rule: &str) -> Message {
    Message { rule: Some(rule.parse().unwrap()), ..message() }
}

/// The body of the request that publishes these.
async fn published(arn: &str, batch: &[Message]) -> String {
    let service = Service::answering(Answer::Told(200, JSON, "{}")).await;
    let clients = service.clients().await;
    let publisher = clients.publisher(&arn.parse().unwrap(), &DestinationConfig::default());
    drop(publisher.publish(batch).await);
    service.received().remove(0).body
}

/// The body of the request that sends the test message.
async fn tested(arn: &str) -> String {
    let service = Service::answering(Answer::Told(200, JSON, "{}")).await;
    let (clients, config) = (service.clients().await, DestinationConfig::default());
    drop(clients.probe(&arn.parse().unwrap(), &config, &message()).await);
    service.received().remove(0).body
}

fn ids(message: &Message) -> [String; 2] {
    [message.group.to_string(), message.deduplication_id().to_string()]
}

#[tokio::test]
async fn a_fifo_queue_gets_the_group_and_the_id_of_each_message() {
    let batch = [asked_by("a"), asked_by("b")];
    let body = published(&format!("{QUEUE}.fifo"), &batch).await;
    let sent: serde_json::Value = serde_json::from_str(&body).unwrap();
    for (index, message) in batch.iter().enumerate() {
        let [group, id] = ids(message);
        let entry = &sent["Entries"][index];
        assert_eq!(
            (&entry["MessageGroupId"], &entry["MessageDeduplicationId"]),
            (&group.into(), &id.into())
        );
    }
    let body = tested(&format!("{QUEUE}.fifo")).await;
    let sent: serde_json::Value = serde_json::from_str(&body).unwrap();
    let [group, id] = ids(&message());
    assert_eq!(
        (&sent["MessageGroupId"], &sent["MessageDeduplicationId"]),
        (&group.into(), &id.into())
    );
}

#[tokio::test]
async fn a_fifo_topic_gets_the_group_and_the_id_of_each_message() {
    let batch = [asked_by("a"), asked_by("b")];
    let body = published(&format!("{TOPIC}.fifo"), &batch).await;
    for (place, message) in (1..).zip(&batch) {
        let [group, id] = ids(message);
        let entry = format!("PublishBatchRequestEntries.member.{place}");
        assert!(body.contains(&format!("{entry}.MessageGroupId={group}")), "{body}");
        assert!(body.contains(&format!("{entry}.MessageDeduplicationId={id}")), "{body}");
    }
    let (body, [group, id]) = (tested(&format!("{TOPIC}.fifo")).await, ids(&message()));
    assert!(body.contains(&format!("&MessageGroupId={group}")), "{body}");
    assert!(body.contains(&format!("&MessageDeduplicationId={id}")), "{body}");
}

#[tokio::test]
async fn a_standard_queue_or_topic_gets_neither() {
    for arn in [QUEUE, TOPIC] {
        for body in [published(arn, &[message()]).await, tested(arn).await] {
            assert!(!body.contains("MessageGroupId"), "{body}");
            assert!(!body.contains("MessageDeduplicationId"), "{body}");
        }
    }
}

#[test]
fn what_an_operator_has_sent_again_is_no_copy() {
    let id = |again| Message { again, ..asked_by("a") }.deduplication_id();
    let ids = [None, Some(Again::Redriven(7)), Some(Again::Replayed(7)), Some(Again::Replayed(8))];
    let unique: HashSet<_> = ids.into_iter().map(id).collect();
    assert_eq!(unique.len(), ids.len());
    assert_eq!(id(ids[1]), id(ids[1]), "an attempt of it is a copy of the one before");
}

#[test]
fn two_rules_messages_of_one_event_are_no_copies_of_each_other() {
    let id = |rule| asked_by(rule).deduplication_id();
    assert_ne!(id("a"), id("b"));
    assert_eq!(id("a"), id("a"));
    let test = EventId::of_test(&"photos".parse().unwrap(), "1");
    assert_eq!(message().deduplication_id(), test);
}
