//! Who wants an event: bucket → rules that match its type and key.
//!
//! Each bucket's rules are compiled from its document into a [`Bucket`] that never changes; a
//! [`Table`] puts one into the place of another, and leaves the other buckets alone. A [`Reader`]
//! never waits. Matching allocates nothing, does no I/O, and costs nearly the same however many
//! rules there are (`index`); only what Ceph's filters add is asked rule by rule, of the rules that the
//! index found (`residue`). Rules are found in no particular order. What was wanted is counted
//! apart from the search, by whoever accepted the event (`hits`).

mod bucket;
mod compile;
mod filters;
mod hits;
mod index;
mod residue;
mod shared;
mod survey;
mod table;
#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Found, Match, Rule};
pub use compile::compile;
pub use hits::Tally;
pub use shared::{Reader, Shared, Standing};
pub use survey::{Summary, Totals};
pub use table::Table;
