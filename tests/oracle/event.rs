//! The numbered events that the stores post, and what has to come of each: worked out here, not
//! asked of fanfare's renderer.

use serde_json::{Value, json};

/// Where everything happens.
pub(crate) const BUCKET: &str = "photos";
/// Objects of each store; their events have an order.
const OBJECTS: u64 = 5;
/// Of the settings: a store's own account is not passed on.
const ACCOUNT: &str = "123456789012";
const TIME: &str = "2026-01-02T15:04:05.678Z";

/// How a destination is told of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Records of S3, for queues, topics and functions; with the id of the rule.
    Records(&'static str),
    /// The `detail` of EventBridge.
    Detail,
}

/// What MinIO would post for this event.
pub(crate) fn posted(number: u64) -> Value {
    let (key, etag) = (key(number), etag(number));
    json!({
        "EventName": "s3:ObjectCreated:Put",
        "Key": format!("{BUCKET}/{key}"),
        "Records": [{
            "eventVersion": "2.0",
            "eventSource": "minio:s3",
            "eventTime": TIME,
            "eventName": "s3:ObjectCreated:Put",
            "userIdentity": { "principalId": "somebody" },
            "requestParameters": { "principalId": "somebody", "sourceIPAddress": "192.0.2.7" },
            "responseElements": { "x-amz-request-id": "17D0F3B4C5A69788", "x-amz-id-2": "host" },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "Config",
                "bucket": {
                    "name": BUCKET,
                    "ownerIdentity": { "principalId": "somebody" },
                    "arn": format!("arn:aws:s3:::{BUCKET}"),
                },
                "object": {
                    "key": key.replace('/', "%2F"),
                    "size": number,
                    "eTag": etag,
                    "sequencer": sequencer(number),
                },
            },
        }],
    })
}

/// What a destination has to be sent for it.
pub(crate) fn expected(number: u64, form: Form) -> Value {
    let (key, etag) = (key(number), etag(number));
    let sequencer = format!("00{}", sequencer(number));
    let object = json!({ "key": key, "size": number, "eTag": etag, "sequencer": sequencer });
    match form {
        Form::Records(rule) => json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": TIME,
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "somebody" },
            "requestParameters": { "sourceIPAddress": "192.0.2.7" },
            "responseElements": { "x-amz-request-id": "17D0F3B4C5A69788", "x-amz-id-2": "host" },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": rule,
                "bucket": {
                    "name": BUCKET,
                    "ownerIdentity": { "principalId": ACCOUNT },
                    "arn": format!("arn:aws:s3:::{BUCKET}"),
                },
                "object": object,
            },
        }] }),
        Form::Detail => json!({
            "version": "0",
            "bucket": { "name": BUCKET },
            "object": { "key": key, "size": number, "etag": etag, "sequencer": sequencer },
            "request-id": "17D0F3B4C5A69788",
            "requester": ACCOUNT,
            "source-ip-address": "192.0.2.7",
            "reason": "PutObject",
        }),
    }
}

/// Which event a message tells of, and whether it does so in every detail.
pub(crate) fn read(message: &str, form: Form) -> Option<u64> {
    let told: Value = serde_json::from_str(message).ok()?;
    let number = number_of(&told, form)?;
    (told == expected(number, form)).then_some(number)
}

/// Whether a body tells of an event that destinations may be told to refuse for good: one of seven.
pub(crate) fn is_poison(body: &str) -> bool {
    let told: Value = serde_json::from_str(body).unwrap_or_default();
    let number = number_of(&told, Form::Records("")).or_else(|| number_of(&told, Form::Detail));
    number.is_some_and(|number| number % 7 == 3)
}

/// The number of the event that a message tells of, whatever else it says.
pub(crate) fn number_of(told: &Value, form: Form) -> Option<u64> {
    let sequencer = told.pointer(match form {
        Form::Records(_) => "/Records/0/s3/object/sequencer",
        Form::Detail => "/object/sequencer",
    })?;
    u64::from_str_radix(sequencer.as_str()?, 16).ok()
}

/// The object that it happened to. Numbers are dealt to stores so that no two share an object.
pub(crate) fn object(number: u64) -> u64 {
    ((number >> STORE_SHIFT) << STORE_SHIFT) | (number % OBJECTS)
}

/// The bits below are the store's own count.
pub(super) const STORE_SHIFT: u32 = 40;

fn key(number: u64) -> String {
    format!("uploads/object-{:x}", object(number))
}

fn etag(number: u64) -> String {
    format!("{:032x}", u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

fn sequencer(number: u64) -> String {
    format!("{number:016X}")
}
