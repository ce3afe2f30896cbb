//! The commands: one file each.

mod access;
mod admin_port;
mod args;
mod check;
mod client;
mod consent;
mod dead_letters;
mod exit;
mod explain;
mod form;
mod interrupt;
mod moment;
mod paint;
mod progress;
mod quarantine;
mod redrive;
mod replay;
mod run;
mod send;
mod signals;
mod status;
mod surroundings;
mod tail;
#[cfg(test)]
mod tests;

pub use access::Access;
pub use admin_port::AdminPort;
pub use args::{Cli, Command, Explain, Settings};
pub use check::{Findings, check};
pub use client::AskError;
pub use dead_letters::{DeadLetters, Filter, dead_letters};
pub use exit::failed;
pub use explain::explain;
pub use form::{Ended, Form};
pub use moment::{Moment, MomentError};
pub use quarantine::{Quarantine, Rows, quarantine};
pub use redrive::Chosen;
pub use replay::{ReplayCommand, replay};
pub use send::{EventsPort, SendCommand, send};
pub use signals::{Asked, Signals};
pub use status::{Looks, StatusCommand, status};
pub use tail::{Tail, tail};
