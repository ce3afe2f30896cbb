//! Colour, where a person looks at a terminal and has not said `NO_COLOR`.

use std::{fmt::Display, io};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;

/// Whether what is printed has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Colours,
    Plain,
}

impl Paint {
    /// What suits the output of this process.
    pub(super) fn of_output() -> Self {
        match AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => Self::Plain,
            _ => Self::Colours,
        }
    }

    /// The text in this style, or as it is.
    pub(super) fn show(self, style: Style, text: impl Display) -> String {
        match self {
            Self::Colours => format!("{style}{text}{style:#}"),
            Self::Plain => text.to_string(),
        }
    }
}
