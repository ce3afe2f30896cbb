//! Finds, for a key, a path that holds the longest text it begins with.
//!
//! A step asks a hash table for the key's first `pivot` bytes. The texts that are at least so long
//! are grouped by these bytes; the table leads to the group, and everything shorter waits for the
//! case that there is none:
//!
//! ```text
//!   texts  logs/   tenants/17/in/   tenants/42/in/   tenants/42/out/
//!
//!   pivot 11       tenants/17/ ──▶ path tenants/17/in/
//!     │            tenants/42/ ──▶ pivot 14 …
//!     └─ no such group: path logs/
//! ```
//!
//! The pivot is the length at which most texts stand alone, so one or two steps are usual. After a
//! few it is the middle one of the lengths that are left, which bounds the steps: there are at
//! most 1,024 lengths, and each step then halves them. Bytes that all texts of a step share are
//! not hashed.
//!
//! A table entry is a hint. It counts only once the key was compared with a text of the group,
//! from the byte up to which that is known already.

use super::{
    forest::NONE,
    hash::Hash,
    paths::Paths,
    slots::{Slots, Table},
    sorted::Sorted,
    words::{narrow, short},
    work::Work,
};

/// So many steps choose the best pivot; the rest choose the middle one.
const STEPS_CHOSEN: u8 = 4;

/// Where the search goes on: a path to compare with, another step, or nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target(u32);

#[derive(Clone, Copy, Debug)]
enum Next {
    Path(u32),
    Step(u32),
    Nowhere,
}

const IS_STEP: u32 = 1 << 31;

/// One step of the search.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The groups, by the hash of their window.
    groups: Table,
    /// The window that is hashed: all texts of the step share what is before it.
    window: u16,
    pivot: u16,
    /// A path that begins as all texts of the step.
    witness: u32,
    /// For a key of no group.
    otherwise: Target,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Pivots {
    hash: Hash,
    steps: Box<[Step]>,
    root: Target,
    slots: Slots,
}

impl Target {
    const NOWHERE: Self = Self(NONE);

    fn next(self) -> Next {
        match self {
            Self::NOWHERE => Next::Nowhere,
            Self(step) if step & IS_STEP != 0 => Next::Step(step & !IS_STEP),
            Self(path) => Next::Path(path),
        }
    }
}

impl Pivots {
    /// A path, and how many bytes the key shares with its longest text: the longest text that the
    /// key begins with is on that path, or on one above.
    pub(super) fn search(
        &self,
        paths: &Paths,
        key: &[u8],
        work: &mut impl Work,
    ) -> Option<(u32, usize)> {
        let mut target = self.root;
        let mut known = 0;
        loop {
            let step = match target.next() {
                Next::Nowhere => return None,
                Next::Path(path) => {
                    // It may be a path above, which shares less with the key than is known here.
                    work.text();
                    return Some((path, paths.get(path)?.common(key, 0)));
                }
                Next::Step(step) => self.steps.get(step as usize)?,
            };
            target = step.otherwise;
            let pivot = usize::from(step.pivot);
            let Some(window) = key.get(usize::from(step.window)..pivot) else { continue };
            work.probe();
            for hint in self.slots.hints(step.groups, self.hash.of_bytes(window)) {
                let hint = Target(hint);
                let path = match hint.next() {
                    Next::Nowhere => continue,
                    Next::Path(path) => path,
                    Next::Step(step) => self.steps.get(step as usize)?.witness,
                };
                work.text();
                let shared = paths.get(path)?.common(key, known);
                if shared < pivot {
                    continue;
                }
                if hint == Target(path) {
                    return Some((path, shared));
                }
                (target, known) = (hint, pivot);
                break;
            }
        }
    }
}

/// A text of one step, and how many bytes it shares with the one before it there.
#[derive(Clone, Copy, Debug)]
struct Member {
    text: u32,
    length: u16,
    shared: u16,
}

/// Builds the steps.
struct Builder<'a> {
    hash: &'a Hash,
    sorted: &'a Sorted,
    parents: &'a [u32],
    /// The path of each text.
    path_of: &'a dyn Fn(u32) -> u32,
    steps: Vec<Step>,
    slots: Slots,
    /// How many texts would stand alone at each length; kept for its memory.
    alone: Vec<i32>,
}

impl Pivots {
    pub(super) fn new(
        hash: Hash,
        sorted: &Sorted,
        parents: &[u32],
        path_of: &dyn Fn(u32) -> u32,
    ) -> Self {
        let mut builder = Builder {
            hash: &hash,
            sorted,
            parents,
            path_of,
            steps: Vec::new(),
            slots: Slots::default(),
            alone: Vec::new(),
        };
        let member = |(text, &shared): (u32, &u16)| Member {
            text,
            length: short(sorted.get(text).len()),
            shared,
        };
        let all: Vec<Member> = (0..).zip(&sorted.shared).map(member).collect();
        let root = builder.target(&all, Target::NOWHERE, 0);
        let Builder { steps, mut slots, .. } = builder;
        slots.shrink();
        Self { steps: steps.into(), root, slots, hash }
    }
}

impl Builder<'_> {
    /// What finds these texts. `above` is for a key that has none of them.
    fn target(&mut self, members: &[Member], above: Target, depth: u8) -> Target {
        match members {
            [] => above,
            [.., last] if is_chain(members) => Target((self.path_of)(last.text)),
            [first, rest @ ..] => {
                let shared = rest.iter().map(|member| member.shared).min();
                let pivot = if depth < STEPS_CHOSEN { self.best(members) } else { middle(members) };
                let number = narrow(self.steps.len());
                let step = Step {
                    groups: Table::default(),
                    window: shared.unwrap_or_default().min(pivot),
                    pivot,
                    witness: (self.path_of)(first.text),
                    otherwise: above,
                };
                self.steps.push(step);
                let (groups, shorter) = self.group(members, step, depth);
                let groups = self.slots.add(&groups);
                let otherwise = self.target(&shorter, above, depth + 1);
                if let Some(kept) = self.steps.get_mut(number as usize) {
                    *kept = Step { groups, otherwise, ..step };
                }
                Target(number | IS_STEP)
            }
        }
    }

    /// What finds each group, by hash, and the texts that are shorter than the step's pivot.
    fn group(
        &mut self,
        members: &[Member],
        step: Step,
        depth: u8,
    ) -> (Vec<(u64, u32)>, Vec<Member>) {
        let (mut groups, mut shorter) = (Vec::new(), Vec::new());
        let mut group = Vec::new();
        // What a text shares with the last of its kind is the least of what lies between.
        let (mut since_shorter, mut since_group) = (u16::MAX, u16::MAX);
        for member in members {
            since_shorter = since_shorter.min(member.shared);
            since_group = since_group.min(member.shared);
            if member.length < step.pivot {
                shorter.push(Member { shared: since_shorter, ..*member });
                since_shorter = u16::MAX;
                continue;
            }
            if since_group < step.pivot {
                groups.extend(self.found_by(&group, step, depth));
                group.clear();
            }
            group.push(Member { shared: since_group, ..*member });
            since_group = u16::MAX;
        }
        groups.extend(self.found_by(&group, step, depth));
        (groups, shorter)
    }

    fn found_by(&mut self, group: &[Member], step: Step, depth: u8) -> Option<(u64, u32)> {
        let first = group.first()?;
        let parent = self.parents.get(first.text as usize).copied().unwrap_or(NONE);
        let above = if parent == NONE { Target::NOWHERE } else { Target((self.path_of)(parent)) };
        let target = self.target(group, above, depth + 1);
        let (from, to) = (usize::from(step.window), usize::from(step.pivot));
        let window = self.sorted.get(first.text).get(from..to).unwrap_or_default();
        Some((self.hash.of_bytes(window), target.0))
    }

    /// The length at which most texts stand alone, or with texts of their own chain only. A chain
    /// stands alone from one byte more than it shares with a neighbour on.
    fn best(&mut self, members: &[Member]) -> u16 {
        let longest = members.iter().map(|member| member.length).max().unwrap_or_default();
        self.alone.clear();
        self.alone.resize(usize::from(longest) + 2, 0);
        let mut before = 0;
        let mut rest = members;
        while !rest.is_empty() {
            let chain;
            (chain, rest) = rest.split_at(chain_length(rest));
            let after = rest.first().map_or(0, |next| next.shared);
            let alone_from = before.max(after) + 1;
            before = after;
            for member in chain.iter().filter(|member| member.length >= alone_from) {
                self.count(alone_from, 1);
                self.count(member.length + 1, -1);
            }
        }
        let mut alone = 0;
        let mut best = (0, 0);
        for (length, change) in (0..).zip(&self.alone) {
            alone += change;
            if alone > best.0 {
                best = (alone, length);
            }
        }
        best.1
    }

    fn count(&mut self, length: u16, change: i32) {
        if let Some(count) = self.alone.get_mut(usize::from(length)) {
            *count += change;
        }
    }
}

/// How many of these texts, from the first on, each begin with the one before.
fn chain_length(members: &[Member]) -> usize {
    let breaks = |pair: &[Member]| matches!(pair, [a, b] if b.shared < a.length);
    members.windows(2).position(breaks).map_or(members.len(), |last| last + 1)
}

fn is_chain(members: &[Member]) -> bool {
    chain_length(members) == members.len()
}

/// The middle one of the distinct lengths.
fn middle(members: &[Member]) -> u16 {
    let mut lengths: Vec<u16> = members.iter().map(|member| member.length).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}
