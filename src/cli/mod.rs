//! The commands: one file each.

mod args;
mod ask;
mod check;
mod explain;
mod signals;
#[cfg(test)]
mod tests;

pub use args::{Cli, Command, Explain, Settings};
pub use ask::AskError;
pub use check::{Findings, check};
pub use explain::explain;
pub use signals::StopSignals;
