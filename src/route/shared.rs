//! The rules in force, as readers see them.
//!
//! Buckets are independent: S3 replaces one bucket's document at a time. So there is no table of
//! all of them that would have to be swapped whole; a look-up takes what is in force for its bucket
//! at that moment.

use std::sync::Arc;

use papaya::{HashMap, LocalGuard};

use super::{Bucket, hits::Strays};
use crate::model::BucketName;

/// The rules of every bucket.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    pub(super) buckets: Arc<HashMap<BucketName, Standing>>,
    pub(super) strays: Arc<Strays>,
}

/// What is known of a bucket.
#[derive(Debug)]
pub enum Standing {
    /// The rules of its document.
    Rules(Bucket),
    /// Its document was never readable, so nobody can say who wants its events.
    Undecided,
}

/// A reader at work. It never waits, and nobody waits for it; what it looked up stays as it is
/// until it is dropped. Not to be kept long, for what was replaced is freed only afterwards.
#[derive(Debug)]
pub struct Reader<'a> {
    buckets: &'a HashMap<BucketName, Standing>,
    guard: LocalGuard<'a>,
}

impl Shared {
    /// Begins to read.
    pub fn reader(&self) -> Reader<'_> {
        Reader { buckets: &self.buckets, guard: self.buckets.guard() }
    }
}

impl Reader<'_> {
    /// What is in force for a bucket now; none if it has no document, and nobody wants its events.
    pub fn bucket(&self, name: &BucketName) -> Option<&Standing> {
        self.buckets.get(name, &self.guard)
    }
}
