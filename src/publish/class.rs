//! Which kind of failure an AWS error code is.
//!
//! One table for the four services, since no code means two things. A code that stands here
//! nowhere is judged by its HTTP status, and is never taken for a broken message.

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

    /// Classifies a code. SQS's query-era names (`AWS.SimpleQueueService.NonExistentQueue`) and
    /// JSON-era names (`com.amazonaws.sqs#QueueDoesNotExist`) are told by their last part.
    pub fn of(code: &str, status: Option<u16>) -> Self {
        Self::known(code).or_else(|| Self::known(code.rsplit(['.', '#']).next()?)).unwrap_or(
            match status {
                Some(429) => Self::Throttled,
                Some(413) => Self::BatchShape,
                Some(500..) => Self::Transient,
                _ => Self::Unknown,
            },
        )
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

            "AccessDenied" | "AccessDeniedException" | "AuthorizationError"
            | "AuthorizationErrorException" | "NotAuthorizedForSourceException"
            | "NotAuthorizedForDetailTypeException" | "UnrecognizedClientException"
            | "InvalidClientTokenId" | "InvalidAccessKeyId" | "MissingAuthenticationToken"
            | "IncompleteSignature" | "SignatureDoesNotMatch" | "InvalidSignatureException"
            | "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "OptInRequired"
            | "NonExistentQueue" | "QueueDoesNotExist" | "QueueDeletedRecently" | "NotFound"
            | "NotFoundException" | "ResourceNotFoundException" | "InvalidAddress"
            | "EndpointDisabled" | "EndpointDisabledException" | "InvalidSecurity"
            | "InvalidAccountIdException" | "KMSAccessDenied" | "KMSAccessDeniedException"
            | "KmsAccessDenied" | "KMSDisabled" | "KMSDisabledException" | "KmsDisabled"
            | "KMSInvalidState" | "KMSInvalidStateException" | "KmsInvalidState" | "KMSNotFound"
            | "KMSNotFoundException" | "KmsNotFound" | "KMSOptInRequired" | "KmsOptInRequired"
            | "InvalidRuntimeException" | "NoPublishedVersionException"
            | "RecursiveInvocationException" | "CodeArtifactUserDeletedException"
            | "CodeArtifactUserFailedException"
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
