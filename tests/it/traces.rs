//! What a collector is told of an event, and which trace goes on with it to AWS.

use std::{net::TcpListener, time::Duration};

use serde_json::{Value, json};

use crate::harness::{
    Collector, Daemon, Fault, Home, SOON, Script, Sink, free_port, minio, moto, rule, rules, until,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:traced";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const IN_X_RAY_FORM: &str =
    "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";
/// Far below the grace of the settings, and above the time for the last spans.
const QUICKLY: Duration = Duration::from_secs(8);

fn post(daemon: &Daemon<'_>, headers: &[(&str, &str)]) {
    let body = minio("ObjectCreated:Put", "photos", "a").to_string();
    assert_eq!(daemon.post(body.as_bytes(), headers).status, 200);
}

fn told_to(home: Home, url: String) -> Home {
    home.set("telemetry", "otlp_endpoint", url)
}

/// What a batch's only entry has for `AWSTraceHeader`.
fn trace_header(entries: &[Value]) -> &str {
    assert_eq!(entries.len(), 1, "{entries:?}");
    let attribute = &entries[0]["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"];
    attribute.as_str().expect("the message has one")
}

#[test]
fn a_collector_sees_the_request_and_the_delivery_in_the_client_s_trace() {
    let collector = Collector::start().expect("loopback has a port");
    let queue = moto().queue("traced");
    let home = told_to(Home::new(), collector.url());
    home.document("photos", &rules(&[rule("all", &queue.arn, &["s3:ObjectCreated:*"])]));
    let daemon = home.start();
    post(&daemon, &[("traceparent", TRACEPARENT)]);
    queue.receive_one();
    // What is left is exported at the stop.
    daemon.stop();

    let (requests, attempts) = (collector.spans("POST"), collector.spans("send "));
    let ([request], [attempt]) = (requests.as_slice(), attempts.as_slice()) else {
        panic!("one of each: {requests:?} {attempts:?}");
    };
    let trace = "0af7651916cd43dd8448eb211c80319c";
    assert_eq!((request.trace.as_str(), request.parent.as_str()), (trace, "b7ad6b7169203331"));
    assert_eq!(request.attribute("http.response.status_code"), "200");
    assert_eq!((attempt.trace.as_str(), &attempt.parent), (trace, &request.id));
    assert_eq!(attempt.attribute("messaging.destination.name"), queue.arn);
    assert_eq!(attempt.attribute("fanfare.delivered"), "1");
    assert_eq!(attempt.status, "");
    let expected =
        format!("Root=1-0af76519-16cd43dd8448eb211c80319c;Parent={};Sampled=1", request.id);
    assert_eq!(trace_header(&moto().batch_entries(&queue)), expected);
}

#[test]
fn a_delivery_that_fails_is_a_span_with_class_and_code() {
    let collector = Collector::start().expect("loopback has a port");
    let sink = Sink::bind(0).expect("loopback has a port");
    sink.all(Script::always(Fault::Denied));
    let home = told_to(Home::sending_to(&sink), collector.url());
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let daemon = home.start();
    post(&daemon, &[]);
    let attempt = until("an attempt is told", SOON, || collector.spans("send ").pop());
    assert_eq!(attempt.attribute("fanfare.class"), "broken");
    assert_eq!(attempt.attribute("error.type"), "AccessDenied");
    assert_eq!(attempt.status, "AccessDenied");
}

#[test]
fn without_a_collector_the_client_s_trace_goes_on_to_every_service() {
    let queue = moto().queue("untraced");
    let (topic, function) = (moto().topic("untraced", &queue), moto().function("untraced"));
    let home = Home::new();
    let created = ["s3:ObjectCreated:*"];
    home.document(
        "photos",
        &json!({
            "QueueConfigurations": [{ "QueueArn": queue.arn, "Events": created }],
            "TopicConfigurations": [{ "TopicArn": topic, "Events": ["s3:ObjectRemoved:*"] }],
            "LambdaFunctionConfigurations": [{
                "LambdaFunctionArn": function, "Events": ["s3:ObjectTagging:*"]
            }],
        }),
    );
    let daemon = home.start();
    for event in ["ObjectCreated:Put", "ObjectRemoved:Delete", "ObjectTagging:Put"] {
        let body = minio(event, "photos", "a").to_string();
        let sent = [("traceparent", TRACEPARENT)];
        assert_eq!(daemon.post(body.as_bytes(), &sent).json()["matched"], 1, "{event}");
    }
    queue.receive_until(2, SOON);
    until("the function runs", SOON, || (!moto().invocations(&function).is_empty()).then_some(()));
    assert_eq!(trace_header(&moto().batch_entries(&queue)), IN_X_RAY_FORM);
    for target in [&topic, &function] {
        assert_eq!(moto().trace_headers(target), [IN_X_RAY_FORM], "{target}");
    }
}

#[test]
fn a_collector_that_hangs_delays_neither_events_nor_the_stop() {
    let hung = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let address = hung.local_addr().expect("it is bound");
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = told_to(Home::sending_to(&sink), format!("http://{address}"));
    let home = home.set_top("shutdown_grace", "1m");
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let daemon = home.start();
    // More than the SDK keeps.
    let events = 3000;
    for _ in 0..events {
        post(&daemon, &[]);
    }
    until("all arrive", SOON, || (sink.count() >= events).then_some(()));
    daemon.signal("TERM");
    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
}

#[test]
fn a_collector_that_is_gone_is_told_of_once() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let url = format!("http://127.0.0.1:{}", free_port());
    let home = told_to(Home::sending_to(&sink), url);
    let daemon = home.start();
    post(&daemon, &[]);
    until("it is logged", SOON, || {
        home.log().contains("telemetry.otlp_endpoint takes no spans").then_some(())
    });
    post(&daemon, &[]);
    daemon.stop();
    assert_eq!(home.log().matches("takes no spans").count(), 1, "{}", home.log());
}
