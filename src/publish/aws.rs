//! The AWS clients that all destinations share, and what an SDK error means.
//!
//! The SDK's own retries are off: their budget is one per service and process, so a dead queue
//! would use up what a healthy one needs. Each request has a deadline, since the SDK has none for
//! a server that accepts a connection and never answers.

use std::{borrow::Cow, error::Error, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::{client::result::SdkError, http::Response as HttpResponse};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    Cause, Class, Config, EndpointUrl, EventBridgeConfig, Limits, Publish, Verdict, eventbridge,
    lambda, sns, sqs,
};
use crate::model::{Destination, Message, Region};

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
pub enum Publisher {
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
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.attempt_timeout)
            .operation_attempt_timeout(config.attempt_timeout)
            .build();
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new(region.as_str().to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .load()
            .await;
        let at = |service: &super::ServiceConfig| {
            with_endpoint(&shared, service.endpoint_url.as_ref().or(config.endpoint_url.as_ref()))
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
    pub fn publisher(&self, destination: &Destination) -> Publisher {
        match destination {
            Destination::Queue(queue) => Publisher::Queue(sqs::Queue::new(
                self.sqs.clone(),
                queue,
                self.sqs_endpoint.as_deref(),
            )),
            Destination::Topic(topic) => Publisher::Topic(sns::Topic::new(self.sns.clone(), topic)),
            Destination::Function(function) => {
                Publisher::Function(lambda::Function::new(self.lambda.clone(), function))
            }
            Destination::Bus(bus) => Publisher::Bus(eventbridge::Bus::new(
                self.event_bridge.clone(),
                bus,
                self.source.clone(),
            )),
        }
    }
}

fn with_endpoint(shared: &SdkConfig, endpoint: Option<&EndpointUrl>) -> SdkConfig {
    match endpoint {
        Some(url) => shared.clone().into_builder().endpoint_url(url.as_str()).build(),
        None => shared.clone(),
    }
}

impl Publish for Publisher {
    fn limits(&self) -> Limits {
        match self {
            Self::Queue(queue) => queue.limits(),
            Self::Topic(topic) => topic.limits(),
            Self::Function(function) => function.limits(),
            Self::Bus(bus) => bus.limits(),
        }
    }

    fn weight(&self, message: &Message) -> usize {
        match self {
            Self::Queue(queue) => queue.weight(message),
            Self::Topic(topic) => topic.weight(message),
            Self::Function(function) => function.weight(message),
            Self::Bus(bus) => bus.weight(message),
        }
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        match self {
            Self::Queue(queue) => queue.publish(batch).await,
            Self::Topic(topic) => topic.publish(batch).await,
            Self::Function(function) => function.publish(batch).await,
            Self::Bus(bus) => bus.publish(batch).await,
        }
    }
}

/// What a failed request means for each of its messages.
pub(super) fn failed_request<E>(error: &SdkError<E, HttpResponse>) -> Verdict
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let response = error.raw_response();
    let after = response.and_then(|response| retry_after(response.headers().get("retry-after")?));
    Verdict::failed(after, cause_of(error, response.map(|response| response.status().as_u16())))
}

fn cause_of<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> Cause
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let ours = |class, code: &str| Cause { class, code: code.into(), message: chain(error).into() };
    match error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().map_or_else(|| status_code(status), Cow::Borrowed);
            let message =
                context.err().message().map_or_else(|| chain(context.err()), str::to_owned);
            Cause::from_code(&code, status, &message)
        }
        SdkError::TimeoutError(_) => ours(Class::Transient, "Timeout"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            ours(Class::Transient, "Timeout")
        }
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            ours(Class::Transient, "Connection")
        }
        // What is left never reached a socket: no credentials, or an endpoint that is no URL.
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            ours(Class::Broken, "NotSent")
        }
        _ => ours(Class::Transient, "UnreadableAnswer"),
    }
}

fn status_code(status: Option<u16>) -> Cow<'static, str> {
    status.map_or(Cow::Borrowed("NoStatus"), |status| Cow::Owned(format!("Http{status}")))
}

/// `Retry-After` in seconds. The form with a date is not used by AWS.
fn retry_after(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(Duration::from_secs)
}

/// The error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
