//! What a request is for: the bucket, in its path or its host's name, and the operation.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>

use std::borrow::Cow;

use axum::http::{Method, header::HOST, request::Parts};
use percent_encoding::percent_decode_str;

use super::{Action, Domain, query::Query};

/// A request for the notification configuration of a bucket, whose name is as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation<'r> {
    pub(super) action: Action,
    pub(super) bucket: Cow<'r, str>,
}

impl<'r> Operation<'r> {
    /// Reads the request's head; none if it is for anything else.
    pub(super) fn of(head: &'r Parts, domain: Option<&Domain>) -> Option<Self> {
        let action = match head.method {
            Method::GET => Action::GetBucketNotification,
            Method::PUT => Action::PutBucketNotification,
            _ => return None,
        };
        let path = head.uri.path().strip_prefix('/')?;
        let (bucket, key) = if let Some(bucket) = virtual_host(head, domain) {
            (Cow::Owned(bucket), path)
        } else {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (percent_decode_str(bucket).decode_utf8_lossy(), key)
        };
        let is_it = !bucket.is_empty() && key.is_empty() && is_about_notification(head);
        is_it.then_some(Self { action, bucket })
    }
}

/// The bucket in the host's name. Only the header counts, since only that is signed: a request
/// line may name another host.
fn virtual_host(head: &Parts, domain: Option<&Domain>) -> Option<String> {
    domain?.bucket_of(head.headers.get(HOST)?.to_str().ok()?)
}

/// With a value, the subresource is another one: Ceph takes the id of a configuration there.
fn is_about_notification(head: &Parts) -> bool {
    Query::parse(head.uri.query()).value("notification").is_some_and(|value| value.is_empty())
}

/// An `x-amz-…` header, which a presigned request may have in its query instead.
pub(super) fn amz_header<'r>(head: &'r Parts, name: &str) -> Option<Cow<'r, str>> {
    match head.headers.get(name) {
        Some(value) => Some(String::from_utf8_lossy(value.as_bytes())),
        None => Query::parse(head.uri.query()).value_of_any_case(name),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn operation(method: &str, host: &str, uri: &str) -> Option<(Action, String)> {
        let request = Request::builder().method(method).uri(uri).header("host", host);
        let (head, ()) = request.body(()).unwrap().into_parts();
        let domain = Domain::try_from("s3.test".to_owned()).unwrap();
        let operation = Operation::of(&head, Some(&domain))?;
        Some((operation.action, operation.bucket.into_owned()))
    }

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() {
        for (host, uri) in [
            ("127.0.0.1:9711", "/photos?notification"),
            ("s3.test", "/photos/?notification="),
            ("photos.s3.test:9711", "/?notification"),
            ("photos.s3.test", "/?x-id=Get&notification"),
            ("PHOTOS.s3.test.", "/?notification"),
            ("s3.test", "/%70hotos?notification"),
            ("photos.s3.test", "http://secret.s3.test/?notification"),
            ("127.0.0.1", "http://secret.s3.test/photos?notification"),
        ] {
            let get = (Action::GetBucketNotification, "photos".to_owned());
            let put = (Action::PutBucketNotification, "photos".to_owned());
            assert_eq!(operation("GET", host, uri), Some(get), "{host}{uri}");
            assert_eq!(operation("PUT", host, uri), Some(put), "{host}{uri}");
        }
    }

    #[test]
    fn anything_else_is_no_operation() {
        for (method, host, uri) in [
            ("GET", "s3.test", "/?notification"),
            ("GET", "s3.test", "/photos"),
            ("GET", "s3.test", "/photos?notification=id"),
            ("GET", "s3.test", "/photos?notifications"),
            ("GET", "s3.test", "/photos/key?notification"),
            ("GET", "photos.s3.test", "/key?notification"),
            ("DELETE", "s3.test", "/photos?notification"),
            ("HEAD", "s3.test", "/photos?notification"),
            ("POST", "s3.test", "/photos?notification"),
        ] {
            assert_eq!(operation(method, host, uri), None, "{method} {host}{uri}");
        }
    }

    #[test]
    fn a_presigned_request_may_have_its_headers_in_the_query() {
        let uri = "/photos?notification&X-Amz-Expected-Bucket-Owner=1%2C2";
        let (head, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let owner = amz_header(&head, "x-amz-expected-bucket-owner");
        assert_eq!(owner.as_deref(), Some("1,2"));
        assert_eq!(amz_header(&head, "x-amz-skip-destination-validation"), None);
    }
}
