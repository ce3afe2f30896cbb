//! A value that must not be printed.

use std::fmt;

use serde::Deserialize;

/// A token or key. Prints as `Secret(..)`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps the text from being printed.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to compare or to sign with; never to print.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
