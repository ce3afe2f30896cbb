//! From the filter values of a document to what the indexes are built of.

use super::{
    Rule,
    index::{Index, Wish},
};
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

    /// Adds a rule; one that matches no key is left out. What all keys that fit its pattern begin
    /// and end with makes fewer keys find it, where raw keys are what it is found by.
    pub(super) fn add(&mut self, number: u32, rule: &Rule<'_>) {
        let (prefix, suffix, events) = (rule.prefix, rule.suffix, rule.event_types);
        let pattern = rule.conditions.and_then(|conditions| conditions.pattern());
        let implied =
            pattern.map(|pattern| [pattern.prefix(), pattern.suffix()]).unwrap_or_default();
        let forms = [
            RawForm::read(FilterName::Prefix, prefix, &mut self.prefix),
            RawForm::read(FilterName::Suffix, suffix, &mut self.suffix),
        ];
        if forms == [RawForm::Bytes; 2] {
            return self.raw.push_narrowed(number, events, [&self.prefix, &self.suffix], implied);
        }
        if !forms.contains(&RawForm::Never) {
            self.form.push(number, events, prefix.as_bytes(), suffix.as_bytes());
        }
        if self.key_match == KeyMatch::Lenient
            && let Some((prefix, suffix)) = decode_form(prefix).zip(decode_form(suffix))
        {
            let ends = [prefix.as_bytes(), suffix.as_bytes()];
            self.raw.push_narrowed(number, events, ends, implied);
        }
    }

    /// The index for raw keys, and one for encoded keys if any rule needs it.
    pub(super) fn index(self, seed: u64) -> (Index, Option<Index>) {
        let form = (!self.form.rules.is_empty()).then(|| self.form.index(seed));
        (self.raw.index(seed), form)
    }
}

impl Pending {
    /// Leaves the rule out if no key has both at one of its ends.
    fn push_narrowed(
        &mut self,
        rule: u32,
        events: EventTypeSet,
        [prefix, suffix]: [&[u8]; 2],
        implied: [&[u8]; 2],
    ) {
        let [begins, ends] = implied;
        let prefix = longer(prefix, begins, <[u8]>::starts_with);
        let suffix = longer(suffix, ends, <[u8]>::ends_with);
        if let Some((prefix, suffix)) = prefix.zip(suffix) {
            self.push(rule, events, prefix, suffix);
        }
    }

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

/// The text that a key has at an end if it has both there; `None` if no key has.
fn longer<'a>(a: &'a [u8], b: &'a [u8], nests: fn(&[u8], &[u8]) -> bool) -> Option<&'a [u8]> {
    let (part, text) = if a.len() < b.len() { (a, b) } else { (b, a) };
    nests(text, part).then_some(text)
}
