//! Who sends a request: Signature Version 4, as S3 verifies it.
//!
//! A request is signed in its `Authorization` header or, presigned, in its query. What is verified
//! is what was on the wire: method, path and query are canonicalised, never decoded and encoded
//! again, so two different requests never share a signature. The order of the checks, the codes and
//! the messages are those of S3. Time is an argument; only [`Credentials::load`] does I/O.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>

mod canonical;
mod claim;
mod error;
mod keys;
mod scope;
#[cfg(test)]
mod tests;
mod time;
mod verify;

pub use error::AuthError;
pub use keys::{Credentials, Principal, SecretError};
pub(super) use verify::SignedBody;
