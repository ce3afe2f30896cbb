//! Hash tables that answer with hints.
//!
//! A slot is 8 bytes: half of the hash, and a number that means something to the owner. The key is
//! not kept, so an answer has to be verified before it is believed; in return eight slots fit a
//! cache line, and a look-up is one line of memory.
//!
//! ```text
//!   hash   [ place, upper 32 bits | tag, lower 32 bits ]
//!   slots  … | – | tag 7, → 12 | tag 9, → 4 | – | …        read on to the first empty one
//! ```
//!
//! Nothing wraps: a chain that leaves the last place goes on into slots behind it, and an empty one
//! lies between two tables. So what a table answers is its own.

use super::words::narrow;

const EMPTY: u32 = u32::MAX;

/// Slots filled in an eighth: a chain stays within a line or two.
const FILLED: usize = 5;

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    value: u32,
}

/// Tables in one array.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Vec<Slot>);

/// One of the tables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Table {
    first: u32,
    places: u32,
}

impl Slots {
    /// Adds a table of all these hashes and their values.
    pub(super) fn add(&mut self, entries: &[(u64, u32)]) -> Table {
        let places = entries.len() * 8 / FILLED + 1;
        let table = Table { first: narrow(self.0.len()), places: narrow(places) };
        let empty = Slot { tag: 0, value: EMPTY };
        self.0.resize(self.0.len() + places + 1, empty);
        for &(hash, value) in entries {
            let mut place = table.place(hash);
            while self.0.get(place).is_some_and(|slot| slot.value != EMPTY) {
                place += 1;
            }
            // The next table must not begin where a chain of this one ends.
            self.0.resize(self.0.len().max(place + 2), empty);
            if let Some(slot) = self.0.get_mut(place) {
                *slot = Slot { tag: tag(hash), value };
            }
        }
        table
    }

    /// Gives back the memory that was for further tables.
    pub(super) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// The values that may be those of this hash.
    pub(super) fn hints(&self, table: Table, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let chain = self.0.get(table.place(hash)..).unwrap_or_default();
        chain
            .iter()
            .take_while(|slot| slot.value != EMPTY)
            .filter(move |slot| slot.tag == tag(hash))
            .map(|slot| slot.value)
    }
}

impl Table {
    fn place(self, hash: u64) -> usize {
        let place = ((hash >> 32) * u64::from(self.places)) >> 32;
        self.first as usize + place as usize
    }
}

fn tag(hash: u64) -> u32 {
    (hash & 0xFFFF_FFFF) as u32
}
