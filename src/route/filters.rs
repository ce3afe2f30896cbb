//! From the filter values of a document to what the indexes are built of.

use super::index::{Index, Wish};
use crate::{
    model::{EventTypeSet, decode_form},
    rules::{FilterName, KeyMatch, RawForm},
};

/// The filters of a bucket, on their way into its indexes.
#[derive(Debug)]
pub(super) struct Filters {
    key_match: KeyMatch,
    /// By what the raw key begins and ends with.
    raw: Pending,
    /// By what the encoded key begins and ends with.
    form: Pending,
    /// Kept for their memory.
    prefix: Vec<u8>,
    suffix: Vec<u8>,
}

/// Rules, their values one after the other.
#[derive(Debug, Default)]
struct Pending {
    rules: Vec<(u32, EventTypeSet, [u16; 2])>,
    bytes: Vec<u8>,
}

impl Filters {
    pub(super) fn new(key_match: KeyMatch) -> Self {
        let (raw, form) = (Pending::default(), Pending::default());
        Self { key_match, raw, form, prefix: Vec::new(), suffix: Vec::new() }
    }

    /// Adds a rule; one that matches no key is left out.
    pub(super) fn add(&mut self, rule: u32, events: EventTypeSet, prefix: &str, suffix: &str) {
        let forms = [
            RawForm::read(FilterName::Prefix, prefix, &mut self.prefix),
            RawForm::read(FilterName::Suffix, suffix, &mut self.suffix),
        ];
        if forms == [RawForm::Bytes; 2] {
            return self.raw.push(rule, events, &self.prefix, &self.suffix);
        }
        if !forms.iter().any(|form| matches!(form, RawForm::Never(_))) {
            self.form.push(rule, events, prefix.as_bytes(), suffix.as_bytes());
        }
        if self.key_match == KeyMatch::Lenient
            && let Some((prefix, suffix)) = decode_form(prefix).zip(decode_form(suffix))
        {
            self.raw.push(rule, events, prefix.as_bytes(), suffix.as_bytes());
        }
    }

    /// The index for raw keys, and one for encoded keys if any rule needs it.
    pub(super) fn index(self, seed: u64) -> (Index, Option<Index>) {
        let form = (!self.form.rules.is_empty()).then(|| self.form.index(seed));
        (self.raw.index(seed), form)
    }
}

impl Pending {
    fn push(&mut self, rule: u32, events: EventTypeSet, prefix: &[u8], suffix: &[u8]) {
        self.bytes.extend_from_slice(prefix);
        self.bytes.extend_from_slice(suffix);
        let lengths = [prefix, suffix].map(|value| u16::try_from(value.len()));
        let lengths = lengths.map(|length| length.expect("a value has at most 1,024 bytes"));
        self.rules.push((rule, events, lengths));
    }

    fn index(self, seed: u64) -> Index {
        let mut rest = &*self.bytes;
        let mut next = |length| {
            let (text, behind) = rest.split_at(usize::from(length));
            rest = behind;
            text
        };
        let wish = |&(rule, events, [prefix, suffix]): &(u32, EventTypeSet, [u16; 2])| Wish {
            rule,
            events,
            prefix: next(prefix),
            suffix: next(suffix),
        };
        let wishes: Vec<_> = self.rules.iter().map(wish).collect();
        Index::new(&wishes, seed)
    }
}
