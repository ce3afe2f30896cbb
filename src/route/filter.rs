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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    form: Ends,
    /// The decoded ends, which a lenient rule compares with the raw key.
    raw: Option<Ends>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ends {
    prefix: Box<str>,
    suffix: Box<str>,
}

impl KeyFilter {
    /// Prepares the two values of a rule as they stand in its document; an absent one is empty.
    pub fn new(prefix: &str, suffix: &str, key_match: KeyMatch) -> Self {
        let form = Ends { prefix: prefix.into(), suffix: suffix.into() };
        let raw = match key_match {
            KeyMatch::Aws => None,
            KeyMatch::Lenient => decode_form(prefix)
                .zip(decode_form(suffix))
                .map(|(prefix, suffix)| Ends { prefix: prefix.into(), suffix: suffix.into() }),
        };
        Self { form, raw }
    }

    /// Whether the rule wants this key.
    pub fn accepts(&self, key: &ObjectKey) -> bool {
        self.form.accept_form(key) || self.raw.as_ref().is_some_and(|raw| raw.accept_raw(key))
    }
}

// The two ends are separate conditions and may overlap: `ab` + `bc` accepts `abc`, a glob would not.
impl Ends {
    fn accept_form(&self, key: &ObjectKey) -> bool {
        let mut forwards = key.form_bytes();
        let mut backwards = key.form_bytes().rev();
        self.prefix.bytes().all(|wanted| forwards.next() == Some(wanted))
            && self.suffix.bytes().rev().all(|wanted| backwards.next() == Some(wanted))
    }

    fn accept_raw(&self, key: &ObjectKey) -> bool {
        key.as_str().starts_with(&*self.prefix) && key.as_str().ends_with(&*self.suffix)
    }
}
