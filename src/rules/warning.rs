//! What S3 accepts and its author will regret.
//!
//! Amazon says nothing about any of it: the document is stored, and no event comes, or too many.

use std::fmt;

use crate::model::{Destination, EventTypeSet, ObjectKey, RuleId, decode_form};

use super::{Config, Document, FilterRule, KeyMatch, OneLine, Rule};

/// A trap in a rule that is otherwise fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    rule: RuleId,
    trap: Trap,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trap {
    /// Keys are compared in their encoded form, in which the value is written otherwise.
    Unencoded { value: Box<str>, encoded: String },
    /// The escapes are not whole characters.
    Undecodable { value: Box<str> },
    /// There are no wildcards in filters.
    Wildcard { value: Box<str> },
    /// A function that writes where it listens calls itself for ever.
    Loop,
}

/// Everything in the document that is allowed and probably not meant, rule by rule.
pub fn warnings(document: &Document, config: &Config) -> Vec<Warning> {
    let traps = |rule: &Rule| {
        let values = rule.filter.rules().iter().flat_map(|part| value_traps(part, config));
        values.chain(self_call(rule)).collect::<Vec<_>>()
    };
    let of_rule = |rule: &Rule| {
        let warn = |trap| Warning { rule: rule.id.clone(), trap };
        traps(rule).into_iter().map(warn).collect::<Vec<_>>()
    };
    document.rules().iter().flat_map(of_rule).collect()
}

fn value_traps(part: &FilterRule, config: &Config) -> impl Iterator<Item = Trap> {
    let value = part.value();
    let encoding = match config.key_match {
        KeyMatch::Aws => unencoded(value),
        KeyMatch::Lenient => None,
    };
    let wildcard = value.contains('*').then(|| Trap::Wildcard { value: value.into() });
    encoding.into_iter().chain(wildcard)
}

/// A value is compared as it is with encoded keys, so it has to be what encoding produces: no raw
/// `=`, no `%2F` or `%20`, no lower-case hex.
fn unencoded(value: &str) -> Option<Trap> {
    if value.is_empty() {
        return None;
    }
    let Some(decoded) = decode_form(value) else {
        return Some(Trap::Undecodable { value: value.into() });
    };
    let encoded = decoded.parse::<ObjectKey>().ok()?.to_form();
    (encoded != value).then(|| Trap::Unencoded { value: value.into(), encoded })
}

fn self_call(rule: &Rule) -> Option<Trap> {
    let created: EventTypeSet =
        rule.event_types().iter().filter(|t| t.family() == Some("ObjectCreated")).collect();
    let is_function = matches!(rule.destination, Destination::Function(_));
    (is_function && !created.is_empty() && rule.filter.accepts_every_key()).then_some(Trap::Loop)
}

impl Warning {
    /// The id of the rule.
    pub fn rule(&self) -> &RuleId {
        &self.rule
    }

    /// What will happen.
    pub fn message(&self) -> String {
        match &self.trap {
            Trap::Unencoded { value, .. } => format!(
                "the filter value `{value}` is not form-encoded like the keys it is compared with, \
                 so it does not match those it seems to"
            ),
            Trap::Undecodable { value } => {
                format!("the escapes in the filter value `{value}` are not whole UTF-8 characters")
            }
            Trap::Wildcard { value } => {
                format!("the `*` in the filter value `{value}` matches nothing but a `*`")
            }
            Trap::Loop => "the function is called for every object created in the bucket, \
                           its own ones included"
                .into(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match &self.trap {
            Trap::Unencoded { encoded, .. } => format!("write `{encoded}`"),
            Trap::Undecodable { .. } => "escape every byte of the character".into(),
            Trap::Wildcard { .. } => "leave the `*` out: a prefix or suffix needs none".into(),
            Trap::Loop => "give it a prefix that it does not write to".into(),
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
