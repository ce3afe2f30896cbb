//! A configuration is put only if every destination takes what will be sent to it; queues and
//! topics get Amazon's test message to find out.

use serde_json::{Value, json};

use super::{CREATED, Client, FUNCTION, QUEUE, Request, TOPIC, home, invalid, with_keys};
use crate::harness::{Fault, Home, SOON, Script, Sink, minio, moto, rule, rules};

const UNABLE: &str = "Unable to validate the following destination configurations";
const LOST: &str = "s3:ReducedRedundancyLostObject";

/// A service that does this to every request.
fn always(fault: Fault) -> Sink {
    let service = Sink::bind(0).expect("loopback has a port");
    service.all(Script::always(fault));
    service
}

/// The section of a service that this plays.
fn endpoint(service: &Sink) -> toml::Table {
    let url = service.url();
    toml::toml! { endpoint_url = url }
}

/// A home with moto behind it, whose Lambda takes the name of every function without a look, and
/// so is replaced.
fn home_without_functions() -> (Home, Sink) {
    let lambda = always(Fault::Missing);
    (home().set("aws", "lambda", endpoint(&lambda)), lambda)
}

fn topic_rule(topic: &str, events: &[&str]) -> Value {
    json!({ "Id": "t", "TopicArn": topic, "Events": events })
}

fn topics(topic: &str, events: &[&str]) -> Value {
    json!({ "TopicConfigurations": [topic_rule(topic, events)] })
}

fn function_rule(function: &str) -> Value {
    json!({ "Id": "f", "LambdaFunctionArn": function, "Events": ["s3:ObjectTagging:*"] })
}

fn functions(function: &str) -> Value {
    json!({ "LambdaFunctionConfigurations": [function_rule(function)] })
}

/// Puts a document for one destination that fails like this, and then without validation.
#[track_caller]
fn refuses(client: &mut Client, document: &Value, name: &str, value: &str) {
    let answer = client.put("photos", document);
    let arguments = [("ArgumentName1", name), ("ArgumentValue1", value)];
    assert_eq!(answer.refused(), invalid(UNABLE, &arguments), "{document}");
    assert_eq!(client.get("photos"), json!({}), "nothing is stored");
    client.put_unvalidated("photos", document).accepted();
    client.put("photos", &json!({})).accepted();
}

fn lambda_value(function: &str) -> String {
    format!("Not authorized to invoke function [{function}]")
}

#[test]
fn a_destination_has_to_exist() {
    let (home, _lambda) = home_without_functions();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = "arn:aws:sqs:us-east-1:123456789012:nobody-made-this";
    let document = rules(&[rule("q", queue, &[CREATED])]);
    refuses(client, &document, queue, "The destination queue does not exist");
    let topic = "arn:aws:sns:us-east-1:123456789012:nobody-made-this";
    refuses(client, &topics(topic, &[CREATED]), topic, "The destination topic does not exist");
    let function = "arn:aws:lambda:us-east-1:123456789012:function:nobody-made-this";
    let name = format!("{function}, null");
    refuses(client, &functions(function), &name, &lambda_value(function));
}

#[test]
fn a_destination_has_to_let_s3_in() {
    for (service, reply, document, name, value) in [
        (
            "sqs",
            always(Fault::Denied),
            rules(&[rule("q", QUEUE, &[CREATED])]),
            QUEUE.to_owned(),
            "Permissions on the destination queue do not allow S3 to publish notifications from \
             this bucket"
                .to_owned(),
        ),
        (
            "sns",
            always(Fault::Denied),
            topics(TOPIC, &[CREATED]),
            TOPIC.to_owned(),
            "Permissions on the destination topic do not allow S3 to publish notifications from \
             this bucket"
                .to_owned(),
        ),
        (
            "lambda",
            always(Fault::Denied),
            functions(FUNCTION),
            format!("{FUNCTION}, null"),
            lambda_value(FUNCTION),
        ),
    ] {
        let home = with_keys(Home::without_aws()).set("aws", service, endpoint(&reply));
        let _daemon = home.start();
        refuses(&mut Client::of(&home), &document, &name, &value);
    }
}

#[test]
fn a_destination_that_does_not_answer_in_time_is_refused_like_one_that_is_not_there() {
    let silent = always(Fault::Silence);
    let home = with_keys(Home::without_aws()).set("aws", "endpoint_url", silent.url()).set(
        "s3",
        "validation_timeout",
        "500ms",
    );
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let document = json!({
        "QueueConfigurations": [rule("q", QUEUE, &[CREATED])],
        "TopicConfigurations": [topic_rule(TOPIC, &["s3:ObjectRemoved:*"])],
        "LambdaFunctionConfigurations": [function_rule(FUNCTION)],
    });
    let answer = client.put("photos", &document);
    let (status, elements) = answer.refused();
    assert_eq!((status, elements[1].1), (400, UNABLE), "{}", answer.body);
    let names: Vec<_> = elements.iter().map(|(name, _)| *name).collect();
    let numbered = ["ArgumentName1", "ArgumentValue1", "ArgumentName2", "ArgumentValue2"];
    assert_eq!(names[2..], [&numbered[..], &["ArgumentName3", "ArgumentValue3"]].concat());
    assert_eq!([elements[2].1, elements[4].1], [TOPIC, QUEUE]);
    assert!(elements[3].1 != "The destination topic does not exist", "{}", answer.body);
}

#[test]
fn every_failure_is_listed_in_the_order_of_the_request() {
    let (home, _lambda) = home_without_functions();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let there = moto().queue("s3-listed").arn;
    let missing = |n: usize| format!("arn:aws:sqs:us-east-1:123456789012:s3-missing-{n}");
    let rule_for = |arn: &str, n: usize| {
        super::filtered(rule(&format!("q{n}"), arn, &[CREATED]), &[("prefix", &format!("{n}/"))])
    };
    let queues: Vec<_> = (0..5).map(|n| rule_for(&missing(n), n)).collect();
    let topic = "arn:aws:sns:us-east-1:123456789012:s3-missing";
    let function = "arn:aws:lambda:us-east-1:123456789012:function:s3-missing";
    let mut document = json!({
        "LambdaFunctionConfigurations": [function_rule(function)],
        "TopicConfigurations": [topic_rule(topic, &["s3:ObjectRemoved:*"])],
        "QueueConfigurations": queues,
    });
    let queues = document["QueueConfigurations"].as_array_mut().expect("it is a list");
    queues.insert(2, rule_for(&there, 9));
    let mut expected = vec![(topic.to_owned(), "The destination topic does not exist".to_owned())];
    let queue = "The destination queue does not exist";
    expected.extend((0..5).map(|n| (missing(n), queue.to_owned())));
    expected.push((format!("{function}, null"), lambda_value(function)));

    let answer = client.put("photos", &document);
    let (_, elements) = answer.refused();
    let numbered = expected.iter().zip(1..).flat_map(|((name, value), n)| {
        [(format!("ArgumentName{n}"), name.clone()), (format!("ArgumentValue{n}"), value.clone())]
    });
    let arguments: Vec<_> =
        elements[2..].iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    assert_eq!(arguments, numbered.collect::<Vec<(String, String)>>());
    assert_eq!(answer.raised()["ArgumentName1"], topic);
}

/// Holds a test message to Amazon's form; `put` is the answer to the request that caused it.
#[track_caller]
fn is_test_message(message: &Value, bucket: &str, request_id: &str) {
    let members: Vec<_> = message.as_object().expect("it is an object").keys().collect();
    assert_eq!(members.len(), 6, "no `Records`: {message}");
    assert_eq!(message["Service"], "Amazon S3");
    assert_eq!(message["Event"], "s3:TestEvent");
    assert_eq!(message["Bucket"], bucket);
    assert_eq!(message["RequestId"], request_id);
    assert!(message["HostId"].as_str().is_some_and(|id| !id.is_empty()), "{message}");
    let time = message["Time"].as_str().expect("it has a time");
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    assert!(time.len() == "2014-10-13T15:57:02.089Z".len() && time.ends_with('Z'), "{time}");
}

#[test]
fn queues_and_topics_get_the_test_message_and_nobody_else_does() {
    let home = home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let (queue, subscriber, bus) =
        (moto().queue("s3-tested"), moto().queue("s3-tested-topic"), moto().queue("s3-tested-bus"));
    let topic = moto().topic("s3-tested", &subscriber);
    let function = moto().function("s3-tested");
    moto().forward_bus("s3-tested", &bus);
    let document = json!({
        "QueueConfigurations": [rule("q", &queue.arn, &[CREATED])],
        "TopicConfigurations": [topic_rule(&topic, &["s3:ObjectRemoved:*"])],
        "LambdaFunctionConfigurations": [function_rule(&function)],
        "EventBridgeConfiguration": {},
    });
    let put = client.put("s3-tested", &document);
    let request_id = put.headers["x-amz-request-id"].clone();
    assert!(!put.headers.contains_key("x-amz-sns-test-message-id"), "{:?}", put.headers);
    assert_eq!((put.status, put.body.as_str()), (200, ""));

    is_test_message(&queue.receive_one(), "s3-tested", &request_id);
    let envelope = subscriber.receive_one();
    assert_eq!(envelope["Subject"], "Amazon S3 Notification");
    let message = envelope["Message"].as_str().expect("an envelope has a message");
    let message = serde_json::from_str(message).expect("it is JSON");
    is_test_message(&message, "s3-tested", &request_id);

    // Whatever the others had been sent would be there before this event.
    daemon.accepts(&minio("ObjectTagging:Put", "s3-tested", "a"));
    assert_eq!(bus.receive_one()["detail"]["object"]["key"], "a");
    crate::harness::until("the function is invoked", SOON, || {
        (!moto().invocations(&function).is_empty()).then_some(())
    });
    let invocations = moto().invocations(&function);
    assert_eq!(invocations.len(), 1, "{invocations:?}");
    assert!(invocations[0]["Records"].is_array(), "{invocations:?}");
    assert!(queue.receive().is_empty() && subscriber.receive().is_empty());
}

#[test]
fn whoever_skips_validation_sends_no_test_message() {
    let home = home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = moto().queue("s3-skipped");
    let document = rules(&[rule("q", &queue.arn, &[CREATED])]);
    client.put_unvalidated("photos", &document).accepted();
    let body = client.send(&Request { method: "GET", ..Request::default() }).body;
    for (value, sent) in [("TRUE", 0), ("True", 0), ("false", 1)] {
        let headers = &[("x-amz-skip-destination-validation", value)];
        client.send(&Request { headers, body: &body, ..Request::default() }).accepted();
        assert_eq!(queue.receive().len(), sent, "{value}");
    }
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    assert!(queue.receive_one()["Records"].is_array());
}

#[test]
fn the_sns_message_id_is_told_exactly_when_amazon_tells_it() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let subscriber = moto().queue("s3-lost-objects");
    let topic = moto().topic("s3-lost-objects", &subscriber);
    let told = client.put("photos", &topics(&topic, &[LOST]));
    let envelope = subscriber.receive_one();
    assert_eq!(
        Some(&told.headers["x-amz-sns-test-message-id"]),
        envelope["MessageId"].as_str().map(str::to_owned).as_ref()
    );

    let mut two = topics(&topic, &[LOST]);
    let mut second = topic_rule(&topic, &[CREATED]);
    second["Id"] = "t2".into();
    two["TopicConfigurations"].as_array_mut().expect("it is a list").push(second);
    let mut with_bus = topics(&topic, &[LOST]);
    with_bus["EventBridgeConfiguration"] = json!({});
    let queue = moto().queue("s3-lost-objects-queue");
    for document in [
        topics(&topic, &[CREATED]),
        topics(&topic, &[LOST, CREATED]),
        two,
        with_bus,
        rules(&[rule("q", &queue.arn, &[LOST])]),
        json!({}),
    ] {
        let answer = client.put("photos", &document);
        let id = answer.headers.get("x-amz-sns-test-message-id");
        assert_eq!((answer.status, id), (200, None), "{document}");
    }
    let answer = client.put_unvalidated("photos", &topics(&topic, &[LOST]));
    assert_eq!((answer.status, answer.headers.get("x-amz-sns-test-message-id")), (200, None));
}

#[test]
fn a_failed_destination_leaves_the_old_configuration_in_force() {
    let home = home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = moto().queue("s3-old-stays");
    let old = rules(&[rule("old", &queue.arn, &[CREATED])]);
    client.put_unvalidated("photos", &old).accepted();
    let missing = "arn:aws:sqs:us-east-1:123456789012:nobody-made-this";
    let new = rules(&[rule("new", missing, &["s3:ObjectRemoved:*"])]);
    assert_eq!(client.put("photos", &new).code(), (400, "InvalidArgument"));
    assert_eq!(client.get("photos"), old);
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    assert_eq!(queue.receive_one()["Records"][0]["s3"]["configurationId"], "old");
}

#[test]
fn an_allowed_fifo_queue_or_topic_gets_the_test_message_in_the_bucket_s_group() {
    let home = home().set("rules", "fifo", "allow");
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = moto().fifo_queue("tested-queue.fifo");
    let subscriber = moto().fifo_queue("tested-subscriber.fifo");
    let topic = moto().topic("tested-topic.fifo", &subscriber);
    client.put("photos", &rules(&[rule("q", &queue.arn, &[CREATED])])).accepted();
    client.put("photos", &topics(&topic, &[CREATED])).accepted();
    let [one, other] = [&queue, &subscriber].map(|queue| queue.receive_in_groups(1).remove(0));
    assert_eq!(one.2["Event"], "s3:TestEvent");
    assert_eq!(other.2["Type"], "Notification", "as SNS wraps it");
    assert_eq!(one.0, other.0, "the bucket is the group");
    assert_ne!(one.1, other.1, "each request has a test message of its own");
}
