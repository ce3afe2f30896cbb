//! Two rules that clash, found without comparing all with all: a bucket may have a million.
//!
//! Rules are taken in the order of their prefixes; those whose prefix begins the present one are
//! open. Until the first clash no suffix of an open rule ends another's, and so, with the suffixes
//! read backwards and sorted, only the two neighbours of a new one can clash with it.

use std::collections::{BTreeMap, HashSet};

use crate::model::EventTypeSet;

/// What a rule matches: these events of the keys with these ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    pub(super) types: EventTypeSet,
    pub(super) prefix: &'a str,
    pub(super) suffix: &'a str,
}

/// The places of two spans that share an event and whose prefixes and suffixes nest, if any do.
/// Takes O(n log n) for each group of event types that rules treat alike, of which there are at
/// most as many as event types.
pub(super) fn clash(spans: &[Span<'_>]) -> Option<(usize, usize)> {
    groups(spans).into_iter().find_map(|group| clash_over(group, spans))
}

/// The event types, those together that every span has all or none of.
fn groups(spans: &[Span<'_>]) -> Vec<EventTypeSet> {
    let sets: HashSet<_> = spans.iter().map(|span| span.types).collect();
    let mut groups = vec![sets.iter().fold(EventTypeSet::EMPTY, |all, set| all.union(*set))];
    for set in sets {
        let halves = groups.iter().flat_map(|group| [group.intersection(set), group.without(set)]);
        groups = halves.filter(|half| !half.is_empty()).collect();
    }
    groups
}

fn clash_over(group: EventTypeSet, spans: &[Span<'_>]) -> Option<(usize, usize)> {
    let mut places: Vec<_> = spans.iter().enumerate().collect();
    places.retain(|(_, span)| !span.types.intersection(group).is_empty());
    places.sort_unstable_by_key(|(_, span)| span.prefix);

    let mut open: Vec<&Span<'_>> = Vec::new();
    let mut suffixes: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for (place, span) in places {
        while let Some(closed) = open.pop_if(|outer| !span.prefix.starts_with(outer.prefix)) {
            suffixes.remove(&backwards(closed.suffix));
        }
        let suffix = backwards(span.suffix);
        let before = suffixes.range(..=suffix.clone()).next_back();
        let after = suffixes.range(suffix.clone()..).next();
        let clash = before
            .filter(|(before, _)| suffix.starts_with(before))
            .or(after.filter(|(after, _)| after.starts_with(&suffix)));
        if let Some((_, other)) = clash {
            return Some((place.min(*other), place.max(*other)));
        }
        suffixes.insert(suffix, place);
        open.push(span);
    }
    None
}

fn backwards(suffix: &str) -> Vec<u8> {
    suffix.bytes().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::model::EventType;

    fn nest(one: &Span<'_>, other: &Span<'_>) -> bool {
        let (p, q, s, t) = (one.prefix, other.prefix, one.suffix, other.suffix);
        !one.types.intersection(other.types).is_empty()
            && (p.starts_with(q) || q.starts_with(p))
            && (s.ends_with(t) || t.ends_with(s))
    }

    proptest! {
        #[test]
        fn a_clash_is_found_where_one_of_all_pairs_clashes(
            rules in vec((1_u8..8, "[ab]{0,3}", "[ab]{0,3}"), 0..12),
        ) {
            let types = |mask: u8| {
                let some = EventType::ALL.iter().copied().zip(0..3);
                some.filter(|(_, bit)| mask >> bit & 1 == 1).map(|(t, _)| t).collect()
            };
            let spans: Vec<_> = rules
                .iter()
                .map(|(mask, prefix, suffix)| Span { types: types(*mask), prefix, suffix })
                .collect();
            let all_pairs = || {
                let pairs = spans.iter().enumerate();
                pairs.flat_map(|(n, one)| spans.iter().skip(n + 1).map(move |other| (one, other)))
            };
            match clash(&spans) {
                Some((first, second)) => {
                    prop_assert!(first < second);
                    prop_assert!(nest(&spans[first], &spans[second]));
                }
                None => prop_assert!(!all_pairs().any(|(one, other)| nest(one, other))),
            }
        }
    }
}
