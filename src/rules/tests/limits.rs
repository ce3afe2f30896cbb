//! What has a limit, at the limit and one beyond.

use std::num::NonZeroUsize;

use serde_json::Value;

use super::{messages, queues, read, read_with, rule};
use crate::rules::{Config, Document, Problems};

const CREATED: &str = "s3:ObjectCreated:*";

fn numbered(count: usize) -> Value {
    let one = |n| rule(&format!("r{n}"), CREATED, Some(&format!("{n}/")), None);
    queues(&(0..count).map(one).collect::<Vec<_>>())
}

#[track_caller]
fn refuses(outcome: Result<Document, Problems>, code: &str, message: &str) {
    let problems = outcome.unwrap_err();
    let first = problems.first();
    assert_eq!((first.code(), first.message().as_str()), (code, message));
    assert_eq!(first.arguments(), None);
}

#[test]
fn a_bucket_has_at_most_100_rules_or_as_many_as_configured() {
    assert_eq!(read(&numbered(100)).unwrap().rules().len(), 100);
    refuses(
        read(&numbered(101)),
        "InvalidRequest",
        "Too many configurations submitted. The maximum number of configurations is 100",
    );
    let three = Config { per_bucket_max: NonZeroUsize::new(3).unwrap(), ..Config::default() };
    assert!(read_with(&three, &numbered(3)).is_ok());
    refuses(
        read_with(&three, &numbered(4)),
        "InvalidRequest",
        "Too many configurations submitted. The maximum number of configurations is 3",
    );
}

#[test]
fn event_bridge_is_not_counted() {
    let mut document = numbered(100);
    document["EventBridgeConfiguration"] = Value::Object(serde_json::Map::new());
    assert!(read(&document).is_ok());
}

#[test]
fn a_filter_value_has_at_most_1024_bytes() {
    let with_value = |value: &str| read(&queues(&[rule("a", CREATED, Some(value), None)]));
    assert!(with_value(&"ü".repeat(512)).is_ok());
    refuses(
        with_value(&format!("{}x", "ü".repeat(512))),
        "InvalidArgument",
        "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
    );
}

#[test]
fn an_id_has_at_most_255_characters() {
    let with_id = |id: &str| read(&queues(&[rule(id, CREATED, None, None)]));
    assert!(with_id(&"ü".repeat(255)).is_ok());
    refuses(
        with_id(&"ü".repeat(256)),
        "InvalidArgument",
        "ID length exceeded allowed limit of 255",
    );
}

#[test]
fn too_many_rules_come_before_everything_else() {
    let mut document = numbered(101);
    document["QueueConfigurations"][0]["QueueArn"] = "x".into();
    document["QueueConfigurations"][1]["Id"] = "r2".into();
    let messages = messages(read(&document));
    let beginnings: Vec<_> = messages.iter().map(|m| m.split(' ').next().unwrap()).collect();
    assert_eq!(beginnings, ["Too", "The", "Same"]);
}

#[test]
fn a_list_is_no_object_even_where_its_parts_would_fit() {
    let entry = r#"["id", "arn:aws:sqs:us-east-1:000000000000:q", ["s3:ObjectCreated:*"], null]"#;
    for text in [
        "[]".to_owned(),
        r#"{"EventBridgeConfiguration": []}"#.to_owned(),
        format!(r#"{{"QueueConfigurations": [{entry}]}}"#),
    ] {
        let text: Value = serde_json::from_str(&text).unwrap();
        let problems = read(&text).unwrap_err();
        assert_eq!(problems.first().code(), "MalformedXML", "{text}");
        assert!(problems.first().remedy().contains("list"), "{}", problems.first().remedy());
    }
}
