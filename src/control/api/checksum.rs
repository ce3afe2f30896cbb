//! The digests of a body that come in headers: `Content-MD5` and `x-amz-checksum-…`.
//!
//! The signature usually covers the body as well; with `UNSIGNED-PAYLOAD`, or behind a proxy that
//! signs, these are all there is.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use aws_smithy_checksums::ChecksumAlgorithm;
use axum::http::{HeaderMap, StatusCode};
use base64::{Engine, prelude::BASE64_STANDARD};
use md5::{Digest as _, Md5};

use super::error_document::ErrorDocument;

/// The algorithms by the last part of their header's name.
const ALGORITHMS: [(&str, &str); 5] = [
    ("x-amz-checksum-crc32", "crc32"),
    ("x-amz-checksum-crc32c", "crc32c"),
    ("x-amz-checksum-crc64nvme", "crc64nvme"),
    ("x-amz-checksum-sha1", "sha1"),
    ("x-amz-checksum-sha256", "sha256"),
];

/// Refuses a body that is not the one that a header tells of.
pub(super) fn refuse_other(headers: &HeaderMap, body: &[u8]) -> Result<(), ErrorDocument> {
    if let Some(sent) = headers.get("content-md5") {
        let sent = BASE64_STANDARD.decode(sent.as_bytes()).ok().filter(|it| it.len() == 16);
        let sent = sent.ok_or_else(|| {
            refusal("InvalidDigest", "The Content-MD5 you specified is not valid.".into())
        })?;
        if sent != Md5::digest(body).as_slice() {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(refusal("BadDigest", message.into()));
        }
    }
    ALGORITHMS.iter().try_for_each(|(header, algorithm)| match headers.get(*header) {
        Some(sent) => refuse_checksum(header, algorithm, sent.as_bytes(), body),
        None => Ok(()),
    })
}

fn refuse_checksum(
    header: &str,
    algorithm: &str,
    sent: &[u8],
    body: &[u8],
) -> Result<(), ErrorDocument> {
    let algorithm: ChecksumAlgorithm = algorithm.parse().expect("the table names known ones");
    let mut checksum = algorithm.into_impl();
    checksum.update(body);
    let computed = checksum.finalize();
    let sent = BASE64_STANDARD.decode(sent).ok().filter(|sent| sent.len() == computed.len());
    let Some(sent) = sent else {
        let message = format!("Value for {header} header is invalid.");
        return Err(refusal("InvalidRequest", message));
    };
    if sent != computed {
        let name = algorithm.as_str();
        let message = format!("The {name} you specified did not match the calculated checksum.");
        return Err(refusal("BadDigest", message));
    }
    Ok(())
}

fn refusal(code: &'static str, message: String) -> ErrorDocument {
    ErrorDocument::new(StatusCode::BAD_REQUEST, code, message)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    /// The code for this body, if it is refused with this header.
    fn refused(header: &str, value: &str) -> Option<&'static str> {
        let name: HeaderName = header.parse().unwrap();
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        refuse_other(&headers, b"123456789").err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_body_has_the_digest_that_a_header_gives() {
        for (header, right) in [
            ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
            ("x-amz-checksum-crc32", "y/Q5Jg=="),
            ("x-amz-checksum-crc32c", "4waSgw=="),
            ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
            ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
            ("x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            assert_eq!(refused(header, right), None, "{header}");
            let wrong =
                BASE64_STANDARD.encode(vec![0; BASE64_STANDARD.decode(right).unwrap().len()]);
            assert_eq!(refused(header, &wrong), Some("BadDigest"), "{header}");
            let no_digest = refused(header, "AAAA").unwrap();
            assert!(matches!(no_digest, "InvalidDigest" | "InvalidRequest"), "{header}");
        }
        assert_eq!(refused("x-amz-meta", "?"), None);
    }
}
