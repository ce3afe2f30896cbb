//! Few rules are scanned, many are indexed.

use super::{grid::Grid, scan::Scan, work::Work};
use crate::model::{EventType, EventTypeSet};

/// So many rules are scanned as quickly as they are looked up.
const SCANNED_MAX: usize = 8;

const _: () = assert!(EventType::ALL.len() <= 32, "a cell has 32 bits for event types");

/// One rule, as the index is told of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::route) struct Wish<'a> {
    /// What a search answers with.
    pub(in crate::route) rule: u32,
    pub(in crate::route) events: EventTypeSet,
    /// The bytes that keys begin with.
    pub(in crate::route) prefix: &'a [u8],
    /// The bytes that keys end with.
    pub(in crate::route) suffix: &'a [u8],
}

/// The rules of a bucket.
#[derive(Clone, Debug)]
pub(in crate::route) struct Index(Tier);

#[derive(Clone, Debug)]
enum Tier {
    Scan(Scan),
    Grid(Box<Grid>),
}

impl Index {
    /// Builds the index of these rules. The seed is chance that whoever wrote them cannot know.
    pub(in crate::route) fn new(wishes: &[Wish<'_>], seed: u64) -> Self {
        Self(if wishes.len() <= SCANNED_MAX {
            Tier::Scan(Scan::new(wishes))
        } else {
            Tier::Grid(Box::new(Grid::new(wishes, seed)))
        })
    }

    /// The numbers of the rules that want such an event of this key, each once.
    pub(in crate::route) fn find(
        &self,
        event_type: EventType,
        key: &[u8],
        work: &mut impl Work,
        found: impl FnMut(u32),
    ) {
        match &self.0 {
            Tier::Scan(scan) => scan.find(event_type, key, work, found),
            Tier::Grid(grid) => grid.find(event_type, key, work, found),
        }
    }
}
