//! Which kind of failure an AWS error code is.
//!
//! One table for the four services, since no code means two things. A code that stands here
//! nowhere is judged by its HTTP status. A [`Class`] says
//! what helps a delivery; a [`Row`] is finer where it also says what is wrong with a destination.

/// The kinds of failure, by what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Too fast: wait longer.
    Throttled,
    /// Passing: try again.
    Transient,
    /// The destination or our right to it is gone: an operator has to act.
    Broken,
    /// This message is refused whatever we do.
    Poison,
    /// The request as a whole is too large or malformed, its messages may be fine.
    BatchShape,
    /// A refusal that the table does not know.
    Unknown,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Throttled,
        Self::Transient,
        Self::Broken,
        Self::Poison,
        Self::BatchShape,
        Self::Unknown,
    ];

    /// The label in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Broken => "broken",
            Self::Poison => "poison",
            Self::BatchShape => "batch_shape",
            Self::Unknown => "unknown",
        }
    }

    /// Classifies a code by its row, or else by the HTTP status. Who is refused for who they are, or
    /// finds nobody at the address, has no broken message, whatever the code.
    pub fn of(code: &str, status: Option<u16>) -> Self {
        match (Row::of(code), status) {
            (Some(row), _) => row.class(),
            (None, Some(429)) => Self::Throttled,
            (None, Some(408 | 500..)) => Self::Transient,
            (None, Some(300..=399 | 401 | 403 | 404 | 407)) => Self::Broken,
            (None, Some(413)) => Self::BatchShape,
            (None, Some(415)) => Self::Poison,
            (None, _) => Self::Unknown,
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// [`Class::Throttled`].
    Throttled,
    /// [`Class::Transient`].
    Transient,
    /// [`Class::Broken`]: the destination does not exist.
    Missing,
    /// [`Class::Broken`]: the destination or the key that encrypts it is not ours to use.
    Forbidden,
    /// [`Class::Broken`]: our credentials are no good, or the destination exists and cannot work.
    Broken,
    /// [`Class::Poison`].
    Poison,
    /// [`Class::BatchShape`]: the request has too many bytes.
    TooLarge,
    /// [`Class::BatchShape`]: the request is not built as a batch is, which none of ours is.
    Malformed,
}

impl Row {
    /// The row of a code. SQS's query-era names (`AWS.SimpleQueueService.NonExistentQueue`) and
    /// JSON-era names (`com.amazonaws.sqs#QueueDoesNotExist`) are told by their last part, but
    /// for what SQS reports of KMS: a missing key is no missing queue. Services do not agree which
    /// names end in `Exception`, so none has to.
    pub(super) fn of(code: &str) -> Option<Self> {
        let stem = code.strip_suffix("Exception").unwrap_or(code);
        Self::known(stem).or_else(|| Self::known(stem.rsplit(['.', '#']).next()?))
    }

    const fn class(self) -> Class {
        match self {
            Self::Throttled => Class::Throttled,
            Self::Transient => Class::Transient,
            Self::Missing | Self::Forbidden | Self::Broken => Class::Broken,
            Self::Poison => Class::Poison,
            Self::TooLarge | Self::Malformed => Class::BatchShape,
        }
    }

    #[rustfmt::skip]
    fn known(stem: &str) -> Option<Self> {
        Some(match stem {
            "Throttling" | "Throttled" | "RequestThrottled" | "TooManyRequests" | "EC2Throttled"
            | "SlowDown" | "LimitExceeded" | "RequestLimitExceeded" | "BandwidthLimitExceeded"
            | "ProvisionedThroughputExceeded" | "PriorRequestNotComplete" | "ServiceQuotaExceeded"
            | "KMS.Throttling" | "KMSThrottling" | "KmsThrottled"
                => Self::Throttled,

            "RequestTimeout" | "InternalError" | "InternalFailure" | "Internal"
            | "InternalServerError" | "InternalService" | "ServiceUnavailable" | "Service"
            | "ResourceConflict" | "ResourceNotReady" | "ENILimitReached" | "ENINotReady"
            | "EC2Unexpected" | "EFSIO" | "EFSMountConnectivity" | "EFSMountFailure"
            | "EFSMountTimeout" | "S3FilesMountConnectivity" | "S3FilesMountFailure"
            | "S3FilesMountTimeout" | "SnapStart" | "SnapStartNotReady" | "SnapStartTimeout"
            | "SnapStartRegenerationFailure" | "CodeArtifactUserPending"
            | "SubnetIPAddressLimitReached"
                => Self::Transient,

            "NonExistentQueue" | "QueueDoesNotExist" | "QueueDeletedRecently" | "InvalidAddress"
            | "NotFound" | "ResourceNotFound"
                => Self::Missing,

            "AccessDenied" | "AuthorizationError" | "NotAuthorized" | "NotAuthorizedForSource"
            | "NotAuthorizedForDetailType" | "KMS.AccessDenied" | "KMSAccessDenied"
            | "KmsAccessDenied" | "KMS.Disabled" | "KMSDisabled" | "KmsDisabled"
            | "KMS.InvalidKeyUsage" | "KMSInvalidKeyUsage" | "KmsInvalidKeyUsage"
            | "KMS.InvalidState" | "KMSInvalidState" | "KmsInvalidState" | "KMS.NotFound"
            | "KMSNotFound" | "KmsNotFound" | "KMS.OptInRequired" | "KMSOptInRequired"
            | "KmsOptInRequired"
                => Self::Forbidden,

            "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidAccessKeyId"
            | "MissingAuthenticationToken" | "IncompleteSignature" | "SignatureDoesNotMatch"
            | "InvalidSignature" | "ExpiredToken" | "RequestExpired" | "OptInRequired"
            | "InvalidSecurity" | "InvalidAccountId" | "EndpointDisabled"
            | "PlatformApplicationDisabled" | "InvalidRuntime" | "NoPublishedVersion"
            | "RecursiveInvocation" | "CodeArtifactUserDeleted" | "CodeArtifactUserFailed"
            | "EC2AccessDenied" | "InvalidSecurityGroupID" | "InvalidSubnetID" | "InvalidZipFile"
                => Self::Broken,

            "InvalidMessageContents" | "InvalidParameter" | "InvalidParameterValue"
            | "ParameterValueInvalid" | "MalformedDetail" | "InvalidArgument" | "RedactionFailure"
            | "InvalidRequestContent" | "UnsupportedMediaType"
                => Self::Poison,

            "BatchRequestTooLong" | "RequestTooLarge" | "RequestEntityTooLarge"
            | "SerializedRequestEntityTooLarge"
                => Self::TooLarge,

            "TooManyEntriesInBatchRequest" | "BatchEntryIdsNotDistinct" | "InvalidBatchEntryId"
            | "EmptyBatchRequest"
                => Self::Malformed,

            _ => return None,
        })
    }
}
