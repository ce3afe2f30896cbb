//! What happens to events now, for whoever watches.
//!
//! - While nobody watches, a stage that would tell pays one relaxed load and builds nothing.
//! - A watcher never holds anybody up: what it does not take in time it misses, and is told how
//!   much that was.
//! - What is told names an event and what became of it. It never holds a payload, what a store's
//!   client sent, or a secret.
//!
//! It keeps nothing: who comes later does not learn what was before.

mod filter;
mod hub;
mod sighting;
#[cfg(test)]
mod tests;

pub use filter::Filter;
pub use hub::{Crowded, Hub, Seen, WATCHERS_MAX, Watcher};
pub use sighting::{Sighting, Stage, Subject};
