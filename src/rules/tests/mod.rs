//! The promises of the rules stage, against its public face.

mod ceph;
mod explain;
mod fifo;
mod golden;
mod ids;
mod limits;
mod lines;
mod overlap;
mod round_trip;

use serde_json::{Value, json};

use super::{Config, Context, Document, Problems};
use crate::model::BucketName;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:queue";

/// Reads a document for the bucket `photos` in `us-east-1`.
fn read_with(config: &Config, document: &Value) -> Result<Document, Problems> {
    read_for("photos", config, document)
}

fn read_for(bucket: &str, config: &Config, document: &Value) -> Result<Document, Problems> {
    let bucket: BucketName = bucket.parse().unwrap();
    let context = Context { bucket: &bucket, region: "us-east-1", config };
    Document::from_json(document.to_string().as_bytes(), &context)
}

fn read(document: &Value) -> Result<Document, Problems> {
    read_with(&Config::default(), document)
}

/// A rule for the queue, as boto3 writes it; empty values make no filter rule.
fn rule(id: &str, event: &str, prefix: Option<&str>, suffix: Option<&str>) -> Value {
    let mut rule = json!({ "Id": id, "QueueArn": QUEUE, "Events": [event] });
    let ends = [("prefix", prefix), ("suffix", suffix)];
    let rules: Vec<_> = ends
        .iter()
        .filter_map(|(name, value)| value.map(|value| json!({ "Name": name, "Value": value })))
        .collect();
    if !rules.is_empty() {
        rule["Filter"] = json!({ "Key": { "FilterRules": rules } });
    }
    rule
}

fn queues(rules: &[Value]) -> Value {
    json!({ "QueueConfigurations": rules })
}

/// The message of each problem.
fn messages(outcome: Result<Document, Problems>) -> Vec<String> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(super::Problem::message).collect(),
    }
}
