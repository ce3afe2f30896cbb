//! What a filter value, as it is written, can match.
//!
//! Amazon compares values with encoded keys and says nothing of a value that no key can fit.

use crate::model::{ObjectKey, decode_form};

use super::{Filter, FilterName};

/// How a value relates to the encodings of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It is the encoding of a text, and fits the keys that have that text at this end.
    Text,
    /// It ends, or begins, within an escape or a character, and fits keys such as this one.
    Fragment { such_as: ObjectKey },
    /// It fits no key.
    Nothing,
}

impl Reach {
    /// Decides it for a value at this end of keys.
    pub(super) fn of(name: FilterName, value: &str) -> Self {
        if value.is_empty() || rewritten(value).as_deref() == Some(value) {
            return Self::Text;
        }
        let fitting = match name {
            FilterName::Prefix => ObjectKey::with_form_prefix(value),
            FilterName::Suffix => ObjectKey::with_form_suffix(value),
        };
        fitting.map_or(Self::Nothing, |such_as| Self::Fragment { such_as })
    }
}

/// How to write what the value seems to mean; none if its escapes are no text.
pub(super) fn rewritten(value: &str) -> Option<String> {
    encoded(&decode_form(value)?)
}

/// The encoding of a text that stands at an end of keys; none if it is longer than a key.
pub(super) fn encoded(text: &str) -> Option<String> {
    text.parse::<ObjectKey>().ok().map(|key| key.to_form())
}

/// The values that a lenient rule also compares with the raw key: both, or none.
pub(super) fn decoded_ends(filter: &Filter) -> Option<(String, String)> {
    let decoded = |value: Option<&str>| decode_form(value.unwrap_or_default());
    decoded(filter.prefix()).zip(decoded(filter.suffix()))
}

impl FilterName {
    /// Whether the text has the value at this end.
    pub(super) fn fits(self, text: &str, value: &str) -> bool {
        match self {
            Self::Prefix => text.starts_with(value),
            Self::Suffix => text.ends_with(value),
        }
    }

    /// The name in a sentence.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Suffix => "suffix",
        }
    }

    /// What a text does that has a value at this end.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Prefix => "begin",
            Self::Suffix => "end",
        }
    }

    /// The encoding of some key that has this one at this end.
    pub(super) fn of_a_key(self, form: &str) -> String {
        match self {
            Self::Prefix => format!("{form}…"),
            Self::Suffix => format!("…{form}"),
        }
    }

    /// As many characters of an encoding at this end, with a mark where there are more.
    pub(super) fn shown(self, form: &str, chars: usize) -> String {
        let (all, shown) = (form.chars().count(), chars.max(1));
        match self {
            _ if all <= shown => form.to_owned(),
            Self::Prefix => form.chars().take(shown).chain(['…']).collect(),
            Self::Suffix => ['…'].into_iter().chain(form.chars().skip(all - shown)).collect(),
        }
    }
}
