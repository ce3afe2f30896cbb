//! The reserve: space held back so that a full disk can be emptied.
//!
//! What frees space takes some first: acknowledgements, the header of a new segment, a checkpoint.
//! Invariant: what the file is counted for was really written, so that cutting it gives space
//! whatever the disk says. Nobody reads it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
};

use super::{
    disk::{Disk, write_all_at},
    segment::PAGE,
};

/// A checkpoint takes some 100 KiB, acknowledgements and a header a page each.
const BYTES_MAX: u64 = 4 << 20;
/// It is lent in so many steps, so that what else writes to the disk cannot take all at once.
const STEPS: u64 = 8;
const CHUNK: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Reserve {
    disk: Arc<dyn Disk>,
    file: File,
    held: u64,
    whole: u64,
}

impl Reserve {
    /// Takes over what is left of it; it may be short.
    pub(super) fn open(disk: Arc<dyn Disk>, path: &Path, size_limit: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path)?;
        let metadata = file.metadata()?;
        // A power cut can leave a length without the bytes.
        let written = metadata.blocks() * 512 >= metadata.len();
        let whole = BYTES_MAX.min(size_limit / STEPS) / PAGE * PAGE;
        let held = if written { metadata.len().min(whole) } else { 0 };
        if held != metadata.len() {
            disk.truncate(&file, held)?;
        }
        Ok(Self { disk, file, held, whole })
    }

    pub(super) fn is_whole(&self) -> bool {
        self.held == self.whole
    }

    pub(super) fn is_above_half(&self) -> bool {
        self.held > self.whole / 2
    }

    /// Gives a step of it back to the disk; `false` if nothing is left to give.
    pub(super) fn lend(&mut self) -> bool {
        if self.held == 0 {
            return false;
        }
        let left = self.held.saturating_sub(self.step());
        let cut = self.disk.truncate(&self.file, left);
        if cut.is_ok() {
            self.held = left;
        }
        // Some file systems give the space only to what comes after the cut is durable.
        cut.and_then(|()| self.disk.sync(&self.file)).is_ok()
    }

    /// Makes it whole. That fails if there is not a step more of space: without that, the next
    /// append would be refused again.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        let filled = self.write_up_to(self.whole + self.step());
        let keep = if filled.is_ok() { self.whole } else { self.held };
        self.disk.truncate(&self.file, keep)?;
        filled?;
        self.held = self.whole;
        Ok(())
    }

    fn write_up_to(&self, end: u64) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut at = self.held;
        while at < end {
            noise(at, &mut chunk);
            let length = chunk.len().min(usize::try_from(end - at).unwrap_or(CHUNK));
            let bytes = chunk.get(..length).unwrap_or_default();
            write_all_at(&*self.disk, &self.file, bytes, at)?;
            at += bytes.len() as u64;
        }
        self.disk.sync(&self.file)
    }

    fn step(&self) -> u64 {
        (self.whole / STEPS).next_multiple_of(PAGE).max(PAGE)
    }
}

/// Zeros would take no space on a file system that compresses. This is splitmix64.
fn noise(seed: u64, chunk: &mut [u8]) {
    let mut state = seed;
    for word in chunk.as_chunks_mut::<8>().0 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        *word = (mixed ^ (mixed >> 31)).to_le_bytes();
    }
}
