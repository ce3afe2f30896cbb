//! The failure table, row by row: each code as the services write it, and each status alone.

use crate::publish::Class;

#[rustfmt::skip]
const THROTTLED: &[&str] = &[
    "Throttling", "ThrottlingException", "ThrottledException", "Throttled", "RequestThrottled",
    "RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException", "SlowDown",
    "LimitExceededException", "RequestLimitExceeded", "BandwidthLimitExceeded",
    "ProvisionedThroughputExceededException", "PriorRequestNotComplete",
    "ServiceQuotaExceededException", "KMS.ThrottlingException", "KMSThrottling",
    "KMSThrottlingException", "KmsThrottled", "com.amazonaws.sqs#RequestThrottled",
    "com.amazonaws.sqs#KmsThrottled",
];

#[rustfmt::skip]
const TRANSIENT: &[&str] = &[
    "RequestTimeout", "RequestTimeoutException", "InternalError", "InternalErrorException",
    "InternalFailure", "InternalException", "InternalServerError", "InternalServiceException",
    "ServiceUnavailable", "ServiceUnavailableException", "ServiceException",
    "ResourceConflictException", "ResourceNotReady", "ResourceNotReadyException",
    "ENILimitReached", "ENILimitReachedException", "ENINotReady", "ENINotReadyException",
    "EC2Unexpected", "EC2UnexpectedException", "EFSIOException", "EFSMountConnectivityException",
    "EFSMountFailureException", "EFSMountTimeoutException", "S3FilesMountConnectivityException",
    "S3FilesMountFailureException", "S3FilesMountTimeoutException", "SnapStartException",
    "SnapStartNotReadyException", "SnapStartTimeoutException",
    "SnapStartRegenerationFailureException", "CodeArtifactUserPending",
    "CodeArtifactUserPendingException", "SubnetIPAddressLimitReached",
    "SubnetIPAddressLimitReachedException",
];

#[rustfmt::skip]
const BROKEN: &[&str] = &[
    "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
    "NotAuthorized", "NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException",
    "UnrecognizedClient", "UnrecognizedClientException", "InvalidClientTokenId",
    "InvalidAccessKeyId", "MissingAuthenticationToken", "IncompleteSignature",
    "SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken", "ExpiredTokenException",
    "RequestExpired", "OptInRequired", "InvalidAccountIdException",
    "AWS.SimpleQueueService.NonExistentQueue", "com.amazonaws.sqs#QueueDoesNotExist",
    "QueueDoesNotExist", "AWS.SimpleQueueService.QueueDeletedRecently", "NotFound",
    "NotFoundException", "ResourceNotFoundException", "InvalidAddress", "EndpointDisabled",
    "EndpointDisabledException", "PlatformApplicationDisabled", "InvalidSecurity",
    "InvalidSecurityException", "KMS.AccessDeniedException", "KMSAccessDenied",
    "KMSAccessDeniedException", "KmsAccessDenied", "KMS.DisabledException", "KMSDisabled",
    "KMSDisabledException", "KmsDisabled", "KMS.InvalidKeyUsageException", "KmsInvalidKeyUsage",
    "KMS.InvalidStateException", "KMSInvalidState", "KMSInvalidStateException", "KmsInvalidState",
    "KMS.NotFoundException", "KMSNotFound", "KMSNotFoundException", "KmsNotFound",
    "KMS.OptInRequired", "KMSOptInRequired", "KmsOptInRequired", "CodeArtifactUserDeleted",
    "CodeArtifactUserDeletedException", "CodeArtifactUserFailed",
    "CodeArtifactUserFailedException", "InvalidRuntime", "InvalidRuntimeException",
    "NoPublishedVersion", "NoPublishedVersionException", "RecursiveInvocationException",
    "EC2AccessDeniedException", "InvalidSecurityGroupIDException", "InvalidSubnetIDException",
    "InvalidZipFileException",
];

#[rustfmt::skip]
const POISON: &[&str] = &[
    "InvalidMessageContents", "com.amazonaws.sqs#InvalidMessageContents", "InvalidParameter",
    "InvalidParameterException", "InvalidParameterValue", "InvalidParameterValueException",
    "ParameterValueInvalid", "MalformedDetail", "InvalidArgument", "RedactionFailure",
    "InvalidRequestContentException", "UnsupportedMediaTypeException",
];

#[rustfmt::skip]
const BATCH_SHAPE: &[&str] = &[
    "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong",
    "BatchRequestTooLongException", "RequestTooLarge", "RequestTooLargeException",
    "RequestEntityTooLargeException", "SerializedRequestEntityTooLargeException",
    "TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    "TooManyEntriesInBatchRequestException", "BatchEntryIdsNotDistinct",
    "BatchEntryIdsNotDistinctException", "InvalidBatchEntryId", "InvalidBatchEntryIdException",
    "EmptyBatchRequest", "EmptyBatchRequestException",
];

/// Codes that say nothing anyone could act on, among them those of requests that fanfare never
/// makes.
const UNKNOWN: &[&str] =
    &["NeverHeardOf", "", "Exception", "ValidationException", "MissingParameter", "InvalidAction"];

#[test]
fn every_code_has_its_class_whatever_the_status() {
    for (codes, class) in [
        (THROTTLED, Class::Throttled),
        (TRANSIENT, Class::Transient),
        (BROKEN, Class::Broken),
        (POISON, Class::Poison),
        (BATCH_SHAPE, Class::BatchShape),
    ] {
        for code in codes {
            for status in [None, Some(400), Some(403), Some(500)] {
                assert_eq!(Class::of(code, status), class, "{code} {status:?}");
            }
        }
    }
    for code in UNKNOWN {
        assert_eq!(Class::of(code, Some(400)), Class::Unknown, "{code}");
        assert_eq!(Class::of(code, None), Class::Unknown, "{code}");
    }
}

#[test]
fn the_status_decides_where_the_code_says_nothing() {
    for (statuses, class) in [
        (&[429][..], Class::Throttled),
        (&[408, 500, 502, 503, 504, 599], Class::Transient),
        (&[301, 302, 307, 401, 403, 404, 407], Class::Broken),
        (&[413], Class::BatchShape),
        (&[415], Class::Poison),
        (&[400, 402, 405, 409, 418], Class::Unknown),
    ] {
        for &status in statuses {
            let code = format!("Http{status}");
            assert_eq!(Class::of(&code, Some(status)), class, "{code}");
        }
    }
}
