//! What a search does, counted by whoever wants to know.
//!
//! Time is noisy and a count is not: tests bound the work of a search with these, and the compiler
//! leaves nothing of them in the search that serves.

/// Told of each step of a search.
pub(crate) trait Work {
    /// A look into a table of slots.
    fn probe(&mut self) {}
    /// A text compared with the key.
    fn text(&mut self) {}
    /// A path whose rules are asked.
    fn path(&mut self) {}
    /// A rule, or a row of rules, that is asked.
    fn cell(&mut self) {}
}

/// Nobody counts.
impl Work for () {}
