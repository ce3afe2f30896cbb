//! `fanfare send`: posts events from files to a daemon, as a store would.
//!
//! A part is sent again only if the daemon said that it did not take it. What was on the wire when
//! a connection broke is not: it may have been accepted, and whoever asked is told so. Memory does
//! not grow with the files.

mod command;
mod error;
mod input;
mod part;
mod port;
mod poster;
mod tally;
#[cfg(test)]
mod tests;

pub use command::{SendCommand, send};
pub use port::EventsPort;
