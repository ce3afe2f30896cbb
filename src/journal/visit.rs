//! One step of a reader to its next frame: the only part of it that may wait for the disk.
//!
//! Never passes the durable end. What is corrupt is kept aside, reported once, and skipped.

use std::io;

use tracing::warn;
use uuid::Uuid;

use super::{
    ReadError,
    frame::Frame,
    scan::{Scan, Step},
    segment::{Layout, PAGE, Place},
};

#[derive(Debug)]
pub(super) struct Visit {
    pub(super) layout: Layout,
    pub(super) journal: Uuid,
    pub(super) at: Place,
    pub(super) end: Place,
    pub(super) next_seq: u64,
    pub(super) scan: Option<Scan>,
}

/// Where it came to; no frame if there is none before the end.
#[derive(Debug)]
pub(super) struct Visited {
    pub(super) at: Place,
    pub(super) scan: Option<Scan>,
    pub(super) frame: Option<Frame>,
}

impl Visit {
    pub(super) fn run(mut self) -> Result<Visited, ReadError> {
        let frame = self.next().map_err(|source| ReadError::Disk {
            path: self.layout.segment(self.at.segment),
            source,
        })?;
        Ok(Visited { at: self.at, scan: self.scan, frame })
    }

    fn next(&mut self) -> io::Result<Option<Frame>> {
        while self.at < self.end {
            let Some(mut scan) = self.scan()? else {
                self.leave()?;
                continue;
            };
            let last = self.at.segment == self.end.segment;
            let limit = if last { self.end.offset } else { scan.length()? };
            match scan.step(self.at.offset, limit)? {
                Step::Frame(frame) if frame.end_seq() > self.next_seq => {
                    self.scan = Some(scan);
                    return Ok(Some(frame));
                }
                Step::Frame(frame) => self.at.offset += frame.size(),
                Step::End => {
                    self.leave()?;
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

    fn scan(&mut self) -> io::Result<Option<Scan>> {
        if let Some(scan) = self.scan.take().filter(|scan| scan.segment == self.at.segment) {
            return Ok(Some(scan));
        }
        match Scan::open(&self.layout, self.journal, self.at.segment) {
            Ok(scan) => Ok(Some(scan)),
            // Segments are unlinked from below while a lane that needs none of them passes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes on to the next segment that there is.
    fn leave(&mut self) -> io::Result<()> {
        let next = self.layout.list()?.into_iter().find(|&id| id > self.at.segment);
        self.at = next.map_or(self.end, |segment| Place { segment, offset: PAGE });
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
