//! The `[[credentials]]` list: who may use the S3 API, and for what.
//!
//! Without an entry nobody may: a port that somebody opens to a network must not be open to
//! everybody on it. A secret is neither printed nor serialised.

use std::{collections::HashSet, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{BucketName, Secret, wildcard};

/// The longest access key id that Amazon hands out, in bytes.
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;

/// Every `[[credentials]]` of the settings; no access key is in it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Credential>")]
pub struct CredentialsConfig(Vec<Credential>);

/// One `[[credentials]]`: an access key, its secret, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Credential {
    pub(super) access_key_id: AccessKeyId,
    pub(super) secret: SecretSource,
    pub(super) grant: Grant,
}

/// Where the secret access key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SecretSource {
    Settings(Secret),
    File(PathBuf),
}

/// What an access key may do, and to which buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    buckets: Vec<BucketPattern>,
    actions: Vec<Action>,
}

/// The name of a key: 1 to 128 of the characters `A-Z a-z 0-9 . _ -`.
///
/// Until it is one it is read as a secret, since the two are easily taken for each other.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Secret")]
pub struct AccessKeyId(Box<str>);

/// What the S3 API can be asked for, under the names that Amazon's policies use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// `GET /{bucket}?notification`.
    #[serde(rename = "s3:GetBucketNotification")]
    GetBucketNotification,
    /// `PUT /{bucket}?notification`.
    #[serde(rename = "s3:PutBucketNotification")]
    PutBucketNotification,
}

/// Names of buckets; a `*` stands for any run of characters, none included.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct BucketPattern(Box<str>);

/// Why an entry cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CredentialsConfigError {
    /// An impossible access key, which is not repeated: it may be the secret.
    #[error(
        "that is no access_key_id (is it the secret?): use 1 to {ACCESS_KEY_ID_BYTES_MAX} of the \
         characters A-Z a-z 0-9 . _ -"
    )]
    AccessKeyId,
    /// No bucket can have such a name.
    #[error("`{text}` is no pattern of bucket names: use the characters A-Z a-z 0-9 . _ - and *")]
    BucketPattern {
        /// The text as given.
        text: Box<str>,
    },
    /// Neither or both of the two keys for a secret.
    #[error(
        "access key {access_key_id} needs its secret once: set either secret_access_key or \
         secret_access_key_file"
    )]
    Secret {
        /// Whose secret.
        access_key_id: AccessKeyId,
    },
    /// A secret that signs nothing.
    #[error("the secret_access_key of access key {access_key_id} is empty")]
    EmptySecret {
        /// Whose secret.
        access_key_id: AccessKeyId,
    },
    /// A key that is good for nothing.
    #[error(
        "access key {access_key_id} may do nothing, because its `{list}` are none; leave them out \
         for all, or remove the entry"
    )]
    Nothing {
        /// Whose entry.
        access_key_id: AccessKeyId,
        /// Which list is empty.
        list: &'static str,
    },
    /// Two entries for one access key.
    #[error("access key {access_key_id} has two [[credentials]]; remove one of them")]
    Twice {
        /// The access key.
        access_key_id: AccessKeyId,
    },
}

/// A `[[credentials]]` as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    access_key_id: AccessKeyId,
    #[serde(skip_serializing)]
    secret_access_key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_access_key_file: Option<PathBuf>,
    #[serde(default = "every_bucket")]
    buckets: Vec<BucketPattern>,
    #[serde(default = "every_action")]
    actions: Vec<Action>,
}

fn every_bucket() -> Vec<BucketPattern> {
    vec![BucketPattern("*".into())]
}

fn every_action() -> Vec<Action> {
    vec![Action::GetBucketNotification, Action::PutBucketNotification]
}

impl CredentialsConfig {
    /// Whether nobody may use the S3 API.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Credential>> for CredentialsConfig {
    type Error = CredentialsConfigError;

    fn try_from(entries: Vec<Credential>) -> Result<Self, Self::Error> {
        let mut seen = HashSet::new();
        if let Some(twice) = entries.iter().find(|entry| !seen.insert(&entry.access_key_id)) {
            let access_key_id = twice.access_key_id.clone();
            return Err(CredentialsConfigError::Twice { access_key_id });
        }
        Ok(Self(entries))
    }
}

impl TryFrom<Draft> for Credential {
    type Error = CredentialsConfigError;

    fn try_from(draft: Draft) -> Result<Self, Self::Error> {
        let Draft { access_key_id, secret_access_key, secret_access_key_file, .. } = draft;
        let lists = [("buckets", draft.buckets.is_empty()), ("actions", draft.actions.is_empty())];
        if let Some((list, _)) = lists.into_iter().find(|(_, is_empty)| *is_empty) {
            return Err(CredentialsConfigError::Nothing { access_key_id, list });
        }
        let secret = match (secret_access_key, secret_access_key_file) {
            (Some(secret), None) if secret.reveal().is_empty() => {
                return Err(CredentialsConfigError::EmptySecret { access_key_id });
            }
            (Some(secret), None) => SecretSource::Settings(secret),
            (None, Some(file)) => SecretSource::File(file),
            _ => return Err(CredentialsConfigError::Secret { access_key_id }),
        };
        let grant = Grant { buckets: draft.buckets, actions: draft.actions };
        Ok(Self { access_key_id, secret, grant })
    }
}

impl From<Credential> for Draft {
    fn from(entry: Credential) -> Self {
        let (secret_access_key, secret_access_key_file) = match entry.secret {
            SecretSource::Settings(secret) => (Some(secret), None),
            SecretSource::File(file) => (None, Some(file)),
        };
        let Grant { buckets, actions } = entry.grant;
        let access_key_id = entry.access_key_id;
        Self { access_key_id, secret_access_key, secret_access_key_file, buckets, actions }
    }
}

impl Action {
    /// The name, as Amazon's policies have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::GetBucketNotification => "s3:GetBucketNotification",
            Self::PutBucketNotification => "s3:PutBucketNotification",
        }
    }
}

impl Grant {
    pub(super) fn covers(&self, action: Action, bucket: &BucketName) -> bool {
        self.actions.contains(&action) && self.buckets.iter().any(|names| names.accepts(bucket))
    }
}

impl BucketPattern {
    /// Whether the bucket's name is one of these.
    pub fn accepts(&self, bucket: &BucketName) -> bool {
        wildcard::fits(&self.0, bucket.as_str())
    }
}

impl AccessKeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Secret> for AccessKeyId {
    type Error = CredentialsConfigError;

    fn try_from(text: Secret) -> Result<Self, Self::Error> {
        let text = text.reveal();
        // None of what separates the parts of a credential in a request.
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > ACCESS_KEY_ID_BYTES_MAX || !text.bytes().all(legal) {
            return Err(CredentialsConfigError::AccessKeyId);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for BucketPattern {
    type Error = CredentialsConfigError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'*');
        if text.is_empty() || !text.bytes().all(legal) {
            return Err(CredentialsConfigError::BucketPattern { text: text.into() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for BucketPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(pattern: &str, bucket: &str) -> bool {
        let pattern = BucketPattern::try_from(pattern.to_owned()).unwrap();
        pattern.accepts(&bucket.parse().unwrap())
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, bucket) in [
            ("*", "photos"),
            ("photos", "photos"),
            ("team-*", "team-"),
            ("team-*", "team-a"),
            ("*-logs", "eu-logs"),
            ("a*c*e", "abcde"),
            ("a**e", "ae"),
            ("*b*", "abc"),
            ("*a*b*a*", "aba"),
        ] {
            assert!(accepts(pattern, bucket), "{pattern} {bucket}");
        }
        for (pattern, bucket) in [
            ("photos", "photos2"),
            ("team-*", "steam-a"),
            ("*-logs", "logs"),
            ("xy*yx", "xyx"),
            ("a*c*e", "ace2"),
            ("*aa*", "aba"),
            ("Photos", "photos"),
        ] {
            assert!(!accepts(pattern, bucket), "{pattern} {bucket}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_the_same_regular_expression_means(
            pattern in "[ab*]{1,8}",
            bucket in "[ab]{1,10}",
        ) {
            let same = regex::Regex::new(&format!("^{}$", pattern.replace('*', ".*"))).unwrap();
            prop_assert_eq!(accepts(&pattern, &bucket), same.is_match(&bucket));
        }
    }
}
