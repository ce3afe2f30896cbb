//! Where a service is reached, if not at Amazon.

use axum::http::Uri;
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
        if text.parse().is_ok_and(|url| is_base(&url)) {
            return Ok(Self(text));
        }
        Err(EndpointUrlError { text })
    }
}

fn is_base(url: &Uri) -> bool {
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    // A port that is no number of one is left out by whoever asks for it.
    let is_whole = url.authority().is_some_and(|authority| {
        let (host, port) = (authority.host(), authority.port_u16());
        let rest = authority.as_str().strip_prefix(host);
        !host.is_empty() && rest == Some(&*port.map_or_else(String::new, |port| format!(":{port}")))
    });
    is_http && is_whole && url.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        let is_one = |text: &str| EndpointUrl::try_from(text.to_owned()).is_ok();
        for text in ["http://x", "https://sqs.example.com/", "http://[::1]:4566", "http://x:1/a/b"]
        {
            assert!(is_one(text), "{text}");
        }
        for text in [
            "",
            "http://",
            "x:4566",
            "ftp://x",
            "http://x:99999",
            "http://x:",
            "http://[::1",
            "http://a b",
            "http://user:pass@x",
            "http://x/?a=b",
            "http://:80",
        ] {
            assert!(!is_one(text), "{text}");
        }
    }
}
