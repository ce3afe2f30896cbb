//! Which destinations a `[[destination]]` table is for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Destination, DestinationError, wildcard};

/// ARNs of destinations; a `*` stands for any run of characters, colons and slashes included.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ArnPattern(Box<str>);

/// Why no destination could have such an ARN.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArnPatternError {
    /// A whole ARN, but of no destination.
    #[error("`{text}` is no ARN of a destination; {source}")]
    Arn {
        /// The text as given.
        text: Box<str>,
        /// Why not.
        source: DestinationError,
    },
    /// A pattern that nothing fits.
    #[error(
        "no ARN of a destination fits `{text}`; write it like \"arn:aws:sqs:*:*:slow-*\", in which \
         a * stands for any characters"
    )]
    NothingFits {
        /// The text as given.
        text: Box<str>,
    },
}

impl ArnPattern {
    /// Whether this is one of the destinations.
    pub fn fits(&self, destination: &Destination) -> bool {
        wildcard::fits(&self.0, destination.as_str())
    }
}

impl TryFrom<String> for ArnPattern {
    type Error = ArnPatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.into_boxed_str();
        if !text.contains('*') {
            return match text.parse::<Destination>() {
                Ok(_) => Ok(Self(text)),
                Err(source) => Err(ArnPatternError::Arn { text, source }),
            };
        }
        if may_fit(&text) { Ok(Self(text)) } else { Err(ArnPatternError::NothingFits { text }) }
    }
}

/// Whether the start of the pattern, up to its first `*`, is the start of a destination's ARN, and
/// all of it made of what ARNs are made of.
fn may_fit(pattern: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b":/_.$-*".contains(&b);
    let (literal, _) = pattern.split_once('*').unwrap_or((pattern, ""));
    let mut parts = literal.split(':');
    let [arn, partition, service, region] = [(); 4].map(|()| parts.next());
    // A part that a colon follows is all of it, any other may go on behind the `*`.
    let begins = |part: Option<&str>, next: Option<&str>, whole: &str| match (part, next) {
        (Some(part), Some(_)) => part == whole,
        (Some(part), None) => whole.starts_with(part),
        (None, _) => true,
    };
    let is_of_aws = partition.is_none_or(|partition| partition.starts_with("aws"));
    pattern.bytes().all(legal)
        && begins(arn, partition, "arn")
        && (is_of_aws || begins(partition, service, "aws"))
        && ["sqs", "sns", "lambda", "events"].iter().any(|one| begins(service, region, one))
}

impl fmt::Display for ArnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ArnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        ArnPattern::try_from(text.to_owned()).unwrap_err().to_string()
    }

    #[test]
    fn a_pattern_names_destinations_by_their_arns() {
        let queue: Destination = "arn:aws:sqs:us-east-1:123456789012:slow-a".parse().unwrap();
        for (pattern, fits) in [
            ("arn:aws:sqs:us-east-1:123456789012:slow-a", true),
            ("arn:aws:sqs:*:*:slow-*", true),
            ("arn:aws*:*", true),
            ("*", true),
            ("*:slow-*", true),
            ("arn:a*", true),
            ("arn:aws:s*", true),
            ("arn:aws:sqs:us-east-1:123456789012:slow-b", false),
            ("arn:aws:sns:*", false),
            ("*:slow", false),
        ] {
            let pattern = ArnPattern::try_from(pattern.to_owned()).unwrap();
            assert_eq!(pattern.fits(&queue), fits, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_nothing_can_fit_is_refused() {
        for pattern in [
            "slow-*",
            "sqs:*",
            "arn:aws:s3:::*",
            "arn:aws:kinesis:*",
            "arn:gcp:*",
            "arn:aws:sqs:* ",
            "arn:aws:sqs:?:*",
            "arm:*",
            "ar:aws:*",
            "arn:a:sqs:*",
        ] {
            assert!(
                told(pattern).starts_with(&format!("no ARN of a destination fits `{pattern}`"))
            );
        }
        assert_eq!(
            told("arn:aws:s3:::photos"),
            "`arn:aws:s3:::photos` is no ARN of a destination; `s3` is no service that \
             notifications go to; use sqs, sns, lambda or events"
        );
        assert!(told("slow").starts_with("`slow` is no ARN of a destination; "));
    }
}
