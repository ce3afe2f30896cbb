//! `fanfare status`: how a running daemon is doing, for whoever is woken up by it.
//!
//! The first line says whether something is wrong, and what. Below stands what that is judged by.
//! The text always has its colours; [`Looks`] takes them off where nobody wants to see them.

mod command;
mod headline;
mod looks;
mod report;
mod sick;
mod screen;
mod words;
#[cfg(test)]
mod tests;

pub use command::{StatusCommand, status};
pub use looks::Looks;
