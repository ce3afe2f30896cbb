//! What a service answers a batch, and what that means for each of its messages: through the SDK,
//! from the bytes on the wire.

use std::time::Duration;

use super::service::{Answer, Service, clients_at, message};
use crate::{
    model::Message,
    publish::{Aws, Class, DestinationConfig, Publish as _, Verdict},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/default";
const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const XML: (&str, &str) = ("content-type", "text/xml");

async fn publish(clients: &Aws, arn: &str, messages: usize) -> Vec<Verdict> {
    let batch: Vec<Message> = vec![message(); messages];
    let config = DestinationConfig::default();
    clients.publisher(&arn.parse().unwrap(), &config).publish(&batch).await
}

/// The verdicts on so many messages for this destination.
async fn verdicts(arn: &str, messages: usize, answer: Answer) -> Vec<Verdict> {
    let service = Service::answering(answer).await;
    publish(&service.clients().await, arn, messages).await
}

/// Each verdict on one line: what, class, code.
fn told(verdicts: &[Verdict]) -> Vec<String> {
    let line = |verdict: &Verdict| match verdict {
        Verdict::Delivered => "delivered".to_owned(),
        Verdict::Retry { cause, .. } => format!("retry {} {}", cause.class.name(), cause.code),
        Verdict::Reject(cause) => format!("reject {} {}", cause.class.name(), cause.code),
    };
    verdicts.iter().map(line).collect()
}

const PARTLY: [&str; 5] = [
    "delivered",
    "reject poison InvalidMessageContents",
    "retry throttled Throttled",
    "retry transient MissingEntry",
    "reject unknown NeverHeardOf",
];

#[tokio::test]
async fn a_queue_s_answer_is_told_by_the_ids_of_its_entries() {
    let answer = r#"{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"d"},
            {"Id":"17","MessageId":"m","MD5OfMessageBody":"d"},
            {"Id":"no id of ours","MessageId":"m","MD5OfMessageBody":"d"}],
        "Failed":[{"Id":"4","SenderFault":true,"Code":"NeverHeardOf"},
            {"Id":"2","SenderFault":false,"Code":"Throttled","Message":"slower"},
            {"Id":"1","SenderFault":true,"Code":"InvalidMessageContents","Message":"no"}]}"#;
    assert_eq!(told(&verdicts(QUEUE, 5, Answer::Told(200, JSON, answer)).await), PARTLY);
}

#[tokio::test]
async fn a_topic_s_answer_is_told_by_the_ids_of_its_entries() {
    let answer = "<PublishBatchResponse><PublishBatchResult><Successful>\
        <member><Id>0</Id><MessageId>m</MessageId></member>\
        <member><Id>17</Id><MessageId>m</MessageId></member></Successful><Failed>\
        <member><Id>4</Id><SenderFault>true</SenderFault><Code>NeverHeardOf</Code></member>\
        <member><Id>2</Id><SenderFault>false</SenderFault><Code>Throttled</Code></member>\
        <member><Id>1</Id><SenderFault>true</SenderFault><Code>InvalidMessageContents</Code>\
        </member></Failed></PublishBatchResult></PublishBatchResponse>";
    assert_eq!(told(&verdicts(TOPIC, 5, Answer::Told(200, XML, answer)).await), PARTLY);
}

#[tokio::test]
async fn a_bus_s_answer_is_told_by_the_place_of_its_entries() {
    let answer = r#"{"FailedEntryCount":3,"Entries":[{"EventId":"e"},
        {"ErrorCode":"MalformedDetail","ErrorMessage":"no"},{"ErrorCode":"ThrottlingException"},
        {"ErrorCode":"NeverHeardOf"},{}]}"#;
    let expected = [
        "delivered",
        "reject poison MalformedDetail",
        "retry throttled ThrottlingException",
        "retry unknown NeverHeardOf",
        "retry transient MissingEntry",
        "retry transient MissingEntry",
    ];
    for messages in [6, 3] {
        let told = told(&verdicts(BUS, messages, Answer::Told(200, JSON, answer)).await);
        assert_eq!(told, expected[..messages]);
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_delivers_nothing() {
    for (arn, header, body, code) in [
        (QUEUE, JSON, "{}", "MissingEntry"),
        (QUEUE, JSON, "<html>", "UnreadableAnswer"),
        (BUS, JSON, r#"{"FailedEntryCount":0}"#, "MissingEntry"),
        (BUS, JSON, "[]", "UnreadableAnswer"),
        (FUNCTION, JSON, "{}", "UnreadableAnswer"),
        (
            TOPIC,
            XML,
            "<PublishBatchResponse><PublishBatchResult></PublishBatchResult></PublishBatchResponse>",
            "MissingEntry",
        ),
        (TOPIC, XML, "{}", "UnreadableAnswer"),
    ] {
        let told = told(&verdicts(arn, 2, Answer::Told(200, header, body)).await);
        assert_eq!(told, vec![format!("retry transient {code}"); 2], "{arn}: {body}");
    }
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_judged_by_its_size() {
    let too_long = r#"{"__type":"com.amazonaws.sqs#BatchRequestTooLong","message":"m"}"#;
    let invalid = r#"{"__type":"InvalidParameterValueException","message":"m"}"#;
    for (body, messages, expected) in [
        (too_long, 2, "retry batch_shape BatchRequestTooLong"),
        (too_long, 1, "reject poison BatchRequestTooLong"),
        (invalid, 2, "retry unknown InvalidParameterValueException"),
        (invalid, 1, "reject poison InvalidParameterValueException"),
    ] {
        let told = told(&verdicts(QUEUE, messages, Answer::Told(400, JSON, body)).await);
        assert_eq!(told, vec![expected; messages]);
    }
}

#[tokio::test]
async fn a_status_without_a_code_is_enough() {
    for (status, expected) in [
        (429, "retry throttled Http429"),
        (503, "retry transient Http503"),
        (403, "retry broken Http403"),
        (413, "reject poison Http413"),
        (418, "retry unknown Http418"),
    ] {
        for arn in [QUEUE, TOPIC, FUNCTION, BUS] {
            let header = ("x-nothing", "here");
            let told = told(&verdicts(arn, 1, Answer::Told(status, header, "")).await);
            assert_eq!(told, [expected], "{arn}");
        }
    }
}

#[tokio::test]
async fn the_wait_that_a_service_asks_for_is_passed_on_in_either_unit() {
    for (header, wait) in [
        (("retry-after", "7"), Some(Duration::from_secs(7))),
        (("x-amz-retry-after", "1500"), Some(Duration::from_millis(1500))),
        (("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"), None),
        (("x-amz-retry-after", "-1"), None),
    ] {
        for arn in [QUEUE, TOPIC, FUNCTION, BUS] {
            match &*verdicts(arn, 1, Answer::Told(503, header, "")).await {
                [Verdict::Retry { after, .. }] => assert_eq!(*after, wait, "{arn}: {header:?}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_or_is_not_there_passes() {
    for arn in [QUEUE, TOPIC, FUNCTION, BUS] {
        assert_eq!(told(&verdicts(arn, 1, Answer::Silence).await), ["retry transient Timeout"]);
        let clients = clients_at("http://127.0.0.1:1").await;
        assert_eq!(told(&publish(&clients, arn, 1).await), ["retry transient Connection"]);
    }
}

#[tokio::test]
async fn a_function_gets_one_message_a_request_and_each_its_own_verdict() {
    let service = Service::answering(Answer::Told(202, JSON, "")).await;
    let verdicts = publish(&service.clients().await, FUNCTION, 2).await;
    assert_eq!(verdicts, [Verdict::Delivered, Verdict::Delivered]);
    assert_eq!(service.received().len(), 2);
}

#[tokio::test]
async fn the_entries_of_a_batch_are_told_apart_by_their_places() {
    let service = Service::answering(Answer::Told(200, JSON, "{}")).await;
    drop(publish(&service.clients().await, QUEUE, 10).await);
    let sent: serde_json::Value = serde_json::from_str(&service.received()[0].body).unwrap();
    let entries = sent["Entries"].as_array().unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry["Id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

/// Nothing is broken about the messages when there is nobody to sign for them.
#[tokio::test]
async fn missing_credentials_break_the_destination() {
    let service = Service::answering(Answer::Silence).await;
    let verdicts = publish(&service.clients_without_credentials().await, QUEUE, 2).await;
    assert_eq!(told(&verdicts), ["retry broken NoCredentials"; 2]);
    assert_eq!(verdicts[0].cause().unwrap().class, Class::Broken);
    assert!(service.received().is_empty());
}
