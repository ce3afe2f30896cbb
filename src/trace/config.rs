//! The `[telemetry]` section.

use axum::http::Uri;
use serde::{Deserialize, Serialize};

/// Where spans are exported to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A collector that speaks OTLP over HTTP; without one, there are no spans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<Endpoint>,
}

/// The base URL of a collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint(String);

/// A text that is no such URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is no collector; write the URL of its OTLP over HTTP, such as \"http://127.0.0.1:4318\""
)]
pub struct EndpointError {
    text: String,
}

/// The path for spans, which OpenTelemetry appends to the base.
const PATH: &str = "/v1/traces";

impl Endpoint {
    /// Where spans are posted.
    pub(super) fn url(&self) -> String {
        let base = self.0.trim_end_matches('/');
        format!("{}{PATH}", base.strip_suffix(PATH).unwrap_or(base))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = text.parse::<Uri>().ok();
        let is_http =
            |url: Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
        if url.is_some_and(is_http) { Ok(Self(text)) } else { Err(EndpointError { text }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_base_or_the_whole_url() {
        for text in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            let endpoint = Endpoint::try_from(text.to_owned()).unwrap();
            assert_eq!(endpoint.url(), "http://c:4318/v1/traces", "{text}");
        }
        for text in ["", "c:4318", "/v1/traces", "grpc://c:4317", "http://"] {
            assert!(Endpoint::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
