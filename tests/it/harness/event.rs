//! Bodies that stores post.

use std::{collections::BTreeSet, fs};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Sink, components::root};

/// What MinIO posts for an event of this key, which is given raw.
pub(crate) fn minio(event: &str, bucket: &str, key: &str) -> Value {
    let encoded = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
    json!({
        "EventName": format!("s3:{event}"),
        "Key": format!("{bucket}/{key}"),
        "Records": [{
            "eventVersion": "2.0",
            "eventSource": "minio:s3",
            "awsRegion": "",
            "eventTime": "2026-01-02T15:04:05.678Z",
            "eventName": format!("s3:{event}"),
            "userIdentity": { "principalId": "minio-user" },
            "requestParameters": {
                "principalId": "minio-user",
                "region": "",
                "sourceIPAddress": "192.0.2.7",
            },
            "responseElements": {
                "x-amz-request-id": "17D0F3B4C5A69788",
                "x-amz-id-2": "dd9025bab4ad464b049177c95eb6ebf374d3b3fd1af9251148b658df7ac2e3e8",
                "x-minio-deployment-id": "1c7a1b4e-5f2a-4c62-8b0b-7f2f64c1a5b1",
                "x-minio-origin-endpoint": "http://192.0.2.1:9000",
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "Config",
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": { "principalId": "minio-user" },
                    "arn": format!("arn:aws:s3:::{bucket}"),
                },
                "object": {
                    "key": encoded,
                    "size": 5,
                    "eTag": "5d41402abc4b2a76b9719d911017c592",
                    "contentType": "text/plain",
                    "userMetadata": { "content-type": "text/plain" },
                    "sequencer": "18EA4EE745C3D270",
                },
            },
            "source": { "host": "192.0.2.7", "port": "", "userAgent": "MinIO (linux; amd64)" },
        }],
    })
}

/// The body that a real store posted, by the name of its capture in `tests/data/captures`.
pub(crate) fn capture(name: &str) -> Value {
    let path = root().join("tests/data/captures").join(format!("{name}.json"));
    let text = fs::read_to_string(&path).expect("the capture is there");
    let capture: Value = serde_json::from_str(&text).expect("a capture is JSON");
    capture["body"].clone()
}

/// The names of all captures that have a body.
pub(crate) fn captures_with_a_body() -> Vec<String> {
    let files = fs::read_dir(root().join("tests/data/captures")).expect("the captures are there");
    let names = files.map(|file| file.expect("the directory is readable").file_name());
    let names = names.map(|name| name.to_string_lossy().trim_end_matches(".json").to_owned());
    names.filter(|name| !name.contains("HEAD-probe")).collect()
}

/// Several bodies as one, a document a line.
pub(crate) fn lines(bodies: impl IntoIterator<Item = Value>) -> String {
    bodies.into_iter().map(|body| body.to_string() + "\n").collect()
}

/// The keys of all records that the sink got, in Amazon's encoding.
pub(crate) fn arrived(sink: &Sink) -> BTreeSet<String> {
    let key = |body: &String| -> String {
        let body: Value = serde_json::from_str(body).expect("the body is JSON");
        body["Records"][0]["s3"]["object"]["key"].as_str().expect("it has a key").to_owned()
    };
    sink.bodies().iter().map(key).collect()
}
