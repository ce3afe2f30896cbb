//! The `[aws]` and `[event_bridge]` sections.

use std::{num::NonZeroUsize, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

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

/// So many bytes that a message fits into them, and that a service takes: 1 KiB to 1 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteSize", into = "ByteSize")]
pub struct RequestBytes(NonZeroUsize);

/// A size that no message fits into, or that no service takes.
#[derive(Debug, thiserror::Error)]
#[error(
    "{size} is no size of a request: a message has about 1 KiB, and no service takes more than \
     1 MiB; write a size such as \"256KiB\""
)]
pub struct RequestBytesError {
    size: ByteSize,
}

const REQUEST_BYTES_MIN: ByteSize = ByteSize::kib(1);
/// SQS, and SNS where the topic's owner asks for it.
const REQUEST_BYTES_MAX: ByteSize = ByteSize::mib(1);

impl RequestBytes {
    /// How many they are.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl TryFrom<ByteSize> for RequestBytes {
    type Error = RequestBytesError;

    fn try_from(size: ByteSize) -> Result<Self, Self::Error> {
        let fits = (REQUEST_BYTES_MIN..=REQUEST_BYTES_MAX).contains(&size);
        let bytes = usize::try_from(size.as_u64()).ok().and_then(NonZeroUsize::new);
        bytes.filter(|_| fits).map(Self).ok_or(RequestBytesError { size })
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
    #[serde(deserialize_with = "source")]
    pub source: String,
}

/// Amazon's limit, in characters.
const SOURCE_CHARS_MAX: usize = 256;

fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let source = String::deserialize(deserializer)?;
    if !(1..=SOURCE_CHARS_MAX).contains(&source.chars().count()) {
        let problem = format_args!(
            "a source has 1 to {SOURCE_CHARS_MAX} characters; write one such as \"fanfare.s3\""
        );
        return Err(D::Error::custom(problem));
    }
    Ok(source)
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

impl Config {
    /// Whether EventBridge is Amazon's own, as far as `[aws]` says.
    pub fn event_bridge_is_amazons(&self) -> bool {
        self.endpoint_url.is_none() && self.event_bridge.endpoint_url.is_none()
    }
}

impl Default for EventBridgeConfig {
    fn default() -> Self {
        Self { bus: "default".into(), source: "fanfare.s3".into() }
    }
}
