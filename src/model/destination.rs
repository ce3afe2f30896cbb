//! Where a notification can go.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::{Arn, ArnError, BusArn, FunctionArn, QueueArn, TopicArn};

/// The resource that receives an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Box<str>")]
pub enum Destination {
    /// An SQS queue.
    Queue(QueueArn),
    /// An SNS topic.
    Topic(TopicArn),
    /// A Lambda function.
    Function(FunctionArn),
    /// An EventBridge bus.
    Bus(BusArn),
}

/// The AWS service behind a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Simple Queue Service.
    Sqs,
    /// Simple Notification Service.
    Sns,
    /// Lambda.
    Lambda,
    /// EventBridge.
    EventBridge,
}

/// Why a text names no destination.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DestinationError {
    /// The ARN is malformed for its service.
    #[error(transparent)]
    Arn(#[from] ArnError),
    /// The service is none of the four.
    #[error("`{service}` is no service that notifications go to; use sqs, sns, lambda or events")]
    Service {
        /// The service part of the ARN.
        service: Box<str>,
    },
}

impl Destination {
    /// Its ARN, which is also its name in the journal, the logs and the metrics.
    pub fn arn(&self) -> &Arn {
        match self {
            Self::Queue(queue) => queue.arn(),
            Self::Topic(topic) => topic.arn(),
            Self::Function(function) => function.arn(),
            Self::Bus(bus) => bus.arn(),
        }
    }

    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        self.arn().as_str()
    }

    /// Whether it keeps the order of a group, and knows copies.
    pub fn is_fifo(&self) -> bool {
        self.arn().is_fifo()
    }

    /// The service that serves it.
    pub fn service(&self) -> Service {
        match self {
            Self::Queue(_) => Service::Sqs,
            Self::Topic(_) => Service::Sns,
            Self::Function(_) => Service::Lambda,
            Self::Bus(_) => Service::EventBridge,
        }
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let arn: Arn = text.parse()?;
        Ok(match arn.service() {
            "sqs" => Self::Queue(arn.try_into()?),
            "sns" => Self::Topic(arn.try_into()?),
            "lambda" => Self::Function(arn.try_into()?),
            "events" => Self::Bus(arn.try_into()?),
            service => return Err(DestinationError::Service { service: service.into() }),
        })
    }
}

impl TryFrom<Box<str>> for Destination {
    type Error = DestinationError;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_of_the_arn_decides_the_kind() {
        for (arn, service) in [
            ("arn:aws:sqs:us-east-1:123456789012:q", Service::Sqs),
            ("arn:aws:sns:us-east-1:123456789012:t", Service::Sns),
            ("arn:aws:lambda:us-east-1:123456789012:function:f", Service::Lambda),
            ("arn:aws:events:us-east-1:123456789012:event-bus/default", Service::EventBridge),
        ] {
            let destination: Destination = arn.parse().unwrap();
            assert_eq!((destination.service(), destination.as_str()), (service, arn));
        }
        let kinesis = "arn:aws:kinesis:us-east-1:123456789012:stream/s".parse::<Destination>();
        assert!(matches!(kinesis, Err(DestinationError::Service { .. })));
    }
}
