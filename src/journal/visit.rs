//! One step of a reader to its next frame: the only part of it that may wait for the disk.
//!
//! Never passes the durable end. What is corrupt is kept aside, reported once, and skipped. Segments
//! may be merged under it: a place counts only in the file it was found in, and in another one the
//! number of the next record tells where to go on.

use std::io;

use tracing::warn;
use uuid::Uuid;

use super::{
    ReadError,
    find::segment_after,
    frame::Frame,
    scan::{Scan, Step},
    segment::{Layout, PAGE, Place},
};

#[derive(Debug)]
pub(super) struct Visit {
    pub(super) layout: Layout,
    pub(super) journal: Uuid,
    pub(super) at: Place,
    /// Of the file that `at` is a place in.
    pub(super) generation: u32,
    /// In a file of generation 0.
    pub(super) end: Place,
    pub(super) next_seq: u64,
    pub(super) scan: Option<Scan>,
}

/// Where it came to; no frame if there is none before the end.
#[derive(Debug)]
pub(super) struct Visited {
    pub(super) at: Place,
    pub(super) generation: u32,
    pub(super) scan: Option<Scan>,
    pub(super) frame: Option<Frame>,
}

impl Visit {
    pub(super) fn run(mut self) -> Result<Visited, ReadError> {
        let frame = self.next().map_err(|source| ReadError::Disk {
            path: self.layout.segment(self.at.segment),
            source,
        })?;
        Ok(Visited { at: self.at, generation: self.generation, scan: self.scan, frame })
    }

    fn next(&mut self) -> io::Result<Option<Frame>> {
        while !self.is_at_end() {
            let Some(mut scan) = self.scan()? else {
                self.leave(self.at.segment.saturating_sub(1))?;
                continue;
            };
            // Opening it may have shown that it is another file.
            let last = self.at.segment == self.end.segment && self.generation == 0;
            let limit = if last { self.end.offset } else { scan.length()? };
            match scan.step(self.at.offset, limit)? {
                Step::Frame(frame) if frame.end_seq() > self.next_seq => {
                    self.scan = Some(scan);
                    return Ok(Some(frame));
                }
                Step::Frame(frame) => self.at.offset += frame.size(),
                Step::End => {
                    self.leave(scan.through)?;
                    continue;
                }
                Step::Invalid | Step::Future(_) => {
                    let next = scan.resync(self.at.offset, limit, self.next_seq)?;
                    self.skip(next.unwrap_or(limit));
                }
            }
            self.scan = Some(scan);
        }
        Ok(None)
    }

    /// A merged segment is sealed, and holds nothing behind what was the end in it.
    /// Whether there is nothing behind the place that it has come to.
    pub(super) fn is_at_end(&self) -> bool {
        let Place { segment, offset } = self.at;
        let behind = segment == self.end.segment && self.generation == 0;
        segment > self.end.segment || behind && offset >= self.end.offset
    }

    fn scan(&mut self) -> io::Result<Option<Scan>> {
        let here =
            |scan: &Scan| scan.segment == self.at.segment && scan.generation == self.generation;
        if let Some(scan) = self.scan.take().filter(here) {
            return Ok(Some(scan));
        }
        match Scan::open(&self.layout, self.journal, self.at.segment) {
            Ok(scan) => {
                if scan.generation != self.generation {
                    (self.at.offset, self.generation) = (PAGE, scan.generation);
                }
                Ok(Some(scan))
            }
            // Segments are unlinked from below while a lane that needs none of them passes, and
            // after they were merged.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes on to what follows the segments up to this one.
    fn leave(&mut self, through: u64) -> io::Result<()> {
        let next = segment_after(&self.layout, through)?;
        self.at = next.map_or(self.end, |segment| Place { segment, offset: PAGE });
        self.generation = 0;
        Ok(())
    }

    fn skip(&mut self, to: u64) {
        let Place { segment, offset } = self.at;
        if self.layout.keep_corrupt(self.at, to.saturating_sub(offset)) {
            warn!(segment, offset, bytes = to - offset, "corrupt bytes in the journal, skipped");
        }
        self.at.offset = to;
    }
}
