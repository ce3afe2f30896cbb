//! Where a service is reached, if not at Amazon.

use serde::{Deserialize, Serialize};

/// A base URL: `http://` or `https://`, then a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointUrl(String);

/// A text that is no such URL.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no endpoint; write a URL such as \"http://127.0.0.1:4566\"")]
pub struct EndpointUrlError {
    text: String,
}

impl EndpointUrl {
    /// The URL as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = EndpointUrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '[');
        let legal = |c: char| c.is_ascii_graphic();
        if rest.is_some_and(host) && text.chars().all(legal) {
            return Ok(Self(text));
        }
        Err(EndpointUrlError { text })
    }
}
