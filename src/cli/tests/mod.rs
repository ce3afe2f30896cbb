//! The commands: on files, and on a daemon that answers from a script.

mod daemon;
mod dead_letters;
mod files;
mod replay;
mod status;
