//! What the place can show where a status is printed.

use std::io;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use console::Term;

/// What the place can show.
#[derive(Debug)]
pub struct Looks {
    colours: ColorChoice,
    terminal: Option<Term>,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Looks {
    /// What standard output can show: a terminal shows colours unless `NO_COLOR` is set.
    pub fn of_stdout() -> Self {
        let terminal = Some(Term::stdout()).filter(Term::is_term);
        Self { colours: AutoStream::choice(&io::stdout()), terminal }
    }

    /// What a file can show.
    pub fn plain() -> Self {
        Self { colours: ColorChoice::Never, terminal: None }
    }

    /// How large the terminal is now, if it is one.
    pub(super) fn size(&self) -> Option<Size> {
        let (rows, columns) = self.terminal.as_ref()?.size();
        Some(Size { rows: rows.into(), columns: columns.into() })
    }

    /// The text as it is to be printed.
    pub(super) fn finish(&self, text: &str) -> String {
        match self.colours {
            ColorChoice::Never => strip_str(text).to_string(),
            ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => text.to_owned(),
        }
    }
}
