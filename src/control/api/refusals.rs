//! The refusals that are neither about a signature nor about a document: S3's codes and words.

use axum::http::StatusCode;

use super::error_document::ErrorDocument;
use crate::model::BucketName;

/// Whatever is no operation on a notification configuration.
pub(super) fn not_implemented() -> ErrorDocument {
    ErrorDocument::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
    )
    .because(
        "only GET and PUT of a bucket's ?notification are; a bucket in the host's name needs s3.domain"
            .into(),
    )
}

pub(super) fn invalid_name(bucket: &str) -> ErrorDocument {
    ErrorDocument::new(
        StatusCode::BAD_REQUEST,
        "InvalidBucketName",
        "The specified bucket is not valid.",
    )
    .with("BucketName", bucket.to_owned())
}

pub(super) fn no_such_bucket(bucket: &BucketName) -> ErrorDocument {
    ErrorDocument::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")
        .with("BucketName", bucket.to_string())
}

pub(super) fn too_large(limit: usize) -> ErrorDocument {
    ErrorDocument::new(
        StatusCode::BAD_REQUEST,
        "MaxMessageLengthExceeded",
        "Your request was too big.",
    )
    .with("MaxMessageLengthBytes", limit.to_string())
}

pub(super) fn too_slow() -> ErrorDocument {
    ErrorDocument::new(
        StatusCode::BAD_REQUEST,
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout \
         period. Idle connections will be closed.",
    )
}

/// The daemon is about to stop; an SDK tries again.
pub(super) fn unavailable(reason: String) -> ErrorDocument {
    ErrorDocument::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        "Service is unable to handle request.",
    )
    .because(reason)
}

/// Something is wrong here, not with the request.
pub(super) fn internal(reason: String) -> ErrorDocument {
    ErrorDocument::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        "We encountered an internal error. Please try again.",
    )
    .because(reason)
}
