//! The commands: one file each.

mod args;
mod check;
mod signals;
#[cfg(test)]
mod tests;

pub use args::{Cli, Command, Settings};
pub use check::{Findings, check};
pub use signals::StopSignals;
