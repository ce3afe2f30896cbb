//! What S3 accepts and its author will regret.
//!
//! Amazon says nothing about any of it: the document is stored, and no event comes, or too many.

use std::fmt;

use crate::model::{Destination, EventTypeSet, ObjectKey, OneLine, Region, RuleId};

use super::{
    Config, Document, FilterName, FilterRule, KeyMatch, Rule,
    value::{Reach, decoded_ends, encoded, rewritten},
};

/// A trap in a rule that is otherwise fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    rule: RuleId,
    trap: Trap,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trap {
    /// No encoded key has the value there, so the whole rule matches nothing.
    Never { name: FilterName, value: Box<str>, write: Option<String> },
    /// It cuts an escape or a character in two.
    Fragment { name: FilterName, value: Box<str>, such_as: ObjectKey, write: Option<String> },
    /// Two pluses are two spaces, which nobody means.
    Pluses { name: FilterName, value: Box<str>, write: String },
    /// There are no wildcards in filters.
    Wildcard { name: FilterName, value: Box<str>, char: char },
    /// Hardly any key begins so.
    Slash { value: Box<str> },
    /// A function that writes where it listens calls itself for ever.
    Loop,
    /// A region is in one partition only.
    Partition { arn: Box<str>, region: Box<str>, partition: &'static str, write: String },
}

/// Everything in the document that is allowed and probably not meant, rule by rule.
pub fn warnings(document: &Document, config: &Config) -> Vec<Warning> {
    let traps = |rule: &Rule| {
        // A lenient rule also reads its values as they were meant, if both can be read so.
        let is_read_as_meant =
            config.key_match == KeyMatch::Lenient && decoded_ends(&rule.filter).is_some();
        let encoding =
            rule.filter.rules().iter().filter(|_| !is_read_as_meant).filter_map(encoding);
        let values = rule
            .filter
            .rules()
            .iter()
            .flat_map(|part| pluses(part).chain(wildcards(part)).chain(slash(part)));
        let destination = self_call(rule).into_iter().chain(partition(rule));
        encoding.chain(values).chain(destination).collect::<Vec<_>>()
    };
    let of_rule = |rule: &Rule| {
        let warn = |trap| Warning { rule: rule.id.clone(), trap };
        traps(rule).into_iter().map(warn).collect::<Vec<_>>()
    };
    document.rules().iter().flat_map(of_rule).collect()
}

/// A value is compared as it is with encoded keys, so it has to be what encoding produces: no raw
/// `=`, no `%2F` or `%20`, no lower-case hex.
fn encoding(part: &FilterRule) -> Option<Trap> {
    let (name, value) = (part.name(), part.value());
    let write = || rewritten(value);
    match Reach::of(name, value) {
        Reach::Text => None,
        Reach::Fragment { such_as } => {
            Some(Trap::Fragment { name, value: value.into(), such_as, write: write() })
        }
        Reach::Nothing => Some(Trap::Never { name, value: value.into(), write: write() }),
    }
}

fn pluses(part: &FilterRule) -> impl Iterator<Item = Trap> {
    let (name, value) = (part.name(), part.value());
    let write = encoded(value).filter(|_| value.contains("++"));
    write.map(|write| Trap::Pluses { name, value: value.into(), write }).into_iter()
}

fn wildcards(part: &FilterRule) -> impl Iterator<Item = Trap> {
    let (name, value) = (part.name(), part.value());
    let found = ['*', '?'].into_iter().filter(move |char| value.contains(*char));
    found.map(move |char| Trap::Wildcard { name, value: value.into(), char })
}

fn slash(part: &FilterRule) -> Option<Trap> {
    let begins = part.name() == FilterName::Prefix && part.value().starts_with('/');
    begins.then(|| Trap::Slash { value: part.value().into() })
}

fn self_call(rule: &Rule) -> Option<Trap> {
    let created: EventTypeSet =
        rule.event_types().iter().filter(|t| t.family() == Some("ObjectCreated")).collect();
    let is_function = matches!(rule.destination, Destination::Function(_));
    (is_function && !created.is_empty() && rule.filter.accepts_every_object()).then_some(Trap::Loop)
}

/// Amazon's pattern takes any partition; a region of that name is in one of them.
fn partition(rule: &Rule) -> Option<Trap> {
    let arn = rule.destination.arn();
    let partition = Region::try_from(arn.region().to_owned()).ok()?.partition();
    (arn.partition() != partition).then(|| Trap::Partition {
        arn: arn.as_str().into(),
        region: arn.region().into(),
        partition,
        write: arn.as_str().replacen(arn.partition(), partition, 1),
    })
}

impl Warning {
    /// The id of the rule.
    pub fn rule(&self) -> &RuleId {
        &self.rule
    }

    /// What will happen.
    pub fn message(&self) -> String {
        match &self.trap {
            Trap::Never { name, value, write: Some(write) } => format!(
                "the {} `{value}` can never match, because Amazon compares the encoded key, such \
                 as `{}`",
                name.word(),
                name.of_a_key(write)
            ),
            Trap::Never { name, value, write: None } => format!(
                "the {} `{value}` can never match, because its escapes are not whole UTF-8 \
                 characters",
                name.word()
            ),
            Trap::Fragment { name, value, such_as, .. } => format!(
                "the {} `{value}` cuts an escape or a character in two, so that it matches other \
                 keys than it seems to, such as `{such_as}`",
                name.word()
            ),
            Trap::Pluses { name, value, .. } => {
                format!("each `+` in the {} `{value}` stands for a space", name.word())
            }
            Trap::Wildcard { name, value, char } => {
                format!("the `{char}` in the {} `{value}` is no wildcard", name.word())
            }
            Trap::Slash { value } => {
                format!("the prefix `{value}` begins with a slash, and keys rarely do")
            }
            Trap::Loop => "the function is called for every object created in the bucket, \
                           its own ones included"
                .into(),
            Trap::Partition { arn, region, partition, .. } => {
                format!(
                    "`{arn}` names another partition than `{partition}`, which `{region}` is in"
                )
            }
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match &self.trap {
            Trap::Never { write: Some(write), .. } | Trap::Fragment { write: Some(write), .. } => {
                format!("write `{write}`")
            }
            Trap::Never { .. } | Trap::Fragment { .. } => {
                "escape every byte of the character".into()
            }
            Trap::Pluses { write, .. } => format!("if pluses are meant, write `{write}`"),
            Trap::Wildcard { char, .. } => {
                format!("leave the `{char}` out: a prefix or suffix needs none")
            }
            Trap::Slash { value } => match value.trim_start_matches('/') {
                "" => "leave it out, unless clients send such keys".into(),
                rest => format!("write `{rest}`, unless clients send such keys"),
            },
            Trap::Loop => "give it a prefix that it does not write to".into(),
            Trap::Partition { write, .. } => format!("did you mean `{write}`?"),
        }
    }
}

/// One line, whatever the rule holds.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, message) = (OneLine(&self.rule), OneLine(self.message()));
        write!(f, "rule `{rule}`: {message}; {}", OneLine(self.remedy()))
    }
}
