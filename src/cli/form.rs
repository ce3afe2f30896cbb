//! How an answer is printed, and how a command ended.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

/// How an answer is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Form {
    /// Print JSON, an object a line.
    #[arg(long)]
    pub(super) json: bool,
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What was asked is done.
    Done,
    /// A part of it is not done; what was printed says why.
    Unfinished,
}

/// Prints one object as a line of JSON.
pub(super) fn print_json(object: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let line = serde_json::to_string(object).expect("an answer has string keys only");
    writeln!(out, "{line}")
}

/// A time without the part of a second that only machines read.
pub(super) fn seconds(time: Timestamp) -> String {
    time.strftime("%FT%TZ").to_string()
}
