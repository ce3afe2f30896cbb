//! The test of a key against a rule's two ends.

use crate::{
    model::{ObjectKey, decode_form},
    rules::KeyMatch,
};

/// A rule's prefix and suffix, each a condition of its own.
///
/// Amazon documents that filter values are written in the form encoding and that `*` is no
/// wildcard; what users measured fits a plain comparison of the value, as stored, with the
/// form-encoded key. So a raw `=` in a value matches nothing: the key has `%3D` there.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFilter {
    prefix: End,
    suffix: End,
    /// The decoded prefix and suffix, which a lenient rule compares with the raw key.
    raw: Option<(Box<str>, Box<str>)>,
}

/// A value that one end of the form-encoded key has to equal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// The value decoded: the raw key ends in it exactly where the encoded one ends in the value.
    Raw(Box<str>),
    /// The value itself, of which that cannot be said; the key is encoded byte by byte.
    Form(Box<str>),
}

impl KeyFilter {
    /// Prepares the two values of a rule as they stand in its document; an absent one is empty.
    pub fn new(prefix: &str, suffix: &str, key_match: KeyMatch) -> Self {
        let raw = match key_match {
            KeyMatch::Aws => None,
            KeyMatch::Lenient => decode_form(prefix)
                .zip(decode_form(suffix))
                .map(|(prefix, suffix)| (prefix.into(), suffix.into())),
        };
        Self { prefix: End::prefix(prefix), suffix: End::suffix(suffix), raw }
    }

    /// Whether the rule wants this key.
    pub fn accepts(&self, key: &ObjectKey) -> bool {
        // The two ends are separate conditions and may overlap: `ab` + `bc` accepts `abc`, a glob
        // would not.
        (self.prefix.begins(key) && self.suffix.ends(key))
            || self.raw.as_ref().is_some_and(|(prefix, suffix)| {
                key.as_str().starts_with(&**prefix) && key.as_str().ends_with(&**suffix)
            })
    }
}

impl Default for KeyFilter {
    /// Accepts every key.
    fn default() -> Self {
        Self::new("", "", KeyMatch::Aws)
    }
}

impl End {
    fn prefix(value: &str) -> Self {
        decode_whole(value).map_or_else(|| Self::Form(value.into()), Self::Raw)
    }

    /// A hex digit may be the rest of an escape: the suffix `3D` accepts `a=` as well as `a3D`.
    fn suffix(value: &str) -> Self {
        let rest_of_escape = value.starts_with(|c| matches!(c, '0'..='9' | 'A'..='F'));
        let raw = decode_whole(value).filter(|_| !rest_of_escape);
        raw.map_or_else(|| Self::Form(value.into()), Self::Raw)
    }

    fn begins(&self, key: &ObjectKey) -> bool {
        match self {
            Self::Raw(prefix) => key.as_str().starts_with(&**prefix),
            Self::Form(prefix) => {
                let mut forwards = key.form_bytes();
                prefix.bytes().all(|wanted| forwards.next() == Some(wanted))
            }
        }
    }

    fn ends(&self, key: &ObjectKey) -> bool {
        match self {
            Self::Raw(suffix) => key.as_str().ends_with(&**suffix),
            Self::Form(suffix) => {
                let mut backwards = key.form_bytes().rev();
                suffix.bytes().rev().all(|wanted| backwards.next() == Some(wanted))
            }
        }
    }
}

/// The text of which this value is the encoding. Any other value (`%3d`, `=`, half an escape) is
/// the encoding of none.
fn decode_whole(value: &str) -> Option<Box<str>> {
    if value.is_empty() {
        return Some("".into());
    }
    let raw = ObjectKey::from_form(value).ok()?;
    (raw.to_form() == value).then(|| raw.as_str().into())
}
