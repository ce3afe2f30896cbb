//! The hash of a window of a key.
//!
//! Whoever writes rules must not be able to choose windows that fall on one place, so the hash is
//! keyed by chance that only this process knows.

use std::hash::Hasher as _;

use foldhash::{SharedSeed, fast::FoldHasher};

/// A keyed hash.
#[derive(Clone, Debug)]
pub(super) struct Hash {
    start: u64,
    seeds: SharedSeed,
}

impl Hash {
    pub(super) fn new(seed: u64) -> Self {
        // Where the hash starts has to be as unknown as the rest, or zeros would meet.
        Self { start: !seed, seeds: SharedSeed::from_u64(seed) }
    }

    pub(super) fn of_bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.start, &self.seeds);
        hasher.write(bytes);
        hasher.finish()
    }

    pub(super) fn of_numbers(&self, numbers: [u32; 2], byte: u8) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.start, &self.seeds);
        hasher.write_u32(numbers[0]);
        hasher.write_u32(numbers[1]);
        hasher.write_u8(byte);
        hasher.finish()
    }
}
