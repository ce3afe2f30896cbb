//! The error document of S3.

use std::{borrow::Cow, fmt::Write};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use quick_xml::escape::escape;

use super::{AuthError, ids::Ids};
use crate::rules::{Problems, is_xml_char};

/// A refusal in S3's form.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
#[derive(Debug)]
pub(super) struct ErrorDocument {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// The elements after `Message`, in order.
    pub(super) details: Vec<(Cow<'static, str>, String)>,
    /// What Amazon does not say: for the log, in one line.
    pub(super) reason: Option<String>,
}

impl ErrorDocument {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, message: message.into(), details: Vec::new(), reason: None }
    }

    pub(super) fn with(mut self, name: impl Into<Cow<'static, str>>, value: String) -> Self {
        self.details.push((name.into(), value));
        self
    }

    pub(super) fn because(mut self, reason: String) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(super) fn into_response(self, ids: &Ids) -> Response {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        let mut element = |name: &str, value: &str| {
            let value: String =
                value.chars().map(|c| if is_xml_char(c) { c } else { '\u{FFFD}' }).collect();
            write!(xml, "<{name}>{}</{name}>", escape(&value)).expect("a String takes all");
        };
        element("Code", self.code);
        element("Message", &self.message);
        for (name, value) in &self.details {
            element(name, value);
        }
        element("RequestId", &ids.request);
        element("HostId", &ids.host);
        xml.push_str("</Error>");
        (self.status, [(header::CONTENT_TYPE, "application/xml")], xml).into_response()
    }
}

impl From<AuthError> for ErrorDocument {
    fn from(error: AuthError) -> Self {
        let details = error.details().into_iter().map(|(name, value)| (name.into(), value));
        Self {
            status: error.status(),
            code: error.code(),
            message: error.to_string().into(),
            details: details.collect(),
            reason: Some(match error {
                AuthError::AccessDenied => {
                    "nobody signed it, or there are no [[credentials]]".into()
                }
                _ => error.to_string(),
            }),
        }
    }
}

/// What S3 says of a configuration that it will not store.
impl From<&Problems> for ErrorDocument {
    fn from(problems: &Problems) -> Self {
        let problem = problems.first();
        let refusal = Self::new(StatusCode::BAD_REQUEST, problem.code(), problem.message())
            .because(problem.to_string());
        match problem.arguments() {
            Some((name, value)) => refusal
                .with("ArgumentName", name.to_owned())
                .with("ArgumentValue", value.to_owned()),
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn whatever_it_repeats_it_is_xml() {
        let refusal = ErrorDocument::new(StatusCode::FORBIDDEN, "InvalidAccessKeyId", "<&>")
            .with("AWSAccessKeyId", "\0\u{1b}\u{FFFE}ü<".into());
        let body = refusal.into_response(&Ids::new()).into_body();
        let text = to_bytes(body, usize::MAX).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.contains("<Message>&lt;&amp;&gt;</Message>"), "{text}");
        let repeated = "<AWSAccessKeyId>\u{FFFD}\u{FFFD}\u{FFFD}ü&lt;</AWSAccessKeyId>";
        assert!(text.contains(repeated), "{text}");
    }
}
