//! What is wrong with a document: Amazon's code, words and arguments, and whose fault it is.

use std::{fmt, num::NonZeroUsize};

use crate::model::{ArnError, EventPattern, ObjectKey, OneLine};

use super::{
    PatternError,
    draft::{Entry, Group, Place},
    filter::{PAIRS_MAX, PATTERNS_MAX},
    malformed::Malformed,
    remedy,
};

/// One reason why a document is refused.
#[derive(Clone, Debug)]
pub struct Problem {
    rule: Option<Box<str>>,
    fault: Fault,
}

/// Everything that is wrong with a document; at least one thing. The first is what Amazon answers.
#[derive(Clone, Debug)]
pub struct Problems(Vec<Problem>);

/// The kinds of [`Problem`], in the order of Amazon's checks. Displays Amazon's exact words.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "The XML you provided was not well-formed or did not validate against our published schema"
    )]
    Malformed(Malformed),
    #[error("Too many configurations submitted. The maximum number of configurations is {max}")]
    TooMany { sent: usize, max: NonZeroUsize },
    #[error(
        "Too many configurations submitted. The maximum number of configurations with a regex is {}",
        PATTERNS_MAX
    )]
    TooManyPatterns { sent: usize },
    #[error("Cannot specify more than {} rules for metadata or tags in a filter.", PAIRS_MAX)]
    TooManyPairs { sent: usize },
    #[error("{error}")]
    Arn { group: Group, arn: Box<str>, region: Box<str>, error: ArnError },
    #[error(
        "The notification destination service region is not valid for the bucket location \
         constraint"
    )]
    Region { arn: Box<str>, region: Box<str> },
    #[error("filter rule name must be either prefix or suffix")]
    FilterName { name: Box<str> },
    #[error("Cannot specify more than one prefix rule in a filter.")]
    SecondPrefix,
    #[error("Cannot specify more than one suffix rule in a filter.")]
    SecondSuffix,
    // Ceph's condition, in Amazon's manner: Ceph checks no pattern when it is sent.
    #[error("Cannot specify more than one regex rule in a filter.")]
    SecondRegex,
    #[error("Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation")]
    FilterValue { bytes: usize },
    #[error("filter rule regex must be a regular expression")]
    Regex { pattern: Box<str>, error: PatternError },
    #[error("ID length exceeded allowed limit of 255")]
    LongId { chars: usize },
    // What Amazon says of an unknown event is reported in four ways, `MalformedXML` among them.
    // This is the wording closest to what users quote; the argument is fanfare's guess.
    #[error("The event is not supported for notifications")]
    UnknownEvent { name: Box<str> },
    #[error("Same ID used for multiple configurations. IDs must be unique.")]
    SameId { first: Place, second: Place },
    #[error(
        "Configurations overlap. Configurations on the same bucket cannot share a common event \
         type."
    )]
    RepeatedEvent { event: EventPattern, covering: EventPattern },
    #[error(
        "Configurations overlap. Configurations on the same bucket cannot share a common event \
         type."
    )]
    OverlapUnfiltered(Clash),
    #[error(
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if \
         the prefixes are overlapping for the same event type."
    )]
    OverlapFiltered(Clash),
}

/// Two rules that want the same event of the same key.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) first: Box<str>,
    pub(super) second: Box<str>,
    /// A key that both match, if one is easily found.
    pub(super) witness: Option<ObjectKey>,
}

impl Problem {
    pub(super) fn of(entry: &Entry, fault: Fault) -> Self {
        Self { rule: Some(entry.label()), fault }
    }

    pub(super) fn of_document(fault: Fault) -> Self {
        Self { rule: None, fault }
    }

    /// The `Code` of S3's answer.
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::Malformed(_) => "MalformedXML",
            Fault::TooMany { .. } | Fault::TooManyPatterns { .. } => "InvalidRequest",
            _ => "InvalidArgument",
        }
    }

    /// The `Message` of S3's answer, word for word.
    pub fn message(&self) -> String {
        self.fault.to_string()
    }

    /// The `ArgumentName` and `ArgumentValue` of S3's answer, where it has them.
    pub fn arguments(&self) -> Option<(&'static str, &str)> {
        match &self.fault {
            Fault::Arn { group, arn, error: ArnError::Unparseable, .. } => {
                Some((group.arn_element(), arn))
            }
            Fault::FilterName { name } => Some(("FilterRule.Name", name)),
            Fault::Regex { pattern, .. } => Some(("FilterRule.Value", pattern)),
            Fault::UnknownEvent { name } => Some(("Event", name)),
            _ => None,
        }
    }

    /// What to do about it. fanfare's words: Amazon has none.
    pub fn remedy(&self) -> String {
        remedy::of(&self.fault)
    }

    /// The rule at fault: its id, or its place (`QueueConfiguration 2`) if it has none. `None`
    /// where the document as a whole is wrong.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }
}

/// One line, whatever the document holds.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = &self.rule {
            write!(f, "rule `{}`: ", OneLine(rule))?;
        }
        // Whoever wrote JSON is not helped by Amazon's sentence about XML.
        let is_plain = matches!(
            self.fault,
            Fault::Malformed(Malformed::Json { .. } | Malformed::NoJson | Malformed::Ceph { .. })
        );
        if !is_plain {
            write!(f, "{}; ", OneLine(self.message().trim_end_matches('.')))?;
        }
        write!(f, "{}", OneLine(self.remedy()))
    }
}

impl Problems {
    pub(super) fn new(problems: Vec<Problem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The one that Amazon answers with.
    pub fn first(&self) -> &Problem {
        self.0.first().expect("there is at least one")
    }

    /// All of them, in the order of Amazon's checks.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One problem a line.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first())?;
        self.iter().skip(1).try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl std::error::Error for Problems {}

impl From<Malformed> for Problems {
    fn from(malformed: Malformed) -> Self {
        Self(vec![Problem::of_document(Fault::Malformed(malformed))])
    }
}
