//! A set of sequence numbers, kept as runs.
//!
//! Invariant: runs are not empty, do not overlap and do not touch.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

/// Start of a run -> the number after its last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Runs(BTreeMap<u64, u64>);

impl Runs {
    /// Every number below `end`.
    pub(super) fn below(end: u64) -> Self {
        let mut runs = Self::default();
        runs.insert(0..end);
        runs
    }

    pub(super) fn insert(&mut self, run: Range<u64>) {
        if run.is_empty() {
            return;
        }
        let Range { mut start, mut end } = run;
        if let Some((&before, &stop)) = self.0.range(..=start).next_back()
            && stop >= start
        {
            start = before;
            end = end.max(stop);
        }
        while let Some((&next, &stop)) = self.0.range(start..=end).next() {
            self.0.remove(&next);
            end = end.max(stop);
        }
        self.0.insert(start, end);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        other.iter().for_each(|run| self.insert(run));
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        self.0.range(..=seq).next_back().is_some_and(|(_, &end)| seq < end)
    }

    /// The lowest number that is not in the set.
    pub(super) fn first_gap(&self) -> u64 {
        self.0.get(&0).copied().unwrap_or(0)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|(&start, &end)| start..end)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn runs_equal_a_set_of_numbers(runs in vec((0..60_u64, 0..9_u64), 0..30)) {
            let (mut set, mut naive) = (Runs::default(), BTreeSet::new());
            for (start, length) in runs {
                set.insert(start..start + length);
                naive.extend(start..start + length);
            }
            for seq in 0..80 {
                prop_assert_eq!(set.contains(seq), naive.contains(&seq));
            }
            prop_assert_eq!(set.first_gap(), (0..99).find(|seq| !naive.contains(seq)).unwrap());
            let runs: Vec<_> = set.iter().collect();
            prop_assert!(runs.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
