//! What others signed verifies here, and nothing else does.
//!
//! The requests of `tests/data/sigv4` are as they are on the wire, but with `\n`: `amazon-…` are
//! the examples of S3's documentation, `boto3-…` were sent by boto3 1.44.5 with its clock stopped.

mod accepted;
mod principal;
mod refused;
mod request;
mod tampered;
