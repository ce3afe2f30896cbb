//! Sends events again that the journal still has, through the rules of today.
//!
//! One replay runs at a time, and it is the [`Runner`]'s own. It reads the journal's history, asks
//! the rules who wants each event, and appends records that are marked as replayed: those are never
//! replayed themselves. Its place is on the disk (`book`), written after what it sent is durable,
//! so it goes on after a restart, and a crash sends some events twice rather than none.

mod book;
mod metrics;
mod order;
mod pace;
mod replays;
mod runner;
mod select;
#[cfg(test)]
mod tests;

pub use book::OpenError;
pub use metrics::describe;
pub use order::{Order, Replay, State, Through};
pub use replays::{CancelError, Replays, StartError};
pub use runner::{Runner, open};
