//! Requests that were meant for the S3 API.
//!
//! A port that answers anybody 200 would tell an S3 client that a bucket has no configuration, or
//! that one was stored. Such a client is told where to go, as S3 tells errors.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use tracing::warn;

use super::body::discard;

const ANSWER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Error><Code>InvalidRequest</Code><Message>This is fanfare's port for events, listen.events. \
    The S3 API is at the address of listen.s3.</Message></Error>";

/// Whether it is signed as S3 demands, or asks for a notification configuration. No store posts
/// its events so.
pub(super) fn is_for_s3(request: &Request) -> bool {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let query = request.uri().query().unwrap_or_default();
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    authorization.is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"))
        || names.any(|name| name == "notification" || name.eq_ignore_ascii_case("X-Amz-Signature"))
}

/// Tells the client where the S3 API is, once it has sent what it is sending.
pub(super) async fn send_to_s3(request: Request) -> Response {
    let (head, body) = request.into_parts();
    warn!(
        method = %head.method,
        path = head.uri.path(),
        "a request for the S3 API came to listen.events; point the client at listen.s3"
    );
    if !head.headers.contains_key(header::EXPECT) {
        discard(&mut body.into_data_stream()).await;
    }
    let kind = [(header::CONTENT_TYPE, "application/xml")];
    (StatusCode::BAD_REQUEST, kind, ANSWER).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_for_s3(uri: &str, authorization: &str) -> bool {
        let request = Request::get(uri).header(header::AUTHORIZATION, authorization);
        super::is_for_s3(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn a_signed_request_and_one_for_a_configuration_are_for_s3() {
        let signed = "AWS4-HMAC-SHA256 Credential=AK/20261122/us-east-1/s3/aws4_request";
        assert!(is_for_s3("/photos", signed));
        for uri in ["/photos?notification", "/photos?x=1&notification=", "/?X-Amz-Signature=0"] {
            assert!(is_for_s3(uri, "Bearer t"), "{uri}");
        }
        for uri in ["/", "/store?target=notification", "/notification", "/?notifications"] {
            assert!(!is_for_s3(uri, "Bearer t"), "{uri}");
        }
    }
}
