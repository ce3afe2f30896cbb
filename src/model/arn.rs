//! Amazon Resource Names: the general form, and the four shapes a notification can go to.

use std::{fmt, str::FromStr, sync::LazyLock};

use regex::Regex;

/// A parsed ARN: `arn:partition:service:region:account:resource`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arn {
    text: Box<str>,
    /// Where each part before the resource ends: `arn`, partition, service, region, account.
    ends: [usize; 5],
}

/// Why a text is not the ARN that was wanted. The wording is Amazon's where Amazon has one.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArnError {
    /// Not of the form `arn:partition:service:region:account:resource`.
    #[error("The ARN could not be parsed")]
    Unparseable,
    /// An ARN, but of another service or shape.
    #[error(
        "The ARN failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
    )]
    Pattern {
        /// The pattern as Amazon prints it.
        pattern: &'static str,
    },
    /// A FIFO queue, which Amazon S3 does not deliver to.
    #[error("FIFO SQS queues are not supported.")]
    FifoQueue,
}

impl Arn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// `sqs`, `sns`, `lambda`, `events` …
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region, which may be empty.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account's 12 digits, which may be empty.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Everything after the account.
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// Whether it names a FIFO queue or topic.
    pub fn is_fifo(&self) -> bool {
        matches!(self.service(), "sqs" | "sns") && self.resource().strip_suffix(".fifo").is_some()
    }

    fn part(&self, index: usize) -> &str {
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + 1);
        let end = self.ends.get(index).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut colons = text.match_indices(':').map(|(at, _)| at);
        let mut ends = [0; 5];
        for end in &mut ends {
            *end = colons.next().ok_or(ArnError::Unparseable)?;
        }
        let arn = Self { text: text.into(), ends };
        let parts_missing =
            arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty();
        if arn.part(0) != "arn" || parts_missing {
            return Err(ArnError::Unparseable);
        }
        Ok(arn)
    }
}

macro_rules! arn_shape {
    ($(#[$doc:meta])* $name:ident, aws = $aws:literal, regex = $regex:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arn);

        impl $name {
            /// The constraint that Amazon prints for an ARN of another shape.
            pub const PATTERN: &str = $aws;

            fn fits(arn: &Arn) -> bool {
                static SHAPE: LazyLock<Regex> =
                    LazyLock::new(|| Regex::new($regex).expect("the pattern is a constant"));
                SHAPE.is_match(arn.as_str())
            }

            /// The whole ARN.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// Its parts.
            pub fn arn(&self) -> &Arn {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl TryFrom<Arn> for $name {
            type Error = ArnError;

            fn try_from(arn: Arn) -> Result<Self, Self::Error> {
                if Self::fits(&arn) {
                    return Ok(Self(arn));
                }
                Err(ArnError::Pattern { pattern: Self::PATTERN })
            }
        }

        impl FromStr for $name {
            type Err = ArnError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<Arn>()?.try_into()
            }
        }
    };
}

arn_shape!(
    /// An SQS queue. Amazon's pattern is that of a standard one; whether a FIFO queue may be named
    /// is for `rules` to say.
    QueueArn,
    aws = r"^arn:aws[\p{Alpha}\-]*:sqs:[\p{Alnum}\-]+:[\p{Digit}]{12}:[\p{Alnum}\-_]{1,80}$",
    regex = r"^arn:aws[A-Za-z-]*:sqs:[A-Za-z0-9-]+:[0-9]{12}:([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)$"
);
arn_shape!(
    /// An SNS topic, standard or FIFO.
    TopicArn,
    aws = r"^arn:aws[\p{Alpha}\-]*:sns:[\p{Alnum}\-]+:[\p{Digit}]{12}:[\p{Alnum}\-_]{1,256}$",
    regex = r"^arn:aws[A-Za-z-]*:sns:[A-Za-z0-9-]+:[0-9]{12}:([A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo)$"
);
arn_shape!(
    /// A Lambda function, or one of its versions or aliases.
    FunctionArn,
    aws = r"^arn:aws[a-zA-Z\-]*:lambda:[a-zA-Z0-9\-]+:[0-9]{12}:function:[a-zA-Z0-9\-_]+(:[a-zA-Z0-9$_\-]+)?$",
    regex = r"^arn:aws[A-Za-z-]*:lambda:[A-Za-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$"
);
arn_shape!(
    /// An EventBridge event bus. No notification configuration names one: `[event_bridge] bus` does.
    BusArn,
    aws = r"^arn:aws[\p{Alpha}\-]*:events:[\p{Alnum}\-]+:[\p{Digit}]{12}:event-bus/[\p{Alnum}\-_./]{1,256}$",
    regex = r"^arn:aws[A-Za-z-]*:events:[A-Za-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9_./-]{1,256}$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts() {
        let arn: Arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live".parse().unwrap();
        let parts = [arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()];
        assert_eq!(parts, ["aws-cn", "lambda", "cn-north-1", "123456789012", "function:f:live"]);
        for text in [
            "",
            "invalid-queue",
            "arn:aws:sqs:us-east-1:q",
            "arn:aws:sqs:us-east-1:1:",
            "urn:aws:sqs:r:a:q",
        ] {
            assert_eq!(text.parse::<Arn>(), Err(ArnError::Unparseable), "{text}");
        }
    }

    #[test]
    fn an_arn_of_another_shape_is_told_the_pattern() {
        let topic = "arn:aws:sns:us-east-1:123456789012:t";
        assert!(topic.parse::<TopicArn>().is_ok());
        assert_eq!(
            topic.parse::<QueueArn>(),
            Err(ArnError::Pattern { pattern: QueueArn::PATTERN })
        );
        for text in [
            "arn:minio:sqs::primary:webhook",
            "arn:aws:sqs:us-east-1:123:q",
            "arn:aws:sqs:us-east-1:123456789012:a.b",
        ] {
            assert!(matches!(text.parse::<QueueArn>(), Err(ArnError::Pattern { .. })), "{text}");
        }
    }

    #[test]
    fn a_queue_and_a_topic_may_be_fifo_within_the_length_of_any_other() {
        let queue = |name: &str| format!("arn:aws:sqs:us-east-1:123456789012:{name}");
        let topic = |name: &str| format!("arn:aws:sns:us-east-1:123456789012:{name}");
        for (name, is_fifo) in [("q", false), ("q.fifo", true), ("fifo", false)] {
            assert_eq!(queue(name).parse::<QueueArn>().unwrap().arn().is_fifo(), is_fifo);
            assert_eq!(topic(name).parse::<TopicArn>().unwrap().arn().is_fifo(), is_fifo);
        }
        let named = |chars: usize| format!("{}.fifo", "q".repeat(chars));
        assert!(queue(&named(75)).parse::<QueueArn>().is_ok());
        assert!(queue(&named(76)).parse::<QueueArn>().is_err());
        assert!(topic(&named(251)).parse::<TopicArn>().is_ok());
        assert!(topic(&named(252)).parse::<TopicArn>().is_err());
        for name in [".fifo", "q.fifo.fifo", "q.FIFO"] {
            assert!(queue(name).parse::<QueueArn>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_function_may_carry_a_version_or_an_alias() {
        for qualifier in ["", ":1", ":$LATEST", ":live"] {
            let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:f{qualifier}");
            assert!(arn.parse::<FunctionArn>().is_ok(), "{arn}");
        }
    }
}
