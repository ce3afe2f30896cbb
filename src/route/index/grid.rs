//! The rules of a bucket that has many: found by their prefix, then by their suffix.
//!
//! ```text
//!   key ──▶ prefix axis ──▶ a path, and those above it (at most log2(rules) + 1)
//!                             │ few rules on the path:  cells, asked one by one
//!                             └ crowded:                suffix axis ──▶ its paths
//!                                                       lists of (event, path, path)
//! ```
//!
//! In the documents that people write nearly every path has few rules, and a search is one look
//! into a table, one path and one cell. The lists are for the others, so that no set of rules is
//! slow: with nested prefixes, one prefix for everything, or both.

use super::{
    Wish,
    axis::{Axis, Draft},
    cells::{CELL, Cell, End},
    event_nodes::EventNodes,
    forest::Place,
    hash::Hash,
    lists::{Crossing, Lists},
    paths::Note,
    sorted::Texts,
    words::short,
    work::Work,
};
use crate::model::EventType;

/// A path with more rules is crowded.
const CELLS_MAX: usize = 24;
/// The note of a crowded path.
const CROWDED: u16 = u16::MAX;
/// A filter value has no more bytes, so no more of a key are asked for.
const TEXT_BYTES_MAX: usize = 1024;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// The note of each path is how many cells it has.
    prefixes: Axis,
    /// The suffixes that are too long for a cell.
    texts: Box<[u8]>,
    crowded: Option<Crowded>,
}

/// The rules of crowded paths.
#[derive(Clone, Debug)]
struct Crowded {
    events: EventNodes,
    suffixes: Axis,
    lists: Lists,
    /// The length of the longest suffix.
    longest: usize,
}

impl Grid {
    pub(super) fn new(wishes: &[Wish<'_>], seed: u64) -> Self {
        let hash = Hash::new(seed);
        let bytes = wishes.iter().map(|wish| wish.prefix.len()).sum();
        let mut texts = Texts::with_capacity(wishes.len(), bytes);
        for wish in wishes {
            texts.push(wish.prefix.iter().copied());
        }
        let draft = Draft::new(&texts);
        drop(texts);
        let placed = by_path(draft.places());

        let wish = |number: u32| wishes.get(number as usize);
        let mut cells = Vec::with_capacity(wishes.len() * CELL);
        let (mut texts, mut crowd) = (Vec::new(), Vec::new());
        let mut notes = Vec::new();
        for path in placed.chunk_by(|(a, _), (b, _)| a.path == b.path) {
            if path.len() > CELLS_MAX {
                crowd.extend_from_slice(path);
                notes.push(CROWDED);
                continue;
            }
            for (place, wish) in path.iter().filter_map(|(p, number)| Some((p, wish(*number)?))) {
                cells.extend(Cell::new(wish, place.at, &mut texts).to_bytes());
            }
            notes.push(short(path.len()));
        }
        let mut rest = &*cells;
        let note = |path: u32| {
            let number = notes.get(path as usize).copied().unwrap_or_default();
            let own = if number == CROWDED { 0 } else { CELL * usize::from(number) };
            let bytes;
            (bytes, rest) = rest.split_at_checked(own).unwrap_or_default();
            Note { number, bytes }
        };
        let (prefixes, starts) = draft.finish(hash.clone(), note);
        drop(draft);
        let crowded = (!crowd.is_empty()).then(|| {
            for (place, _) in &mut crowd {
                *place = known_as(*place, &starts);
            }
            Crowded::new(wishes, &crowd, hash)
        });
        Self { prefixes, texts: texts.into(), crowded }
    }

    pub(super) fn find(
        &self,
        event_type: EventType,
        key: &[u8],
        work: &mut impl Work,
        mut found: impl FnMut(u32),
    ) {
        let end = End::new(key, event_type);
        let mut suffix = None;
        let longest = self.prefixes.longest(key, work);
        for place in self.prefixes.upwards(longest) {
            work.path();
            let Some(path) = self.prefixes.paths.get(place.path) else { return };
            if path.note == CROWDED {
                let Some(crowded) = &self.crowded else { return };
                let suffix = *suffix.get_or_insert_with(|| crowded.suffix(key, work));
                crowded.find(event_type, (place, suffix), work, &mut found);
                continue;
            }
            let (cells, _) = path.note_bytes().as_chunks();
            let cells = cells.iter().take(path.note.into()).map(Cell::from_bytes);
            for cell in cells.take_while(|cell| cell.at <= place.at) {
                work.cell();
                if cell.wants(&end, &self.texts) {
                    found(cell.rule);
                }
            }
        }
    }
}

/// The rules by number, those of a path together and in the order of their places.
fn by_path(places: impl Iterator<Item = Place> + Clone) -> Vec<(Place, u32)> {
    let mut ends: Vec<u32> = Vec::new();
    let mut count = 0;
    for place in places.clone() {
        let path = place.path as usize;
        ends.resize(ends.len().max(path + 1), 0);
        if let Some(end) = ends.get_mut(path) {
            *end += 1;
        }
        count += 1;
    }
    let mut end = 0;
    for count in &mut ends {
        end += *count;
        *count = end - *count;
    }
    let mut placed = vec![(Place { path: 0, at: 0 }, 0); count];
    for (place, number) in places.zip(0..) {
        let next = ends.get_mut(place.path as usize);
        if let Some(to) =
            next.and_then(|next| placed.get_mut(std::mem::replace(next, *next + 1) as usize))
        {
            *to = (place, number);
        }
    }
    for path in placed.chunk_by_mut(|(a, _), (b, _)| a.path == b.path) {
        path.sort_unstable();
    }
    placed
}

/// A place on a path that was known by its number.
fn known_as(Place { path, at }: Place, starts: &[u32]) -> Place {
    Place { path: starts.get(path as usize).copied().unwrap_or_default(), at }
}

impl Crowded {
    fn new(wishes: &[Wish<'_>], crowd: &[(Place, u32)], hash: Hash) -> Self {
        let members = || {
            let wish =
                |(place, number): &(Place, u32)| Some((*place, wishes.get(*number as usize)?));
            crowd.iter().filter_map(wish)
        };
        let bytes = members().map(|(_, wish)| wish.suffix.len()).sum();
        let mut texts = Texts::with_capacity(crowd.len(), bytes);
        for (_, wish) in members() {
            texts.push(wish.suffix.iter().rev().copied());
        }
        let draft = Draft::new(&texts);
        let (suffixes, starts) = draft.finish(hash.clone(), |_| Note::default());
        let places = draft.places().map(|place| known_as(place, &starts));
        let mut events = EventNodes::new();
        let mut crossings = Vec::with_capacity(crowd.len());
        for ((prefix, wish), suffix) in members().zip(places) {
            for event in events.of_rule(wish.events) {
                crossings.push(Crossing { event, prefix, suffix, rule: wish.rule });
            }
        }
        let longest = members().map(|(_, wish)| wish.suffix.len()).max().unwrap_or_default();
        Self { events, suffixes, lists: Lists::new(hash, crossings), longest }
    }

    /// Where the longest suffix stands that the key ends with.
    fn suffix(&self, key: &[u8], work: &mut impl Work) -> Option<Place> {
        let mut backwards = [0; TEXT_BYTES_MAX];
        let end = key.iter().rev().take(self.longest);
        let length = backwards.iter_mut().zip(end).map(|(to, from)| *to = *from).count();
        self.suffixes.longest(backwards.get(..length)?, work)
    }

    fn find(
        &self,
        event_type: EventType,
        (prefix, suffix): (Place, Option<Place>),
        work: &mut impl Work,
        found: &mut impl FnMut(u32),
    ) {
        for suffix in self.suffixes.upwards(suffix) {
            work.path();
            for event in self.events.of_event(event_type) {
                self.lists.find(event, (prefix, suffix), work, &mut *found);
            }
        }
    }
}
