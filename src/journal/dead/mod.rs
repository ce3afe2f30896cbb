//! The dead letters: what a lane has given up on, kept until a person decides.
//!
//! - In a database of its own beside the log: the log frees what a lane has finished, and this must
//!   outlive that. `meta.redb` may be lost; this may not. A corrupt file is moved aside, never
//!   overwritten, and reported.
//! - A row is the record's number in its lane, when it was buried, a summary and a body; both are
//!   opaque here.
//! - A row is durable before the log says that its record is dead, and it leaves only after the log
//!   says so. What a crash leaves between the two is settled at the next start.
//! - There is no file until the first burial.

mod handle;
mod letter;
mod reconcile;
mod store;

#[cfg(test)]
mod tests;

pub(super) use handle::Leaving;
pub use handle::RedriveError;
pub use letter::{
    BadDeadLetterId, Burial, BuryError, DeadError, DeadLetter, DeadLetterId, DeadLetters,
};
pub(super) use reconcile::{Reconciled, reconcile};
pub(super) use store::{Grave, Store};
