//! The `[aws]` and `[event_bridge]` sections.

use std::{num::NonZeroUsize, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::{EndpointUrl, RoleArn};
use crate::model::positive;

/// How AWS is reached. Credentials come from AWS's own chain: environment, profile, web identity,
/// container, instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where every service is reached, instead of at Amazon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<EndpointUrl>,
    /// How long connecting may take.
    #[serde(with = "positive")]
    pub connect_timeout: Duration,
    /// How long one request may take, connecting included.
    #[serde(with = "positive")]
    pub attempt_timeout: Duration,
    /// SQS.
    pub sqs: ServiceConfig,
    /// SNS.
    pub sns: ServiceConfig,
    /// Lambda.
    pub lambda: ServiceConfig,
    /// EventBridge.
    pub event_bridge: ServiceConfig,
    /// STS, which is asked for the roles of destinations.
    pub sts: ServiceConfig,
}

/// What one service does differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceConfig {
    /// Where this service is reached; overrides `aws.endpoint_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<EndpointUrl>,
}

/// What one destination does differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationConfig {
    /// Where it is reached; overrides `[aws]`.
    pub endpoint_url: Option<EndpointUrl>,
    /// The role in whose name it is sent to.
    pub role_arn: Option<RoleArn>,
    /// How many bytes a request may hold, if not as many as the service takes.
    pub request_bytes: Option<RequestBytes>,
}

/// So many bytes that a message fits into them: more than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteSize", into = "ByteSize")]
pub struct RequestBytes(NonZeroUsize);

/// A size that no message fits into.
#[derive(Debug, thiserror::Error)]
#[error("no message has no bytes; write a size such as \"256KiB\"")]
pub struct RequestBytesError;

impl RequestBytes {
    /// How many they are.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl TryFrom<ByteSize> for RequestBytes {
    type Error = RequestBytesError;

    fn try_from(size: ByteSize) -> Result<Self, Self::Error> {
        let bytes = usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        NonZeroUsize::new(bytes).map(Self).ok_or(RequestBytesError)
    }
}

impl From<RequestBytes> for ByteSize {
    fn from(RequestBytes(bytes): RequestBytes) -> Self {
        Self::b(bytes.get() as u64)
    }
}

/// Which bus gets the events of buckets with EventBridge on, and in whose name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventBridgeConfig {
    /// The bus, in the account and region of the settings.
    pub bus: String,
    /// The `source` of every entry. Amazon refuses sources that begin with `aws.`.
    pub source: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint_url: None,
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(10),
            sqs: ServiceConfig::default(),
            sns: ServiceConfig::default(),
            lambda: ServiceConfig::default(),
            event_bridge: ServiceConfig::default(),
            sts: ServiceConfig::default(),
        }
    }
}

impl Default for EventBridgeConfig {
    fn default() -> Self {
        Self { bus: "default".into(), source: "fanfare.s3".into() }
    }
}
