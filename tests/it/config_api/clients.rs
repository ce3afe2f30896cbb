//! Clients other than boto3's current calls: the AWS CLI, the deprecated calls, Terraform's way.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{Addressing, CREATED, Client, Request, SECRET, filtered, home};
use crate::harness::{Home, minio, moto, python, rule, rules};

/// Runs the AWS CLI for the two calls.
fn aws(home: &Home, arguments: &[&str]) -> Output {
    aws_at(home.address("s3"), arguments)
}

fn aws_at(address: &str, arguments: &[&str]) -> Output {
    let mut aws = Command::new("timeout");
    aws.args(["60"]).arg(python().with_file_name("aws")).env_clear().envs([
        ("AWS_ACCESS_KEY_ID", "all"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("PATH", "/usr/bin:/bin"),
    ]);
    aws.args(["--endpoint-url", &format!("http://{address}"), "s3api"]);
    aws.args(arguments).args(["--bucket", "photos"]).output().expect("timeout (coreutils) starts")
}

#[track_caller]
fn printed(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    if output.stdout.is_empty() {
        return json!({});
    }
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

#[test]
fn the_aws_cli_puts_and_gets() {
    let home = home();
    let daemon = home.start();
    let queue = moto().queue("s3-aws-cli");
    let one = filtered(rule("cli", &queue.arn, &[CREATED]), &[("Prefix", "images/")]);
    let document = rules(&[one]);
    let put = |document: &Value| {
        let document = document.to_string();
        aws(
            &home,
            &["put-bucket-notification-configuration", "--notification-configuration", &document],
        )
    };
    let get = || printed(&aws(&home, &["get-bucket-notification-configuration"]));
    assert_eq!(get(), json!({}));
    printed(&put(&document));
    assert_eq!(queue.receive_one()["Event"], "s3:TestEvent");
    assert_eq!(get(), document);
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "images/a"));
    assert_eq!(queue.receive_one()["Records"][0]["s3"]["configurationId"], "cli");

    let missing = "arn:aws:sqs:us-east-1:123456789012:nobody-made-this";
    let refused = put(&rules(&[rule("q", missing, &[CREATED])]));
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(
        errors.contains(
            "An error occurred (InvalidArgument) when calling the \
             PutBucketNotificationConfiguration operation: Unable to validate the following \
             destination configurations"
        ),
        "{errors}"
    );
    assert_eq!(get(), document);
    printed(&put(&json!({})));
    assert_eq!(get(), json!({}));
}

#[test]
fn a_client_that_is_pointed_at_the_events_port_is_told_so() {
    let home = home();
    let daemon = home.start();
    for arguments in [
        &["get-bucket-notification-configuration"][..],
        &["put-bucket-notification-configuration", "--notification-configuration", "{}"],
    ] {
        let refused = aws_at(home.address("events"), arguments);
        let errors = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{errors}");
        assert!(errors.contains("The S3 API is at the address of listen.s3"), "{errors}");
    }
    let anonymous = daemon.post(b"{}", &[("Authorization", "AWS4-HMAC-SHA256 Credential=x")]);
    assert_eq!(anonymous.status, 400, "{}", anonymous.text);
    assert_eq!(daemon.probe("GET").status, 200);
}

#[test]
fn the_deprecated_calls_of_boto3_still_work() {
    let home = home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = moto().queue("s3-deprecated");
    let subscriber = moto().queue("s3-deprecated-topic");
    let topic = moto().topic("s3-deprecated", &subscriber);
    let function = moto().function("s3-deprecated");
    let document = json!({
        "TopicConfiguration": { "Id": "t", "Topic": topic, "Events": ["s3:ObjectRemoved:*"] },
        "QueueConfiguration": { "Id": "q", "Queue": queue.arn, "Event": CREATED },
        "CloudFunctionConfiguration": {
            "Id": "f",
            "CloudFunction": function,
            "Events": ["s3:ObjectTagging:Put", "s3:ObjectTagging:Delete"],
            "InvocationRole": "arn:aws:iam::123456789012:role/invoke",
        },
    });
    let arguments = json!({ "NotificationConfiguration": document });
    client.boto3("put_bucket_notification", "photos", arguments).accepted();
    assert_eq!(queue.receive_one()["Event"], "s3:TestEvent");
    let got = client.get("photos");
    assert_eq!(got["QueueConfigurations"], json!([rule("q", &queue.arn, &[CREATED])]));
    let events = &got["LambdaFunctionConfigurations"][0]["Events"];
    assert_eq!(*events, json!(["s3:ObjectTagging:Put", "s3:ObjectTagging:Delete"]));

    let old = client.boto3("get_bucket_notification", "photos", json!({})).accepted();
    assert_eq!(old["QueueConfiguration"]["Queue"], queue.arn.as_str());
    assert_eq!(old["TopicConfiguration"]["Topic"], topic.as_str());
    assert_eq!(old["CloudFunctionConfiguration"]["CloudFunction"], function.as_str());
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    assert_eq!(queue.receive_one()["Records"][0]["s3"]["configurationId"], "q");

    let arguments = json!({ "NotificationConfiguration": {} });
    client.boto3("put_bucket_notification", "photos", arguments).accepted();
    assert_eq!(client.get("photos"), json!({}));
}

/// What `aws_s3_bucket_notification` of Terraform sends, with the ids that it makes up.
fn terraform(queue: &str, topic: &str) -> String {
    let rule = |element: &str, arn_element: &str, arn: &str, id: &str, event: &str| {
        format!(
            "<{element}><Event>{event}</Event><Filter><S3Key><FilterRule><Name>prefix</Name>\
             <Value>logs/</Value></FilterRule><FilterRule><Name>suffix</Name><Value>.gz</Value>\
             </FilterRule></S3Key></Filter><Id>{id}</Id><{arn_element}>{arn}</{arn_element}>\
             </{element}>"
        )
    };
    let (queue_id, topic_id) =
        ("tf-s3-queue-20261122204509000100000001", "tf-s3-topic-20261122204509000100000002");
    format!(
        "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}{}\
         </NotificationConfiguration>",
        rule("QueueConfiguration", "Queue", queue, queue_id, CREATED),
        rule("TopicConfiguration", "Topic", topic, topic_id, "s3:ObjectRemoved:*"),
    )
}

#[test]
fn terraform_applies_finds_no_difference_and_destroys() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let (queue, subscriber) = (moto().queue("s3-terraform"), moto().queue("s3-terraform-topic"));
    let topic = moto().topic("s3-terraform", &subscriber);
    let sent = terraform(&queue.arn, &topic);
    let owner = ("x-amz-expected-bucket-owner", "123456789012");
    let put = Request { headers: &[owner], body: &sent, ..Request::default() };
    for _ in 0..2 {
        // Apply, and apply again what has not changed: both are validated.
        client.send(&put).accepted();
        assert_eq!(queue.receive_one()["Event"], "s3:TestEvent");
        let got = client.get("photos");
        let id = &got["QueueConfigurations"][0]["Id"];
        assert_eq!(id, "tf-s3-queue-20261122204509000100000001");
        let filter = got["TopicConfigurations"][0]["Filter"]["Key"]["FilterRules"].clone();
        let expected = json!([
            { "Name": "Prefix", "Value": "logs/" },
            { "Name": "Suffix", "Value": ".gz" },
        ]);
        assert_eq!(filter, expected);
    }
    let empty = "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\" />";
    client.send(&Request { body: empty, ..put }).accepted();
    let arguments = json!({});
    let get = "get_bucket_notification_configuration";
    let got = client.boto3_as(["all", SECRET], Addressing::Virtual, "photos", (get, arguments));
    assert_eq!(got.accepted(), json!({}));
}
