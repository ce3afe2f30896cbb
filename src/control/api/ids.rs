//! The two ids that S3 gives every request and shows in every answer.

use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use uuid::Uuid;

/// The ids of one request. Text that can stand in a header.
#[derive(Debug)]
pub(super) struct Ids {
    /// 16 upper-case hexadecimal digits.
    pub(super) request: String,
    /// Opaque.
    pub(super) host: String,
}

impl Ids {
    pub(super) fn new() -> Self {
        let digits = Uuid::new_v4().simple().to_string().to_uppercase();
        let request = digits.get(..16).unwrap_or_default().to_owned();
        Self { request, host: Uuid::new_v4().to_string() }
    }

    /// Shows them in an answer.
    pub(super) fn stamp(&self, mut response: Response) -> Response {
        for (name, id) in [("x-amz-request-id", &self.request), ("x-amz-id-2", &self.host)] {
            let id = HeaderValue::from_str(id).expect("hexadecimal digits and dashes are legal");
            response.headers_mut().insert(HeaderName::from_static(name), id);
        }
        response
    }
}
