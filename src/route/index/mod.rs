//! Which rules want an event, without asking all of them.
//!
//! It owns the compiled rules of one bucket; they never change once built, and a search allocates
//! nothing. Texts are bytes here: what an encoding is, is known outside. Rules go by number, and
//! are answered in no particular order.
//!
//! A rule is a prefix, a suffix and a set of event types. Prefixes that a key begins with are nested
//! in each other, and so are its suffixes, read backwards. So a key's rules are found by walking up
//! from the longest prefix of it that any rule has:
//!
//! ```text
//!   key = tenants/42/in/2026/a.jpg
//!
//!   pivot    hash the first few bytes ──▶ a path of nested prefixes that may hold the longest
//!   paths    compare with its text    ──▶ the place on it; the paths above hold the shorter ones
//!   cells    each path's few rules: compare eight bytes of suffix and the event's bit
//!   lists    or, if a path has many: the same for the suffix, then only pairs that fit
//! ```
//!
//! What each part is for, from the outside in:
//!
//! - `scan` asks up to eight rules one by one: one rule in 8 ns, a million small buckets.
//! - `grid` holds the rest together, for more rules than that.
//! - `axis` is one side of all rules; `sorted` puts its texts in order, `forest` cuts what is
//!   nested into paths. They make a chain of 1,024 nested prefixes one place to look at.
//! - `pivot` finds the path by one or two hashes, whatever the number of rules and of lengths, with
//!   `hash` and `slots`. A trie would wait for memory once a branch.
//! - `paths` keeps in one record what a search reads of a path: with a million rules a search waits
//!   for memory twice.
//! - `cells` decide usual rules without looking for their suffix.
//! - `lists`, with `event_nodes`, are for one prefix with very many suffixes, for chains that cross,
//!   and for rules of other events: nothing is looked at that is not nearly a match.
//! - `work` counts the steps of a search for tests. `words` has bytes by the eight.

mod axis;
mod cells;
mod event_nodes;
mod forest;
mod grid;
mod hash;
mod lists;
mod paths;
mod pivot;
mod scan;
mod slots;
mod sorted;
mod tiers;
mod words;
mod work;

pub(super) use tiers::{Index, Wish};
pub(super) use work::Work;
