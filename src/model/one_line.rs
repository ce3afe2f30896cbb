//! Text that somebody else wrote, kept to one line.
//!
//! Ids, keys, ARNs and file names may hold line breaks and what moves a terminal's cursor. Whoever
//! prints one finding a line shows those characters as escapes; nothing else changes.

use std::fmt::{self, Display, Write};

/// Displays what it holds without control characters: a line break shows as `\n`.
#[derive(Clone, Copy, Debug)]
pub struct OneLine<T>(pub T);

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl<T: Display> Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| self.write_char(char))
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        // Unicode's own line breaks are no control characters.
        if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') {
            return write!(self.0, "{}", char.escape_default());
        }
        self.0.write_char(char)
    }
}
