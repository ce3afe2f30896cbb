//! boto3 cannot tell the S3 API from Amazon's, as far as it goes.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Home, python, root};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
const SECRET: &str = "correct horse battery staple";

/// A home with two keys: one for everything, one for the buckets that begin with `logs-`.
fn home_with_keys() -> Home {
    let key = |id: &str, buckets: &str| {
        toml::toml! { access_key_id = id secret_access_key = SECRET buckets = [buckets] }
    };
    let keys = [key("all", "*"), key("logs", "logs-*")].map(toml::Value::from);
    Home::without_aws().set_top("credentials", keys.to_vec())
}

/// What boto3 gets for a bucket, with this key and what else it is given.
fn get(home: &Home, key: [&str; 2], bucket: &str, owner: Option<&str>) -> Value {
    let mut client = Command::new(python());
    client.arg(root().join("tests/it/config_api.py"));
    client.arg(format!("http://{}", home.address("s3"))).args(key).arg(bucket).args(owner);
    let output = client.output().expect("the venv has a Python");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

#[test]
fn a_get_answers_with_the_configuration_in_force() {
    let home = home_with_keys();
    let document = json!({
        "QueueConfigurations": [{
            "Id": "q",
            "QueueArn": QUEUE,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "a+b/"}]}},
        }],
        "EventBridgeConfiguration": {},
    });
    home.document("photos", &document);
    let _daemon = home.start();
    assert_eq!(get(&home, ["all", SECRET], "photos", None), document);
    assert_eq!(get(&home, ["all", SECRET], "photos", Some("123456789012")), document);
    assert_eq!(get(&home, ["all", SECRET], "no-document", None), json!({}));
}

#[test]
fn whoever_may_not_ask_is_told_so_in_amazon_s_words() {
    let home = home_with_keys();
    let _daemon = home.start();
    let refused = |code| json!({ "code": code, "status": 403 });
    assert_eq!(get(&home, ["nobody", SECRET], "photos", None), refused("InvalidAccessKeyId"));
    assert_eq!(get(&home, ["all", "guess"], "photos", None), refused("SignatureDoesNotMatch"));
    assert_eq!(get(&home, ["logs", SECRET], "photos", None), refused("AccessDenied"));
    assert_eq!(get(&home, ["logs", SECRET], "logs-eu", None), json!({}));
    let owner = Some("000000000000");
    assert_eq!(get(&home, ["all", SECRET], "photos", owner), refused("AccessDenied"));
}
