//! The AWS clients that all destinations share.
//!
//! The SDK's own retries are off: their budget is one per service and process, so a dead queue
//! would use up what a healthy one needs. Each request has a deadline, since the SDK has none for
//! a server that accepts a connection and never answers. So its watch over slow streams is of no use;
//! and when the wall clock jumps forward, it counts every tenth of a second in between, on the thread
//! that sends.

use std::{collections::HashMap, sync::Arc};

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, sts::AssumeRoleProvider,
    timeout::TimeoutConfig,
};
use aws_sdk_sqs::config::SharedCredentialsProvider;

use super::{
    Config, DestinationConfig, EndpointUrl, EventBridgeConfig, Limits, Publish, RequestBytes,
    RoleArn, ServiceConfig, Verdict, eventbridge, failure::name_endpoint, lambda, sns, sqs,
};
use crate::model::{Destination, Message, Region};

/// How fanfare calls itself where it takes on a role; Amazon's logs show it.
const SESSION: &str = "fanfare";

/// The clients. All share one connection pool, and those of one role, or of none, one source of
/// credentials. A clone shares all of it.
#[derive(Clone, Debug)]
pub struct Aws(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Signs with the credentials of this machine.
    own: SdkConfig,
    /// Sign with the credentials of a role.
    roles: HashMap<RoleArn, SdkConfig>,
    config: Config,
    source: String,
    /// With where queues are, if not at Amazon.
    sqs: Clients<(aws_sdk_sqs::Client, Option<Box<str>>)>,
    sns: Clients<aws_sdk_sns::Client>,
    lambda: Clients<aws_sdk_lambda::Client>,
    event_bridge: Clients<aws_sdk_eventbridge::Client>,
}

/// The clients of one service. Destinations that are reached alike have one between them.
type Clients<C> = papaya::HashMap<Reach, C>;

/// What tells one client of a service from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Reach {
    endpoint: Option<EndpointUrl>,
    role: Option<RoleArn>,
}

/// The publisher of one destination, whatever its service.
#[derive(Debug)]
pub struct Publisher {
    pub(super) target: Target,
    /// Where it is reached, if not at Amazon.
    endpoint: Option<EndpointUrl>,
    request_bytes: Option<RequestBytes>,
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
    /// Prepares for destinations that are sent to in our own name, or in that of one of these roles.
    /// Nothing is connected and no credentials are loaded before the first request.
    pub async fn new(
        region: &Region,
        config: &Config,
        event_bridge: &EventBridgeConfig,
        roles: impl IntoIterator<Item = RoleArn>,
    ) -> Self {
        Self::with(loader(region, config).load().await, config, event_bridge, roles).await
    }

    pub(super) async fn with(
        own: SdkConfig,
        config: &Config,
        event_bridge: &EventBridgeConfig,
        roles: impl IntoIterator<Item = RoleArn>,
    ) -> Self {
        let sts = at(&own, endpoint(config, &config.sts));
        let mut assumed = HashMap::new();
        for role in roles {
            let provider = AssumeRoleProvider::builder(role.as_str()).session_name(SESSION);
            let provider = provider.configure(&sts).build().await;
            let provider = SharedCredentialsProvider::new(provider);
            let config = own.clone().into_builder().credentials_provider(provider).build();
            assumed.insert(role, config);
        }
        let (config, source) = (config.clone(), event_bridge.source.clone());
        Self(Arc::new(Shared {
            own,
            roles: assumed,
            config,
            source,
            sqs: Clients::new(),
            sns: Clients::new(),
            lambda: Clients::new(),
            event_bridge: Clients::new(),
        }))
    }

    /// The publisher of this destination. Its role is one of those that [`Aws::new`] was told.
    pub fn publisher(&self, destination: &Destination, config: &DestinationConfig) -> Publisher {
        let Self(shared) = self;
        let target = match destination {
            Destination::Queue(queue) => {
                let (client, endpoint) = shared.sqs(config);
                Target::Queue(sqs::Queue::new(client, queue, endpoint.as_deref()))
            }
            Destination::Topic(topic) => Target::Topic(sns::Topic::new(shared.sns(config), topic)),
            Destination::Function(function) => {
                Target::Function(lambda::Function::new(shared.lambda(config), function))
            }
            Destination::Bus(bus) => {
                let (client, source) = (shared.event_bridge(config), shared.source.clone());
                Target::Bus(eventbridge::Bus::new(client, bus, source))
            }
        };
        let endpoint = shared.reach(config, shared.service(destination)).endpoint;
        Publisher { target, endpoint, request_bytes: config.request_bytes }
    }
}

impl Shared {
    fn sqs(&self, config: &DestinationConfig) -> (aws_sdk_sqs::Client, Option<Box<str>>) {
        self.client(&self.sqs, &self.reach(config, &self.config.sqs), |shared| {
            (aws_sdk_sqs::Client::new(shared), shared.endpoint_url().map(Into::into))
        })
    }

    fn sns(&self, config: &DestinationConfig) -> aws_sdk_sns::Client {
        let reach = self.reach(config, &self.config.sns);
        self.client(&self.sns, &reach, aws_sdk_sns::Client::new)
    }

    fn lambda(&self, config: &DestinationConfig) -> aws_sdk_lambda::Client {
        let reach = self.reach(config, &self.config.lambda);
        self.client(&self.lambda, &reach, aws_sdk_lambda::Client::new)
    }

    fn event_bridge(&self, config: &DestinationConfig) -> aws_sdk_eventbridge::Client {
        let reach = self.reach(config, &self.config.event_bridge);
        self.client(&self.event_bridge, &reach, aws_sdk_eventbridge::Client::new)
    }

    fn service(&self, destination: &Destination) -> &ServiceConfig {
        match destination {
            Destination::Queue(_) => &self.config.sqs,
            Destination::Topic(_) => &self.config.sns,
            Destination::Function(_) => &self.config.lambda,
            Destination::Bus(_) => &self.config.event_bridge,
        }
    }

    fn reach(&self, destination: &DestinationConfig, service: &ServiceConfig) -> Reach {
        let DestinationConfig { endpoint_url, role_arn, .. } = destination;
        let endpoint = endpoint_url.as_ref().or(endpoint(&self.config, service)).cloned();
        Reach { endpoint, role: role_arn.clone() }
    }

    fn client<C: Clone>(
        &self,
        clients: &Clients<C>,
        reach: &Reach,
        new: impl Fn(&SdkConfig) -> C,
    ) -> C {
        let connect = || {
            let shared = match &reach.role {
                Some(role) => self.roles.get(role).expect("every role was told at the start"),
                None => &self.own,
            };
            new(&at(shared, reach.endpoint.as_ref()))
        };
        clients.pin().get_or_insert_with(reach.clone(), connect).clone()
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
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts)
}

fn endpoint<'a>(config: &'a Config, service: &'a ServiceConfig) -> Option<&'a EndpointUrl> {
    service.endpoint_url.as_ref().or(config.endpoint_url.as_ref())
}

fn at(shared: &SdkConfig, endpoint: Option<&EndpointUrl>) -> SdkConfig {
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
        Limits { bytes: self.request_bytes.map_or(limits.bytes, RequestBytes::get), ..limits }
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
        let mut verdicts = match &self.target {
            Target::Queue(queue) => queue.publish(batch).await,
            Target::Topic(topic) => topic.publish(batch).await,
            Target::Function(function) => function.publish(batch).await,
            Target::Bus(bus) => bus.publish(batch).await,
        };
        if let Some(endpoint) = &self.endpoint {
            name_endpoint(&mut verdicts, endpoint);
        }
        verdicts
    }
}
