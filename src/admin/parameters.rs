//! The query of a URL: each parameter at most once, and none that is not known.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;

use super::{BATCH_MAX, Refusal};
use crate::model::decode_form;

/// How many characters a text may have: more than any key, ARN or id of a dead letter has.
const TEXT_CHARS_MAX: usize = 2048;

/// The parameters that were given, decoded.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// Reads the query; `known` are the names that a parameter may have.
    pub(super) fn read(query: &str, known: &[&'static str]) -> Result<Self, Refusal> {
        let mut given = Self(Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let Some(name) = known.iter().find(|known| **known == name) else {
                let problem = format!("is unknown; {}", ask_by(known));
                return Err(Refusal::parameter(name, problem));
            };
            let value = decode_form(value)
                .ok_or_else(|| Refusal::parameter(name, "does not decode to UTF-8"))?;
            bounded(name, &value)?;
            if given.0.iter().any(|(other, _)| other == name) {
                return Err(Refusal::parameter(name, "is given twice"));
            }
            given.0.push((*name, value));
        }
        Ok(given)
    }

    /// Takes a parameter out as it is.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| *given == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a time out and reads it.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let read = |text: String| {
            let problem = format!("`{text}` is no time such as 2026-11-22T08:00:00Z");
            text.parse().or(Err(Refusal::parameter(name, problem)))
        };
        self.text(name).map(read).transpose()
    }

    /// Takes a parameter out and reads it.
    pub(super) fn value<T>(&mut self, name: &str) -> Result<Option<T>, Refusal>
    where
        T: FromStr<Err: Display>,
    {
        let read = |text: String| {
            text.parse().map_err(|cause: T::Err| Refusal::parameter(name, cause.to_string()))
        };
        self.text(name).map(read).transpose()
    }
}

/// Checks that a text is short enough to be compared with a great many others.
pub(super) fn bounded(name: &str, text: &str) -> Result<(), Refusal> {
    match text.chars().nth(TEXT_CHARS_MAX) {
        None => Ok(()),
        Some(_) => {
            Err(Refusal::parameter(name, format!("has more than {TEXT_CHARS_MAX} characters")))
        }
    }
}

/// At most so many rows: those that were asked for, or else the default.
pub(super) fn limit(asked: Option<usize>, default: usize) -> Result<usize, Refusal> {
    match asked {
        None => Ok(default),
        Some(limit @ 1..=BATCH_MAX) => Ok(limit),
        Some(_) => Err(Refusal::parameter("limit", format!("is not from 1 to {BATCH_MAX}"))),
    }
}

/// What may be asked by, for who asked by something else.
pub(super) fn ask_by(known: &[&str]) -> String {
    if known.is_empty() {
        return "there is nothing to ask by".into();
    }
    format!("ask by {}", known.join(", "))
}
