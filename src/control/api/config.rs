//! The `[s3]` section.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::positive;

/// How the S3 API is reached, and how long it asks destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// The name below which each bucket has a host of its own; without it, a bucket is in the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// How long the destinations of a new configuration may take, all together.
    #[serde(with = "positive")]
    pub validation_timeout: Duration,
}

/// A host's name in lower case, without a port.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(Box<str>);

/// Why a text is no domain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is no domain; write a host name without port or bucket, such as s3.example.com")]
pub struct DomainError {
    /// The text as given.
    text: Box<str>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { domain: None, validation_timeout: Duration::from_secs(5) }
    }
}

impl Domain {
    /// What stands before the domain in a host's name, which may have a port: the bucket of a
    /// virtual-hosted request, in lower case, since hosts have no other.
    pub(super) fn bucket_of(&self, host: &str) -> Option<String> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        let (front, back) = name.split_at_checked(name.len().checked_sub(self.0.len())?)?;
        let bucket = front.strip_suffix('.')?;
        let is_ours = back.eq_ignore_ascii_case(&self.0) && !bucket.is_empty();
        is_ours.then(|| bucket.to_ascii_lowercase())
    }
}

impl TryFrom<String> for Domain {
    type Error = DomainError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let label = |label: &str| !label.is_empty() && label.bytes().all(legal);
        if text.len() > 253 || !text.split('.').all(label) {
            return Err(DomainError { text: text.into() });
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_what_stands_before_the_domain() {
        let domain = Domain::try_from("S3.example.com".to_owned()).unwrap();
        for (host, bucket) in [
            ("photos.s3.example.com", Some("photos")),
            ("A.b.s3.EXAMPLE.com.:9711", Some("a.b")),
            ("s3.example.com", None),
            (".s3.example.com", None),
            ("photoss3.example.com", None),
            ("photos.s3.example.org", None),
            ("127.0.0.1:9711", None),
            ("[::1]:9711", None),
            ("ü", None),
        ] {
            assert_eq!(domain.bucket_of(host).as_deref(), bucket, "{host}");
        }
    }

    #[test]
    fn a_domain_is_a_host_name() {
        for text in ["", "s3..example", "s3.example.com:9711", "http://s3.example.com", "*.s3"] {
            assert!(Domain::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(toml::from_str::<ApiConfig>("domain = \"localhost\"").is_ok());
    }
}
