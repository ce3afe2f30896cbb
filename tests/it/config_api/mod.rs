//! boto3, the AWS CLI and Terraform cannot tell the S3 API from Amazon's.
//!
//! The codes, words, arguments and their order are Amazon's, word for word; a test that has to
//! change for them to differ is right, and the change is wrong.

mod client;

mod form; // what is wrong with a document by itself
mod overlap; // which rules may stand beside each other
mod destinations; // what is asked of queues, topics and functions, and what they are sent
mod signing; // who may ask
mod buckets; // which buckets there are, whose, and how they are addressed
mod stored; // what was put is what is got, and what events are routed by
mod files; // documents that people write, beside those that are put
mod secure; // the same over TLS
mod storm; // what was put survives a crash, whole
mod clients; // the AWS CLI, the deprecated calls of boto3, and Terraform's way

use std::fs;

use client::{Addressing, Client, NOTIFICATION, Request, SECRET, home, with_keys};
use serde_json::{Value, json};

use crate::harness::Home;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const CREATED: &str = "s3:ObjectCreated:*";
const SKIP: (&str, &str) = ("x-amz-skip-destination-validation", "true");

/// A rule with this filter: pairs of `prefix` or `suffix` and a value.
fn filtered(mut rule: Value, filter: &[(&str, &str)]) -> Value {
    let rules = filter.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
    rule["Filter"] = json!({ "Key": { "FilterRules": rules.collect::<Vec<_>>() } });
    rule
}

/// A refusal as it is on the wire, with the arguments that follow the message.
fn error<'a>(
    code: &'a str,
    message: &'a str,
    arguments: &[(&'a str, &'a str)],
) -> (u16, Vec<(&'a str, &'a str)>) {
    let status = match code {
        "NoSuchBucket" => 404,
        "AccessDenied" => 403,
        "NotImplemented" => 501,
        _ => 400,
    };
    (status, [&[("Code", code), ("Message", message)], arguments].concat())
}

/// A refusal for what an argument says, or for what a destination does.
fn invalid<'a>(
    message: &'a str,
    arguments: &[(&'a str, &'a str)],
) -> (u16, Vec<(&'a str, &'a str)>) {
    error("InvalidArgument", message, arguments)
}

/// The refusal of what is no document.
fn malformed() -> (u16, Vec<(&'static str, &'static str)>) {
    let message =
        "The XML you provided was not well-formed or did not validate against our published schema";
    error("MalformedXML", message, &[])
}

/// The names in the documents' directory, but for the daemon's copies of what was good.
fn files_in(home: &Home) -> Vec<String> {
    let names = fs::read_dir(home.documents()).expect("it is there");
    let names = names.map(|entry| entry.expect("it is readable").file_name());
    let names = names.map(|name| name.into_string().expect("it is a plain name"));
    let mut names: Vec<_> = names.filter(|name| name != ".last-good").collect();
    names.sort();
    names
}
