//! The rules of a path that has few: asked one after the other.
//!
//! Most suffixes are short (`.jpeg`), so a cell holds the last eight bytes of its suffix and is
//! asked by comparing two numbers. Only a longer suffix that agrees so far is compared as text.

use super::{
    Wish,
    words::{bits, narrow, short, tail, take},
};
use crate::model::{EventType, EventTypeSet};

/// The bytes of a cell.
pub(super) const CELL: usize = 24;

/// One rule on a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    tail: u64,
    events: u32,
    pub(super) rule: u32,
    /// Where the suffix is, if eight bytes do not hold it.
    text: u32,
    length: u16,
    /// The place of the prefix on the path.
    pub(super) at: u16,
}

/// The end of a key, prepared for many comparisons.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    key: &'a [u8],
    tail: u64,
    event: u32,
}

impl<'a> End<'a> {
    pub(super) fn new(key: &'a [u8], event_type: EventType) -> Self {
        Self { key, tail: tail(key), event: bits(EventTypeSet::of(event_type)) }
    }
}

impl Cell {
    /// Makes a cell; a long suffix is added to `texts`.
    pub(super) fn new(wish: &Wish<'_>, at: u16, texts: &mut Vec<u8>) -> Self {
        let text = narrow(texts.len());
        if wish.suffix.len() > 8 {
            texts.extend_from_slice(wish.suffix);
        }
        Self {
            tail: tail(wish.suffix),
            events: bits(wish.events),
            rule: wish.rule,
            text,
            length: short(wish.suffix.len()),
            at,
        }
    }

    /// The cell as it lies in a record.
    pub(super) fn to_bytes(self) -> impl Iterator<Item = u8> {
        let words = [self.events, self.rule, self.text].into_iter().flat_map(u32::to_le_bytes);
        let halves = [self.length, self.at].into_iter().flat_map(u16::to_le_bytes);
        self.tail.to_le_bytes().into_iter().chain(words).chain(halves)
    }

    pub(super) fn from_bytes(bytes: &[u8; CELL]) -> Self {
        let mut rest: &[u8] = bytes;
        Self {
            tail: u64::from_le_bytes(take(&mut rest)),
            events: u32::from_le_bytes(take(&mut rest)),
            rule: u32::from_le_bytes(take(&mut rest)),
            text: u32::from_le_bytes(take(&mut rest)),
            length: u16::from_le_bytes(take(&mut rest)),
            at: u16::from_le_bytes(take(&mut rest)),
        }
    }

    /// Whether the rule wants the event and the end of the key.
    pub(super) fn wants(&self, end: &End<'_>, texts: &[u8]) -> bool {
        let length = usize::from(self.length);
        // In two shifts, since an empty suffix leaves none of the 64 bits.
        let ignored = 64 - 8 * length.min(8);
        let differing = end.tail ^ self.tail;
        let tails_agree = (differing >> (ignored / 2)) >> (ignored - ignored / 2) == 0;
        let start = self.text as usize;
        tails_agree
            && self.events & end.event != 0
            && length <= end.key.len()
            && (length <= 8
                || texts.get(start..start + length).is_some_and(|text| end.key.ends_with(text)))
    }
}
