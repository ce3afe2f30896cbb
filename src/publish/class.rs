//! Which kind of failure an AWS error code is.
//!
//! One table for the four services, since no code means two things. A code that stands here
//! nowhere is judged by its HTTP status, and is never taken for a broken message. A [`Class`] says
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

    /// Classifies a code by its row, or else by the HTTP status.
    pub fn of(code: &str, status: Option<u16>) -> Self {
        match (Row::of(code), status) {
            (Some(row), _) => row.class(),
            (None, Some(429)) => Self::Throttled,
            (None, Some(413)) => Self::BatchShape,
            (None, Some(500..)) => Self::Transient,
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
    /// [`Class::BatchShape`].
    BatchShape,
}

impl Row {
    /// The row of a code. SQS's query-era names (`AWS.SimpleQueueService.NonExistentQueue`) and
    /// JSON-era names (`com.amazonaws.sqs#QueueDoesNotExist`) are told by their last part, but
    /// for what SQS reports of KMS: a missing key is no missing queue.
    pub(super) fn of(code: &str) -> Option<Self> {
        Self::known(code).or_else(|| Self::known(code.rsplit(['.', '#']).next()?))
    }

    const fn class(self) -> Class {
        match self {
            Self::Throttled => Class::Throttled,
            Self::Transient => Class::Transient,
            Self::Missing | Self::Forbidden | Self::Broken => Class::Broken,
            Self::Poison => Class::Poison,
            Self::BatchShape => Class::BatchShape,
        }
    }

    #[rustfmt::skip]
    fn known(code: &str) -> Option<Self> {
        Some(match code {
            "Throttling" | "ThrottlingException" | "ThrottledException" | "Throttled"
            | "RequestThrottled" | "RequestThrottledException" | "TooManyRequestsException"
            | "EC2ThrottledException" | "SlowDown" | "LimitExceededException"
            | "KMS.ThrottlingException" | "KmsThrottled" | "KMSThrottling" | "KMSThrottlingException"
                => Self::Throttled,

            "RequestTimeout" | "RequestTimeoutException" | "InternalError" | "InternalFailure"
            | "InternalException" | "InternalErrorException" | "InternalServerError"
            | "ServiceUnavailable" | "ServiceUnavailableException" | "ServiceException"
            | "ResourceConflictException" | "ResourceNotReady" | "ResourceNotReadyException"
            | "ENILimitReached" | "ENILimitReachedException" | "ENINotReadyException"
            | "EC2UnexpectedException" | "EFSIOException" | "EFSMountConnectivityException"
            | "EFSMountFailureException" | "EFSMountTimeoutException" | "SnapStartException"
            | "SnapStartNotReadyException" | "SnapStartTimeoutException"
            | "CodeArtifactUserPendingException" | "SubnetIPAddressLimitReachedException"
                => Self::Transient,

            "NonExistentQueue" | "QueueDoesNotExist" | "QueueDeletedRecently" | "InvalidAddress"
            | "NotFound" | "NotFoundException" | "ResourceNotFoundException"
                => Self::Missing,

            "AccessDenied" | "AccessDeniedException" | "AuthorizationError"
            | "AuthorizationErrorException" | "NotAuthorizedForSourceException"
            | "NotAuthorizedForDetailTypeException"
            | "KMS.AccessDeniedException" | "KMSAccessDenied" | "KMSAccessDeniedException"
            | "KmsAccessDenied" | "KMS.DisabledException" | "KMSDisabled" | "KMSDisabledException"
            | "KmsDisabled" | "KMS.InvalidKeyUsageException" | "KmsInvalidKeyUsage"
            | "KMS.InvalidStateException" | "KMSInvalidState" | "KMSInvalidStateException"
            | "KmsInvalidState" | "KMS.NotFoundException" | "KMSNotFound" | "KMSNotFoundException"
            | "KmsNotFound" | "KMS.OptInRequired" | "KMSOptInRequired" | "KmsOptInRequired"
                => Self::Forbidden,

            "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId"
            | "MissingAuthenticationToken" | "IncompleteSignature" | "SignatureDoesNotMatch"
            | "InvalidSignatureException" | "ExpiredToken" | "ExpiredTokenException"
            | "RequestExpired" | "OptInRequired" | "InvalidSecurity" | "InvalidAccountIdException"
            | "EndpointDisabled" | "EndpointDisabledException" | "InvalidRuntimeException"
            | "NoPublishedVersionException" | "RecursiveInvocationException"
            | "CodeArtifactUserDeletedException" | "CodeArtifactUserFailedException"
                => Self::Broken,

            "InvalidMessageContents" | "InvalidParameter" | "InvalidParameterException"
            | "InvalidParameterValue" | "InvalidParameterValueException" | "MalformedDetail"
            | "InvalidArgument" | "RedactionFailure" | "InvalidRequestContentException"
            | "RequestTooLargeException" | "RequestEntityTooLargeException"
            | "UnsupportedMediaTypeException"
                => Self::Poison,

            "BatchRequestTooLong" | "BatchRequestTooLongException" | "TooManyEntriesInBatchRequest"
            | "TooManyEntriesInBatchRequestException" | "BatchEntryIdsNotDistinct"
            | "BatchEntryIdsNotDistinctException" | "InvalidBatchEntryId"
            | "InvalidBatchEntryIdException" | "EmptyBatchRequest" | "EmptyBatchRequestException"
                => Self::BatchShape,

            _ => return None,
        })
    }
}
