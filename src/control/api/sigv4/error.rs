//! Why a request is refused: the codes, the statuses and the words of S3, in one table.
//!
//! The words are S3's own, so they begin and end as S3's do. What they show was in the request;
//! never a secret, and never the signature that would have been right.

use axum::http::StatusCode;
use jiff::Timestamp;

use super::{
    canonical::hex,
    claim::{Form, SKEW_MAX},
    scope::ScopeError,
    time::in_words,
};

/// Why a request is refused. Prints as the message of the error document.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Nobody signed it, or the one who did may not do that.
    #[error("Access Denied")]
    AccessDenied,
    /// A signature in the header and one in the query, or two in the query.
    #[error(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature \
         query string parameter or the Authorization header should be specified"
    )]
    SeveralMechanisms,
    /// Signature Version 2, or the asymmetric kind of Version 4.
    #[error(
        "The authorization mechanism you have provided is not supported. Please use \
         AWS4-HMAC-SHA256."
    )]
    OldMechanism,
    /// Something else in `Authorization`.
    #[error("Unsupported Authorization Type")]
    UnknownMechanism,
    /// An `Authorization` of one word.
    #[error("Authorization header is invalid -- one and only one ' ' (space) required")]
    NoSpace,
    /// No `x-amz-content-sha256`.
    #[error("Missing required header for this request: x-amz-content-sha256")]
    NoDigest,
    /// An `x-amz-content-sha256` that means nothing.
    #[error(
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
         STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
         STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, \
         STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
    )]
    Digest {
        /// As sent.
        value: Box<str>,
    },
    /// No `x-amz-date`, or one that is no time.
    #[error("AWS authentication requires a valid Date or x-amz-date header")]
    NoDate,
    /// The clocks are too far apart, or the request is a replay.
    #[error("The difference between the request time and the current time is too large.")]
    Skewed {
        /// As sent.
        request_time: Box<str>,
        /// The time here.
        server_time: Timestamp,
    },
    /// An `Authorization` without its three parts.
    #[error(
        "The authorization header is malformed; the authorization header requires three \
         components: Credential, SignedHeaders, and Signature."
    )]
    Components,
    /// Another algorithm in the query.
    #[error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")]
    QueryAlgorithm,
    /// A query without one of its parameters.
    #[error(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
         X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
    )]
    QueryIncomplete,
    /// The time in the query is none.
    #[error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")]
    QueryDate,
    /// The lifetime in the query is none.
    #[error("X-Amz-Expires should be a number")]
    ExpiresNumber,
    /// The lifetime in the query ends before it begins.
    #[error("X-Amz-Expires must be non-negative")]
    ExpiresNegative,
    /// The lifetime in the query is longer than a week.
    #[error(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires \
         must be less than 604800 seconds"
    )]
    ExpiresTooLong,
    /// Presigned for later.
    #[error("Request is not yet valid")]
    NotYetValid {
        /// When it begins to be valid.
        from: Timestamp,
        /// When it ends to be valid.
        until: Timestamp,
        /// The time here.
        server_time: Timestamp,
    },
    /// Presigned, and too old.
    #[error("Request has expired")]
    Expired {
        /// The lifetime, as sent.
        expires: Box<str>,
        /// When it ended to be valid.
        until: Timestamp,
        /// The time here.
        server_time: Timestamp,
    },
    /// The credential scope is wrong.
    #[error("{}{problem}", form.preamble())]
    Scope {
        /// Where it stands.
        form: Form,
        /// What is wrong with it.
        problem: ScopeError,
    },
    /// The credential scope is for another day than the request.
    #[error("{}", other_day(*form, day, date))]
    OtherDay {
        /// Where it stands.
        form: Form,
        /// The day of the scope.
        day: Box<str>,
        /// The day of the request.
        date: Box<str>,
    },
    /// Headers that must be signed are not.
    #[error("There were headers present in the request which were not signed")]
    Unsigned {
        /// Their names.
        names: String,
    },
    /// Nobody has this access key.
    #[error("The AWS Access Key Id you provided does not exist in our records.")]
    UnknownKey {
        /// As sent.
        access_key_id: Box<str>,
    },
    /// Another secret, or the request was changed on its way.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check \
         your key and signing method."
    )]
    Mismatch(Box<Mismatch>),
    /// The body is not the one that was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    OtherBody {
        /// The digest as sent.
        signed: Box<str>,
        /// The digest of the body that came.
        computed: Box<str>,
    },
    /// The body comes in chunks, which no client does with so small a document.
    #[error("A header you provided implies functionality that is not implemented")]
    Streaming,
}

/// What was signed here, for the client to compare with what it signed.
#[derive(Debug)]
pub struct Mismatch {
    pub(super) access_key_id: Box<str>,
    pub(super) signature_provided: Box<str>,
    pub(super) string_to_sign: String,
    pub(super) canonical_request: Vec<u8>,
}

impl Form {
    fn preamble(self) -> &'static str {
        match self {
            Self::Header => "The authorization header is malformed; ",
            Self::Query => "Error parsing the X-Amz-Credential parameter; ",
        }
    }
}

fn other_day(form: Form, day: &str, date: &str) -> String {
    match form {
        Form::Header => {
            let wrong = "Invalid credential date. Date is not the same as X-Amz-Date.";
            format!("{}{wrong}", form.preamble())
        }
        Form::Query => format!(
            "Invalid credential date \"{day}\". This date is not the same as X-Amz-Date: \
             \"{date}\"."
        ),
    }
}

impl AuthError {
    /// The `Code` of the error document.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccessDenied
            | Self::NoDate
            | Self::NotYetValid { .. }
            | Self::Expired { .. }
            | Self::Unsigned { .. } => "AccessDenied",
            Self::SeveralMechanisms
            | Self::UnknownMechanism
            | Self::NoSpace
            | Self::Digest { .. } => "InvalidArgument",
            Self::OldMechanism | Self::NoDigest => "InvalidRequest",
            Self::Skewed { .. } => "RequestTimeTooSkewed",
            Self::Components
            | Self::Scope { form: Form::Header, .. }
            | Self::OtherDay { form: Form::Header, .. } => "AuthorizationHeaderMalformed",
            Self::QueryAlgorithm
            | Self::QueryIncomplete
            | Self::QueryDate
            | Self::ExpiresNumber
            | Self::ExpiresNegative
            | Self::ExpiresTooLong
            | Self::Scope { form: Form::Query, .. }
            | Self::OtherDay { form: Form::Query, .. } => "AuthorizationQueryParametersError",
            Self::UnknownKey { .. } => "InvalidAccessKeyId",
            Self::Mismatch(_) => "SignatureDoesNotMatch",
            Self::OtherBody { .. } => "XAmzContentSHA256Mismatch",
            Self::Streaming => "NotImplemented",
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self.code() {
            "AccessDenied"
            | "RequestTimeTooSkewed"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch" => StatusCode::FORBIDDEN,
            "NotImplemented" => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The elements of the error document after its `Message`, in order.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            // S3 repeats the header's value; it may be somebody's bearer token.
            Self::SeveralMechanisms | Self::UnknownMechanism | Self::NoSpace => {
                vec![("ArgumentName", "Authorization".to_owned())]
            }
            Self::Digest { value } => vec![
                ("ArgumentName", "x-amz-content-sha256".to_owned()),
                ("ArgumentValue", value.to_string()),
            ],
            Self::Skewed { request_time, server_time } => vec![
                ("RequestTime", request_time.to_string()),
                ("ServerTime", in_words(*server_time)),
                ("MaxAllowedSkewMilliseconds", SKEW_MAX.as_millis().to_string()),
            ],
            Self::NotYetValid { from, until, server_time } => vec![
                ("X-Amz-Date", from.as_millisecond().to_string()),
                ("Expires", in_words(*until)),
                ("ServerTime", in_words(*server_time)),
            ],
            Self::Expired { expires, until, server_time } => vec![
                ("X-Amz-Expires", expires.to_string()),
                ("Expires", in_words(*until)),
                ("ServerTime", in_words(*server_time)),
            ],
            Self::Scope { problem: ScopeError::Region { expected, .. }, .. } => {
                vec![("Region", expected.to_string())]
            }
            Self::Unsigned { names } => vec![("HeadersNotSigned", names.clone())],
            Self::UnknownKey { access_key_id } => {
                vec![("AWSAccessKeyId", access_key_id.to_string())]
            }
            Self::Mismatch(mismatch) => mismatch.details(),
            Self::OtherBody { signed, computed } => vec![
                ("ClientComputedContentSHA256", signed.to_string()),
                ("S3ComputedContentSHA256", computed.to_string()),
            ],
            Self::Streaming => vec![("Header", "x-amz-content-sha256".to_owned())],
            _ => Vec::new(),
        }
    }
}

impl Mismatch {
    fn details(&self) -> Vec<(&'static str, String)> {
        let bytes = |bytes: &[u8]| hex(bytes).join(" ");
        vec![
            ("AWSAccessKeyId", self.access_key_id.to_string()),
            ("StringToSign", self.string_to_sign.clone()),
            ("SignatureProvided", self.signature_provided.to_string()),
            ("StringToSignBytes", bytes(self.string_to_sign.as_bytes())),
            ("CanonicalRequest", String::from_utf8_lossy(&self.canonical_request).into_owned()),
            ("CanonicalRequestBytes", bytes(&self.canonical_request)),
        ]
    }
}
