//! The rules of crowded paths: by pairs of a prefix path and a suffix path.
//!
//! On a pair of paths a rule is a point: the place of its prefix on one, of its suffix on the
//! other. A key that reaches place `p` on the one and `q` on the other is wanted by the points
//! that are no farther out on either.
//!
//! ```text
//!    suffix
//!    place │    ×         ×             rows: the points of one prefix place, by suffix place
//!        q ├──────────────┐             ×  not wanted
//!          │ ●      ●     │   ×         ●  wanted: columns up to q of rows up to p
//!          │ ●   ●        │
//!          └──────────────┴─────▶ prefix place
//!                         p
//! ```
//!
//! A row begins with its lowest point, so a row is left at the first point that is too far out,
//! and a row without a wanted point costs one comparison. A path has at most 1,025 places, so it is
//! enough to keep the lowest point of every 16 rows as well: then whole blocks are passed over.
//!
//! There is one such list for each event name, so no rule for other events is looked at.

use super::{
    event_nodes::EventNode,
    forest::Place,
    hash::Hash,
    slots::{Slots, Table},
    words::{narrow, short},
    work::Work,
};

/// Rows of which the lowest point is kept.
const BLOCK: usize = 16;

/// A rule on a pair of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crossing {
    pub(super) event: EventNode,
    pub(super) prefix: Place,
    pub(super) suffix: Place,
    pub(super) rule: u32,
}

/// The rules of one event name on a pair of paths.
#[derive(Clone, Copy, Debug)]
struct List {
    paths: [u32; 2],
    first_row: u32,
    rows: u16,
    event: EventNode,
}

/// The rules of one prefix of a list.
#[derive(Clone, Copy, Debug)]
struct Row {
    first_point: u32,
    points: u32,
    prefix_at: u16,
    lowest: u16,
    /// The lowest of the block, in the row that begins it.
    block_lowest: u16,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    rule: u32,
    suffix_at: u16,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    hash: Hash,
    slots: Slots,
    table: Table,
    pairs: Box<[List]>,
    rows: Box<[Row]>,
    points: Box<[Point]>,
}

impl Lists {
    pub(super) fn new(hash: Hash, mut crossings: Vec<Crossing>) -> Self {
        crossings.sort_unstable_by_key(|c| {
            (c.prefix.path, c.suffix.path, c.event, c.prefix.at, c.suffix.at, c.rule)
        });
        let (mut lists, mut rows, mut points) = (Vec::new(), Vec::new(), Vec::new());
        let pair = |c: &Crossing| (c.prefix.path, c.suffix.path, c.event);
        for list in crossings.chunk_by(|a, b| pair(a) == pair(b)) {
            let first_row = rows.len();
            for row in list.chunk_by(|a, b| a.prefix.at == b.prefix.at) {
                let Some(lowest) = row.first() else { continue };
                rows.push(Row {
                    first_point: narrow(points.len()),
                    points: narrow(row.len()),
                    prefix_at: lowest.prefix.at,
                    lowest: lowest.suffix.at,
                    block_lowest: lowest.suffix.at,
                });
                points.extend(row.iter().map(|c| Point { rule: c.rule, suffix_at: c.suffix.at }));
            }
            let (Some(first), Some(own)) = (list.first(), rows.get_mut(first_row..)) else {
                continue;
            };
            for block in own.chunks_mut(BLOCK) {
                let lowest = block.iter().map(|row| row.lowest).min().unwrap_or_default();
                if let Some(first) = block.first_mut() {
                    first.block_lowest = lowest;
                }
            }
            lists.push(List {
                paths: [first.prefix.path, first.suffix.path],
                first_row: narrow(first_row),
                rows: short(own.len()),
                event: first.event,
            });
        }
        let hash_of = |list: &List| hash.of_numbers(list.paths, list.event);
        let entries: Vec<_> = lists.iter().map(hash_of).zip(0..).collect();
        let mut slots = Slots::default();
        let table = slots.add(&entries);
        slots.shrink();
        Self { slots, table, hash, pairs: lists.into(), rows: rows.into(), points: points.into() }
    }

    /// The rules of one event name on the paths of these places that want them.
    pub(super) fn find(
        &self,
        event: EventNode,
        (prefix, suffix): (Place, Place),
        work: &mut impl Work,
        mut found: impl FnMut(u32),
    ) {
        let paths = [prefix.path, suffix.path];
        work.probe();
        let mut hints = self.slots.hints(self.table, self.hash.of_numbers(paths, event));
        let list = hints.find_map(|hint| {
            self.pairs.get(hint as usize).filter(|list| list.paths == paths && list.event == event)
        });
        let Some(list) = list else { return };
        let first = list.first_row as usize;
        let rows = self.rows.get(first..first + usize::from(list.rows)).unwrap_or_default();
        for block in rows.chunks(BLOCK) {
            work.cell();
            match block.first() {
                Some(first) if first.prefix_at > prefix.at => return,
                Some(first) if first.block_lowest > suffix.at => continue,
                _ => {}
            }
            for row in block.iter().take_while(|row| row.prefix_at <= prefix.at) {
                work.cell();
                if row.lowest <= suffix.at {
                    let first = row.first_point as usize;
                    let points = self.points.get(first..first + row.points as usize);
                    let near = |point: &&Point| point.suffix_at <= suffix.at;
                    points.unwrap_or_default().iter().take_while(near).for_each(|p| found(p.rule));
                }
            }
        }
    }
}
