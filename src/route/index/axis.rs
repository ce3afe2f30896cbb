//! One side of all rules: the paths of its texts, and the way to a key's place on them.
//!
//! Suffixes are prefixes of keys read backwards, so both sides are the same code.

use super::{
    forest::{Forest, Place},
    hash::Hash,
    paths::{Note, Paths},
    pivot::Pivots,
    sorted::{Sorted, Texts},
    work::Work,
};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) paths: Paths,
    pivots: Pivots,
}

/// An axis that its owner adds notes to.
#[derive(Debug)]
pub(super) struct Draft {
    sorted: Sorted,
    forest: Forest,
}

impl Draft {
    pub(super) fn new(texts: &Texts) -> Self {
        let sorted = Sorted::new(texts);
        let forest = Forest::new(&sorted);
        Self { sorted, forest }
    }

    /// Where each text stands, on paths known by number.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + Clone + '_ {
        self.sorted.rank.iter().filter_map(|text| self.forest.place(*text))
    }

    /// Makes the axis, with a note for each path, asked for in order; also answers by what each path is known now.
    pub(super) fn finish<'a>(
        &self,
        hash: Hash,
        note: impl FnMut(u32) -> Note<'a>,
    ) -> (Axis, Vec<u32>) {
        let (paths, starts) = Paths::new(&self.sorted, &self.forest, note);
        let path_of = |text| {
            let place = self.forest.place(text);
            place.and_then(|place| starts.get(place.path as usize).copied()).unwrap_or_default()
        };
        let pivots = Pivots::new(hash, &self.sorted, &self.forest.parents, &path_of);
        (Axis { paths, pivots }, starts)
    }
}

impl Axis {
    /// Where the longest text stands that the key begins with.
    pub(super) fn longest(&self, key: &[u8], work: &mut impl Work) -> Option<Place> {
        let (path, shared) = self.pivots.search(&self.paths, key, work)?;
        self.paths.longest(path, shared)
    }

    /// The places with all texts that a key begins with: this one, and where its path hangs.
    pub(super) fn upwards(&self, from: Option<Place>) -> impl Iterator<Item = Place> + '_ {
        std::iter::successors(from, |place| self.paths.get(place.path)?.above())
    }
}
