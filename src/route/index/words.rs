//! Bytes, eight at a time, and the widths in which the index counts.

use crate::model::EventTypeSet;

/// How many bytes two texts share; they are known to share the first `known`.
pub(super) fn common(a: &[u8], b: &[u8], known: usize) -> usize {
    let shorter = a.len().min(b.len());
    let (Some(rest_a), Some(rest_b)) = (a.get(known..shorter), b.get(known..shorter)) else {
        return shorter.min(known);
    };
    let (words_a, tail_a) = rest_a.as_chunks::<8>();
    let (words_b, tail_b) = rest_b.as_chunks::<8>();
    let mut shared = known;
    for (a, b) in words_a.iter().zip(words_b) {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return shared + differing.trailing_zeros() as usize / 8;
        }
        shared += 8;
    }
    shared + tail_a.iter().zip(tail_b).take_while(|(a, b)| a == b).count()
}

/// The last eight bytes of a text, its very last one the highest; zeros where it is shorter.
pub(super) fn tail(text: &[u8]) -> u64 {
    if let Some(word) = text.last_chunk::<8>() {
        return u64::from_le_bytes(*word);
    }
    text.iter()
        .rev()
        .fold((0, 56), |(word, shift), byte| (word | u64::from(*byte) << shift, shift.max(8) - 8))
        .0
}

/// The next bytes of a record.
pub(super) fn take<const N: usize>(record: &mut &[u8]) -> [u8; N] {
    let Some((next, rest)) = record.split_first_chunk() else { return [0; N] };
    *record = rest;
    *next
}

/// Counts and offsets are 32 bits wide: they are half of what the index weighs.
pub(super) fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("a bucket's filters have less than 4 GiB")
}

/// Lengths and places on a path are 16 bits wide: a filter value has at most 1,024 bytes.
pub(super) fn short(length: usize) -> u16 {
    u16::try_from(length).expect("a filter value has at most 1,024 bytes")
}

/// The members of a set, one bit each.
pub(super) fn bits(types: EventTypeSet) -> u32 {
    u32::try_from(types.bits()).expect("there are at most 32 event types")
}
