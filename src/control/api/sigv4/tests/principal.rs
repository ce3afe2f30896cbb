//! What a key is for, and where its secret comes from.

use std::{error::Error as _, fs};

use serde_json::json;

use super::request::{ACCESS_KEY, SECRET, noon, region, signed};
use crate::control::{Action, AuthError, Credentials, CredentialsConfig, SecretError};

fn load(config: serde_json::Value) -> Result<Credentials, SecretError> {
    let config: CredentialsConfig = serde_json::from_value(config).unwrap();
    Credentials::load(&config, region())
}

fn may(grant: &serde_json::Value, action: Action, bucket: &str) -> bool {
    let mut entry = json!({ "access_key_id": ACCESS_KEY, "secret_access_key": SECRET });
    entry.as_object_mut().unwrap().extend(grant.as_object().unwrap().clone());
    let wire = signed("boto3-get");
    let credentials = load(json!([entry])).unwrap();
    let (principal, _) = credentials.verify(&wire.head().unwrap(), noon()).unwrap();
    principal.may(action, &bucket.parse().unwrap())
}

#[test]
fn a_key_may_do_everything_unless_it_is_limited() {
    for action in [Action::GetBucketNotification, Action::PutBucketNotification] {
        assert!(may(&json!({}), action, "photos"));
    }
}

#[test]
fn a_key_may_do_only_what_it_is_for() {
    let grant = json!({ "buckets": ["photos", "logs-*"], "actions": ["s3:GetBucketNotification"] });
    assert!(may(&grant, Action::GetBucketNotification, "photos"));
    assert!(may(&grant, Action::GetBucketNotification, "logs-2026"));
    assert!(!may(&grant, Action::GetBucketNotification, "photos2"));
    assert!(!may(&grant, Action::PutBucketNotification, "photos"));
}

#[test]
fn without_credentials_nobody_may_do_anything() {
    let nobody = load(json!([])).unwrap();
    let wire = signed("boto3-get");
    for wire in [wire.clone(), wire.without("authorization")] {
        let error = nobody.verify(&wire.head().unwrap(), noon()).unwrap_err();
        assert!(matches!(error, AuthError::AccessDenied), "{error:?}");
    }
}

#[test]
fn a_secret_in_a_file_ends_before_its_line_does() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("{SECRET}\n")).unwrap();
    let entry = json!({ "access_key_id": ACCESS_KEY, "secret_access_key_file": file.path() });
    let credentials = load(json!([entry])).unwrap();
    credentials.verify(&signed("boto3-get").head().unwrap(), noon()).unwrap();
    assert!(!format!("{credentials:?}").contains(SECRET));
}

#[test]
fn a_secret_that_is_not_in_its_file_is_told_with_key_and_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("s3.secret");
    let entry = json!([{ "access_key_id": "AK", "secret_access_key_file": file }]);
    let config: CredentialsConfig = serde_json::from_value(entry).unwrap();
    let missing = config.check_secrets().unwrap_err();
    assert!(missing.to_string().starts_with("cannot read secret_access_key_file /"), "{missing}");
    assert!(missing.to_string().ends_with("s3.secret of access key AK"), "{missing}");
    assert!(missing.source().is_some());
    fs::write(&file, "\n").unwrap();
    let empty = config.check_secrets().unwrap_err();
    assert!(empty.to_string().ends_with("is empty; write the secret into it"), "{empty}");
}
