//! Each of the four destinations gets the right message.

use serde_json::{Value, json};

use crate::harness::{Home, SOON, minio, moto, rule, rules, until};

const KEY: &str = "dir one/ü+1 100%.txt";
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// What Amazon would send for `minio("ObjectCreated:Put", bucket, KEY)`.
fn record(bucket: &str, rule: &str) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-02T15:04:05.678Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "minio-user" },
        "requestParameters": { "sourceIPAddress": "192.0.2.7" },
        "responseElements": {
            "x-amz-request-id": "17D0F3B4C5A69788",
            "x-amz-id-2": "dd9025bab4ad464b049177c95eb6ebf374d3b3fd1af9251148b658df7ac2e3e8",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule,
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "123456789012" },
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": {
                "key": "dir+one/%C3%BC%2B1+100%25.txt",
                "size": 5,
                "eTag": "5d41402abc4b2a76b9719d911017c592",
                "sequencer": "0018EA4EE745C3D270",
            },
        },
    }] })
}

#[test]
fn a_queue_gets_the_record_and_the_trace() {
    let (home, queue) = (Home::new(), moto().queue("destinations-queue"));
    home.document("to-sqs", &rules(&[rule("uploads", &queue.arn, &["s3:ObjectCreated:*"])]));
    let daemon = home.start();

    let body = minio("ObjectCreated:Put", "to-sqs", KEY).to_string();
    let answer = daemon.post(body.as_bytes(), &[("X-Amzn-Trace-Id", TRACE)]);

    assert_eq!((answer.status, answer.json()), (200, json!({ "received": 1, "matched": 1 })));
    assert_eq!(queue.receive_one(), record("to-sqs", "uploads"));
    let entries = moto().batch_entries(&queue);
    assert_eq!(entries.len(), 1, "{entries:?}");
    let attributes = &entries[0]["MessageSystemAttributes"];
    assert_eq!(attributes["AWSTraceHeader"], json!({ "DataType": "String", "StringValue": TRACE }));
    assert_eq!(entries[0].get("MessageAttributes"), None, "Amazon sends none");
}

#[test]
fn a_topic_gets_the_record_under_amazon_s_subject() {
    let (home, subscriber) = (Home::new(), moto().queue("destinations-subscriber"));
    let topic = moto().topic("destinations-topic", &subscriber);
    let events = ["s3:ObjectCreated:Put"];
    home.document(
        "to-sns",
        &json!({ "TopicConfigurations": [{ "Id": "news", "TopicArn": topic, "Events": events }] }),
    );

    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "to-sns", KEY));

    let notification = subscriber.receive_one();
    assert_eq!(notification["Type"], "Notification");
    assert_eq!(notification["TopicArn"], topic.as_str());
    assert_eq!(notification["Subject"], "Amazon S3 Notification");
    let message = notification["Message"].as_str().expect("the message is text");
    let message: Value = serde_json::from_str(message).expect("the message is JSON");
    assert_eq!(message, record("to-sns", "news"));
}

#[test]
fn a_function_is_invoked_with_the_record() {
    let (home, function) = (Home::new(), moto().function("destinations-function"));
    let events = ["s3:ObjectCreated:*"];
    home.document(
        "to-lambda",
        &json!({ "LambdaFunctionConfigurations": [
            { "Id": "thumbnails", "LambdaFunctionArn": function, "Events": events }
        ] }),
    );

    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "to-lambda", KEY));

    let invocations = until("an invocation", SOON, || {
        Some(moto().invocations(&function)).filter(|invocations| !invocations.is_empty())
    });
    assert_eq!(invocations, [record("to-lambda", "thumbnails")]);
}

#[test]
fn the_bus_gets_every_event_in_its_own_form() {
    let (home, queue) = (Home::new(), moto().queue("destinations-bus"));
    moto().forward_bus("to-the-bus", &queue);
    home.document("to-the-bus", &json!({ "EventBridgeConfiguration": {} }));

    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "to-the-bus", KEY));

    let event = queue.receive_one();
    assert_eq!(event["source"], "fanfare.s3");
    assert_eq!(event["detail-type"], "Object Created");
    assert_eq!(event["resources"], json!(["arn:aws:s3:::to-the-bus"]));
    assert_eq!(event["time"], "2026-01-02T15:04:05Z");
    assert_eq!(
        event["detail"],
        json!({
            "version": "0",
            "bucket": { "name": "to-the-bus" },
            "object": {
                "key": KEY,
                "size": 5,
                "etag": "5d41402abc4b2a76b9719d911017c592",
                "sequencer": "0018EA4EE745C3D270",
            },
            "request-id": "17D0F3B4C5A69788",
            "requester": "123456789012",
            "source-ip-address": "192.0.2.7",
            "reason": "PutObject",
        })
    );
}

#[test]
fn one_event_goes_to_its_rule_s_queue_and_to_the_bus() {
    let home = Home::new();
    let (queue, of_bus) = (moto().queue("both-queue"), moto().queue("both-bus"));
    moto().forward_bus("to-both", &of_bus);
    let mut document = rules(&[rule("uploads", &queue.arn, &["s3:ObjectCreated:*"])]);
    document["EventBridgeConfiguration"] = json!({});
    home.document("to-both", &document);

    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "to-both", KEY));

    assert_eq!(queue.receive_one(), record("to-both", "uploads"));
    assert_eq!(of_bus.receive_one()["detail"]["object"]["key"], KEY);
    for destination in [queue.arn.as_str(), "event-bus/default"] {
        until("the delivery is counted", SOON, || {
            let delivered = daemon.metric("fanfare_deliveries_total", &[destination]);
            (delivered > 0.0).then_some(())
        });
    }
}
