//! Which destinations a `[[destination]]` table is for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::arn_search::in_common;
use crate::model::{Destination, DestinationError, wildcard};

/// ARNs of destinations; a `*` stands for any run of characters, colons and slashes included.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ArnPattern(Box<str>);

/// Why no destination could have such an ARN.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArnPatternError {
    /// A whole ARN, but of no destination.
    #[error(
        "`{text}` is no ARN of a destination; write it like \"arn:aws:sqs:*:*:slow-*\", in which \
         `*` stands for any characters: {source}"
    )]
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
    /// The pattern as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

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
        let fits_one = in_common(&text, "*").next().is_some();
        if fits_one { Ok(Self(text)) } else { Err(ArnPatternError::NothingFits { text }) }
    }
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
            "arn:aws:sqs:*:1234:*",
            "arn:aws:sqs:*:*:a.b*",
            "arn:aws:lambda:*:queue-*.fifo",
            "arn:aws:sqs:*.fifoo",
        ] {
            assert!(
                told(pattern).starts_with(&format!("no ARN of a destination fits `{pattern}`"))
            );
        }
        assert_eq!(
            told("arn:aws:s3:::photos"),
            "`arn:aws:s3:::photos` is no ARN of a destination; write it like \
             \"arn:aws:sqs:*:*:slow-*\", in which `*` stands for any characters: `s3` is no service that \
             notifications go to; use sqs, sns, lambda or events"
        );
        assert!(told("slow").starts_with("`slow` is no ARN of a destination; "));
    }
}
