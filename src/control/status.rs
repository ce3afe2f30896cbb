//! How the documents are doing, as the admin port shows it.

use std::path::PathBuf;

use jiff::Timestamp;

/// How the documents are doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Buckets with a document in force.
    pub loaded: usize,
    /// Documents that cannot be used.
    pub broken: Vec<Broken>,
    /// Grows with each change of what is in force; 1 is what was found at the start.
    pub generation: u64,
    /// When what is in force came so.
    pub applied: Timestamp,
}

/// A document, or the whole directory, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its file.
    pub file: PathBuf,
    /// What is wrong with it, in one line.
    pub problem: String,
    /// What the bucket has instead.
    pub in_force: InForce,
}

/// What a bucket with a broken document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    /// The last readable document.
    LastGood,
    /// Nothing: its events go to the quarantine until the document is readable.
    Nothing,
}

impl InForce {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LastGood => "the last document that could be read",
            Self::Nothing => "nothing; the bucket's events go to the quarantine",
        }
    }
}
