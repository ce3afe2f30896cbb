//! The AWS clients that all destinations share, and what an SDK error means.
//!
//! The SDK's own retries are off: their budget is one per service and process, so a dead queue
//! would use up what a healthy one needs. Each request has a deadline, since the SDK has none for
//! a server that accepts a connection and never answers.

use std::{borrow::Cow, error::Error, iter, num::NonZeroUsize, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::{
    client::result::{ConnectorError, DispatchFailure, SdkError},
    http::Response as HttpResponse,
};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::ErrorKind};

use super::{
    Cause, Class, Config, DestinationConfig, EndpointUrl, EventBridgeConfig, Limits, Publish,
    Verdict, eventbridge, lambda, sns, sqs,
};
use crate::model::{Destination, Message, Region};

/// A cause is logged with every failed attempt, so it has at most so many bytes.
const CAUSE_BYTES_MAX: usize = 300;

/// The four clients. They share one connection pool and one source of credentials.
#[derive(Clone, Debug)]
pub struct Aws {
    sqs: aws_sdk_sqs::Client,
    sqs_endpoint: Option<String>,
    sns: aws_sdk_sns::Client,
    lambda: aws_sdk_lambda::Client,
    event_bridge: aws_sdk_eventbridge::Client,
    source: String,
}

/// The publisher of one destination, whatever its service.
#[derive(Debug)]
pub struct Publisher {
    pub(super) target: Target,
    request_bytes: Option<NonZeroUsize>,
}

/// What is published to.
#[derive(Debug)]
pub(super) enum Target {
    /// An SQS queue.
    Queue(sqs::Queue),
    /// An SNS topic.
    Topic(sns::Topic),
    /// A Lambda function.
    Function(lambda::Function),
    /// An EventBridge bus.
    Bus(eventbridge::Bus),
}

impl Aws {
    /// Makes the clients. Nothing is connected and no credentials are loaded before the first
    /// request.
    pub async fn new(region: &Region, config: &Config, event_bridge: &EventBridgeConfig) -> Self {
        Self::with(&loader(region, config).load().await, config, event_bridge)
    }

    pub(super) fn with(
        shared: &SdkConfig,
        config: &Config,
        event_bridge: &EventBridgeConfig,
    ) -> Self {
        let at = |service: &super::ServiceConfig| {
            with_endpoint(shared, service.endpoint_url.as_ref().or(config.endpoint_url.as_ref()))
        };
        let sqs = at(&config.sqs);
        Self {
            sqs_endpoint: sqs.endpoint_url().map(str::to_owned),
            sqs: aws_sdk_sqs::Client::new(&sqs),
            sns: aws_sdk_sns::Client::new(&at(&config.sns)),
            lambda: aws_sdk_lambda::Client::new(&at(&config.lambda)),
            event_bridge: aws_sdk_eventbridge::Client::new(&at(&config.event_bridge)),
            source: event_bridge.source.clone(),
        }
    }

    /// The publisher of this destination.
    pub fn publisher(&self, destination: &Destination, config: &DestinationConfig) -> Publisher {
        Publisher { target: self.target(destination), request_bytes: config.request_bytes }
    }

    fn target(&self, destination: &Destination) -> Target {
        match destination {
            Destination::Queue(queue) => Target::Queue(sqs::Queue::new(
                self.sqs.clone(),
                queue,
                self.sqs_endpoint.as_deref(),
            )),
            Destination::Topic(topic) => Target::Topic(sns::Topic::new(self.sns.clone(), topic)),
            Destination::Function(function) => {
                Target::Function(lambda::Function::new(self.lambda.clone(), function))
            }
            Destination::Bus(bus) => Target::Bus(eventbridge::Bus::new(
                self.event_bridge.clone(),
                bus,
                self.source.clone(),
            )),
        }
    }
}

pub(super) fn loader(region: &Region, config: &Config) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.attempt_timeout)
        .operation_attempt_timeout(config.attempt_timeout)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(region.as_str().to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
}

fn with_endpoint(shared: &SdkConfig, endpoint: Option<&EndpointUrl>) -> SdkConfig {
    match endpoint {
        Some(url) => shared.clone().into_builder().endpoint_url(url.as_str()).build(),
        None => shared.clone(),
    }
}

impl Publish for Publisher {
    fn limits(&self) -> Limits {
        let limits = match &self.target {
            Target::Queue(queue) => queue.limits(),
            Target::Topic(topic) => topic.limits(),
            Target::Function(function) => function.limits(),
            Target::Bus(bus) => bus.limits(),
        };
        Limits { bytes: self.request_bytes.map_or(limits.bytes, NonZeroUsize::get), ..limits }
    }

    fn weight(&self, message: &Message) -> usize {
        match &self.target {
            Target::Queue(queue) => queue.weight(message),
            Target::Topic(topic) => topic.weight(message),
            Target::Function(function) => function.weight(message),
            Target::Bus(bus) => bus.weight(message),
        }
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        match &self.target {
            Target::Queue(queue) => queue.publish(batch).await,
            Target::Topic(topic) => topic.publish(batch).await,
            Target::Function(function) => function.publish(batch).await,
            Target::Bus(bus) => bus.publish(batch).await,
        }
    }
}

/// What a failed request means for each of its messages.
pub(super) fn failed_request<E>(error: &SdkError<E, HttpResponse>, messages: usize) -> Vec<Verdict>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    Verdict::of_request(messages, error.raw_response().and_then(retry_after), cause_of(error))
}

/// Why a request failed.
pub(super) fn cause_of<E>(error: &SdkError<E, HttpResponse>) -> Cause
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let ours = |class, code: &str| Cause { class, code: code.into(), message: chain(error).into() };
    match error {
        // The SDK takes an answer that it cannot read for an error of the service.
        SdkError::ServiceError(context)
            if context.err().code().is_none() && matches!(status, Some(200..300)) =>
        {
            ours(Class::Transient, "UnreadableAnswer")
        }
        SdkError::ServiceError(context) => {
            let code = context.err().code().map_or_else(|| status_code(status), Cow::Borrowed);
            let message = context.err().message().map_or_else(|| chain(context.err()), cut);
            Cause::from_code(&code, status, &message)
        }
        SdkError::TimeoutError(_) => ours(Class::Transient, "Timeout"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            ours(Class::Transient, "Timeout")
        }
        SdkError::DispatchFailure(failure) if is_of_the_connection(failure) => {
            ours(Class::Transient, "Connection")
        }
        // What is left never reached a socket.
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            let cause = ours(Class::Broken, "NotSent");
            if cause.message.contains("credential") { no_credentials() } else { cause }
        }
        _ => ours(Class::Transient, "UnreadableAnswer"),
    }
}

/// The SDK's own words are several lines, one for each place where it looked.
fn no_credentials() -> Cause {
    let message = "no usable AWS credentials in environment, profile, web identity, container or \
                   instance; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine \
                   a role";
    Cause { class: Class::Broken, code: "NoCredentials".into(), message: message.into() }
}

/// Whether the connection broke. A server that closes one that is kept alive is, to the SDK, an
/// error of another kind that is transient.
fn is_of_the_connection(failure: &DispatchFailure) -> bool {
    let kind = failure.as_connector_error().and_then(ConnectorError::as_other);
    failure.is_io() || kind == Some(ErrorKind::TransientError)
}

fn status_code(status: Option<u16>) -> Cow<'static, str> {
    status.map_or(Cow::Borrowed("NoStatus"), |status| Cow::Owned(format!("Http{status}")))
}

/// How long the service asks to wait: Amazon's own header counts milliseconds, the common one
/// seconds. Its form with a date is not used by AWS.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let number = |header| response.headers().get(header)?.trim().parse().ok();
    let exact = number("x-amz-retry-after").map(Duration::from_millis);
    exact.or_else(|| number("retry-after").map(Duration::from_secs))
}

/// The error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    let texts: Vec<_> = causes.map(|cause| without_request(&cause.to_string())).collect();
    cut(&texts.join(": "))
}

/// The SDK prints the whole request into some errors, the events in its body included.
fn without_request(text: &str) -> String {
    text.split_once("Request {").map_or(text, |(before, _)| before).to_owned()
}

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(CAUSE_BYTES_MAX)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;

    use super::*;

    fn cause(error: ConnectorError) -> Cause {
        let error = SdkError::<SendMessageBatchError, _>::dispatch_failure(error);
        cause_of(&error)
    }

    #[test]
    fn a_broken_connection_passes_and_missing_credentials_do_not() {
        let source = || io::Error::other("connection closed before message completed").into();
        for broken in [
            ConnectorError::io(source()),
            ConnectorError::other(source(), Some(ErrorKind::TransientError)),
        ] {
            let cause = cause(broken);
            assert_eq!((cause.class, &*cause.code), (Class::Transient, "Connection"));
        }
        let cause = cause(ConnectorError::other(source(), None));
        assert_eq!((cause.class, &*cause.code), (Class::Broken, "NotSent"));
        let missing = io::Error::other("an error occurred while loading credentials:\n- a\n- b");
        let error = ConnectorError::other(missing.into(), None);
        let cause = self::cause(error);
        assert_eq!((cause.class, &*cause.code), (Class::Broken, "NoCredentials"));
        assert!(!cause.message.contains('\n'));
    }

    #[test]
    fn a_cause_is_short_and_holds_no_request() {
        let text = "failed to apply endpoint `x` to request `Request { body: SdkBody { SECRET";
        let told = cause(ConnectorError::user(io::Error::other(text).into())).message;
        assert!(told.contains("failed to apply endpoint `x`"), "{told}");
        assert!(!told.contains("SECRET"), "{told}");
        let long = cause(ConnectorError::io(io::Error::other("ü".repeat(1000)).into())).message;
        assert!((CAUSE_BYTES_MAX - 1..=CAUSE_BYTES_MAX).contains(&long.len()), "{}", long.len());
    }
}
