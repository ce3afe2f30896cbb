//! What is signed: the canonical request, the string to sign, and the signature over it.

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use axum::http::{HeaderMap, HeaderValue, request::Parts};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::claim::{Claim, Form};
use crate::{
    control::api::query::Query,
    model::{Region, Secret},
};

/// The canonical request. Bytes, because a header may hold what is no text, and a lossy text would
/// be the same for two requests.
pub(super) fn canonical_request(head: &Parts, claim: &Claim<'_>) -> Vec<u8> {
    let except = match claim.form {
        Form::Header => None,
        Form::Query => Some("X-Amz-Signature"),
    };
    let query = Query::parse(head.uri.query()).canonical(except);
    let mut request = format!("{}\n{}\n{query}\n", head.method, head.uri.path()).into_bytes();
    for name in claim.signed_headers.split(';') {
        request.extend_from_slice(name.as_bytes());
        request.push(b':');
        request.extend(values(&head.headers, name));
        request.push(b'\n');
    }
    let end = format!("\n{}\n{}", claim.signed_headers, claim.payload.as_sent());
    request.extend_from_slice(end.as_bytes());
    request
}

/// The values of one header, joined with commas, each with its runs of blanks made one space.
fn values(headers: &HeaderMap, name: &str) -> Vec<u8> {
    let words = |value: &HeaderValue| {
        let words = value.as_bytes().split(|b| matches!(b, b' ' | b'\t'));
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ')
    };
    headers.get_all(name).iter().map(words).collect::<Vec<_>>().join(&b',')
}

/// The text that the signature is over; `scope` is the credential without its access key.
pub(super) fn string_to_sign(date: &str, scope: &str, canonical_request: &[u8]) -> String {
    format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(canonical_request))
}

/// The signature that the owner of the secret would make.
pub(super) fn signature(
    secret: &Secret,
    instant: Timestamp,
    region: &Region,
    string_to_sign: &str,
) -> String {
    let key = generate_signing_key(secret.reveal(), instant.into(), region.as_str(), "s3");
    calculate_signature(key, string_to_sign.as_bytes())
}

/// The digest in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)).concat()
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> Vec<String> {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
