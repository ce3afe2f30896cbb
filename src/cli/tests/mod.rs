//! The commands: on files, and on a daemon that answers from a script.

pub(super) mod daemon;
mod dead_letters;
mod files;
mod quarantine;
mod replay;
mod status;
mod tail;
mod unreachable;
