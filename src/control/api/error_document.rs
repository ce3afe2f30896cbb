//! The error document of S3.

use std::fmt::Write;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use quick_xml::escape::escape;
use uuid::Uuid;

use super::AuthError;

/// A refusal in S3's form.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
#[derive(Debug)]
pub(super) struct ErrorDocument {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The elements after `Message`, in order.
    pub(super) details: Vec<(&'static str, String)>,
}

impl ErrorDocument {
    /// What S3 says of a call that it does not have.
    pub(super) fn not_implemented() -> Self {
        Self {
            status: StatusCode::NOT_IMPLEMENTED,
            code: "NotImplemented",
            message: "A header you provided implies functionality that is not implemented".into(),
            details: Vec::new(),
        }
    }
}

impl From<AuthError> for ErrorDocument {
    fn from(error: AuthError) -> Self {
        let (status, code, details) = (error.status(), error.code(), error.details());
        Self { status, code, message: error.to_string(), details }
    }
}

impl IntoResponse for ErrorDocument {
    fn into_response(self) -> Response {
        let request_id = Uuid::new_v4().simple().to_string().to_uppercase();
        let request_id = request_id.get(..16).unwrap_or_default().to_owned();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        let first = [("Code", self.code.to_owned()), ("Message", self.message)];
        let last = [("RequestId", request_id.clone()), ("HostId", Uuid::new_v4().to_string())];
        for (name, value) in first.into_iter().chain(self.details).chain(last) {
            write!(xml, "<{name}>{}</{name}>", escape(&value)).expect("a String takes all");
        }
        xml.push_str("</Error>");
        let headers = [
            (header::CONTENT_TYPE.as_str(), "application/xml".to_owned()),
            ("x-amz-request-id", request_id),
        ];
        (self.status, headers, xml).into_response()
    }
}
