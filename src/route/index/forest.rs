//! Which text begins with which, cut into paths.
//!
//! Texts that are prefixes of others form a forest. It is cut into paths: below each text, the
//! path goes on to the child that has the most texts below it, and the others begin their own.
//!
//! ```text
//!   ""──a/──a/b/──a/b/c/        path 0: "" a/ a/b/ a/b/c/
//!    │       └────a/b/x/        path 1: a/b/x/     hangs on place 2 of path 0
//!    └──z/                      path 2: z/         hangs on place 0 of path 0
//! ```
//!
//! A path's texts are all prefixes of its longest one, so only that is kept. The path above has at
//! least twice the texts below it: however many prefixes a key has among the texts, they lie on at
//! most log2(texts) + 1 paths.

use super::{
    sorted::Sorted,
    words::{narrow, short},
};

/// No text, or no path.
pub(super) const NONE: u32 = u32::MAX;

/// A text of the forest: a path, and how many of its texts are shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) path: u32,
    pub(super) at: u16,
}

/// The forest, and where each of the sorted texts is in it. A path is known by its number here;
/// one that hangs on another has the higher number.
#[derive(Debug)]
pub(super) struct Forest {
    pub(super) places: Vec<Place>,
    /// For each text, the longest other one that it begins with.
    pub(super) parents: Vec<u32>,
    /// For each text, the next one of its path.
    next: Vec<u32>,
    /// For each path, its shortest text.
    tops: Vec<u32>,
}

impl Forest {
    pub(super) fn new(sorted: &Sorted) -> Self {
        let parents = parents(sorted);
        let next = heaviest_children(&parents);
        let (mut places, mut tops) = (Vec::<Place>::with_capacity(parents.len()), Vec::new());
        for (text, &parent) in (0..).zip(&parents) {
            let above = places.get(parent as usize);
            let continued = above.filter(|_| next.get(parent as usize) == Some(&text));
            if let Some(&Place { path, at }) = continued {
                places.push(Place { path, at: at + 1 });
            } else {
                places.push(Place { path: narrow(tops.len()), at: 0 });
                tops.push(text);
            }
        }
        Self { places, parents, next, tops }
    }

    /// Where a text stands.
    pub(super) fn place(&self, text: u32) -> Option<Place> {
        self.places.get(text as usize).copied()
    }

    /// For each path, the place that it hangs on, and its texts from the shortest on.
    pub(super) fn paths(
        &self,
    ) -> impl Iterator<Item = (Option<Place>, impl Iterator<Item = u32> + '_)> {
        self.tops.iter().map(|&top| {
            let above = self.parents.get(top as usize).and_then(|parent| self.place(*parent));
            let next = |text: &u32| self.next.get(*text as usize).copied();
            let texts = std::iter::successors(Some(top), next).take_while(|text| *text != NONE);
            (above, texts)
        })
    }
}

/// For each text, the longest other one that it begins with.
fn parents(sorted: &Sorted) -> Vec<u32> {
    let mut parents = Vec::with_capacity(sorted.shared.len());
    // The texts that the last one begins with, and itself.
    let mut open: Vec<(u32, u16)> = Vec::new();
    for (text, &shared) in (0..).zip(&sorted.shared) {
        while open.last().is_some_and(|(_, length)| *length > shared) {
            open.pop();
        }
        parents.push(open.last().map_or(NONE, |(parent, _)| *parent));
        open.push((text, short(sorted.get(text).len())));
    }
    parents
}

/// For each text, the child with the most texts below it.
fn heaviest_children(parents: &[u32]) -> Vec<u32> {
    let mut below = vec![1_u32; parents.len()];
    let mut heaviest = vec![(NONE, 0_u32); parents.len()];
    for (text, &parent) in parents.iter().enumerate().rev() {
        let weight = below.get(text).copied().unwrap_or_default();
        if let Some(below) = below.get_mut(parent as usize) {
            *below += weight;
        }
        if let Some(heaviest) = heaviest.get_mut(parent as usize)
            && weight >= heaviest.1
        {
            *heaviest = (narrow(text), weight);
        }
    }
    heaviest.into_iter().map(|(child, _)| child).collect()
}
