//! The end of the log: the segment that is written, and what the others hold.
//!
//! Invariant: whatever fails, the log ends at `end`, after a whole durable frame; or the failure
//! is fatal. A failed fsync is never tried again: the kernel may have dropped the pages and would
//! report success.

use std::{collections::BTreeMap, fs::File, io, path::PathBuf, sync::Arc, time::Instant};

use tracing::debug;
use uuid::Uuid;

use super::{
    compact::Merged,
    disk::{Disk, write_all_at},
    frame::{Draft, Seed},
    segment::{Header, Layout, PAGE, Place},
};
use crate::failpoint;

/// Why the writer ended: the process must too, and start again from what is durable.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What was written may or may not be durable, and asking again would not tell.
    #[error("cannot make {} durable; check the disk, then start again", path.display())]
    Sync {
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A write failed half-way and the half could not be taken back.
    #[error("cannot take back a failed write to {}; check the disk, then start again", path.display())]
    Truncate {
        /// The segment.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// Without checkpoints no space would ever be freed.
    #[error("the checkpoint thread panicked; start again from what is durable")]
    Checkpoints,
    /// The operating system refused a thread or a timer.
    #[error("cannot start the journal's threads")]
    Start(#[source] io::Error),
}

/// Why a commit failed.
#[derive(Debug)]
pub(super) enum CommitError {
    /// Nothing has changed; a later commit may succeed.
    Refused(io::Error),
    Fatal(WriteError),
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first_seq: u64,
    pub(super) bytes: u64,
    /// When it was begun, in microseconds since 1970.
    pub(super) time: i64,
    /// The last of the segments that it stands for.
    pub(super) through: u64,
    /// What it takes beside what is live in it, as its compaction found.
    pub(super) fixed: u64,
    /// Whether it can be merged, as far as is known.
    pub(super) whole: bool,
}

/// The segment that holds what this one did, if it is still there.
pub(super) fn holder(segments: &BTreeMap<u64, Segment>, segment: u64) -> Option<u64> {
    let before = segments.range(..=segment).next_back();
    before.filter(|(_, found)| segment <= found.through).map(|(&id, _)| id)
}

#[derive(Debug)]
pub(super) struct Log {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) layout: Layout,
    pub(super) journal: Uuid,
    pub(super) segments: BTreeMap<u64, Segment>,
    /// What the segments hold together.
    pub(super) bytes: u64,
    /// `None`: the next commit begins a segment.
    pub(super) file: Option<File>,
    pub(super) end: Place,
    pub(super) segment_bytes: u64,
    /// Of the last commit, in microseconds since 1970. No later one is earlier.
    pub(super) time: i64,
    /// When that was.
    pub(super) ticked: Instant,
}

impl Log {
    /// In microseconds since 1970, and never before the last commit, whatever the clock does.
    ///
    /// Were the clock far ahead for a moment, time would stand still for long, and nothing would
    /// grow old. So it goes on at half its pace until the clock has caught up.
    pub(super) fn now(&self) -> i64 {
        let passed = self.disk.uptime().saturating_duration_since(self.ticked) / 2;
        let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        self.time.saturating_add(passed).max(self.disk.now().as_microsecond())
    }

    /// The time of the next commit.
    pub(super) fn tick(&mut self) -> i64 {
        (self.time, self.ticked) = (self.now(), self.disk.uptime());
        self.time
    }

    /// Segments that were unlinked.
    pub(super) fn forget(&mut self, unlinked: &[u64]) {
        let gone = unlinked.iter().filter_map(|id| self.segments.remove(id));
        self.bytes -= gone.map(|segment| segment.bytes).sum::<u64>();
    }

    /// Segments that were made one, of which so much is live.
    pub(super) fn merge(&mut self, merged: &Merged, live: u64) {
        let &Merged { first, through, bytes } = merged;
        let replaced: Vec<u64> = self.segments.range(first..=through).map(|(&id, _)| id).collect();
        let Some(&head) = self.segments.get(&first) else { return };
        self.forget(&replaced);
        let fixed = bytes.saturating_sub(live);
        self.segments.insert(first, Segment { bytes, through, fixed, ..head });
        self.bytes += bytes;
    }

    /// A segment that cannot be merged.
    pub(super) fn give_up(&mut self, segment: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.whole = false;
        }
    }

    /// Begins a new segment if the current one is sealed or full, and says whether it did.
    pub(super) fn prepare(&mut self, next_seq: u64) -> Result<bool, CommitError> {
        if self.file.is_some() && self.end.offset < self.segment_bytes {
            return Ok(false);
        }
        self.roll(next_seq)?;
        Ok(true)
    }

    /// Seals the current segment and begins the next.
    pub(super) fn roll(&mut self, next_seq: u64) -> Result<(), CommitError> {
        let segment = self.end.segment + 1;
        let time = self.tick();
        let path = self.layout.segment(segment);
        let file = self.disk.create(&path).map_err(CommitError::Refused)?;
        let header = Header::new(self.journal, segment, next_seq, time).encode();
        if let Err(error) = write_all_at(&*self.disk, &file, &header, 0) {
            let removed = self.disk.remove(&path);
            removed.map_err(|source| fatal(WriteError::Truncate { path, source }))?;
            return Err(CommitError::Refused(error));
        }
        let directory = self.layout.segments();
        self.disk.sync(&file).map_err(|source| fatal(WriteError::Sync { path, source }))?;
        self.disk
            .sync_directory(&directory)
            .map_err(|source| fatal(WriteError::Sync { path: directory, source }))?;
        debug!(segment = self.end.segment, next = segment, "segment sealed");
        self.file = Some(file);
        self.end = Place { segment, offset: PAGE };
        let begun = Segment {
            first_seq: next_seq,
            bytes: PAGE,
            time,
            through: segment,
            fixed: 0,
            whole: true,
        };
        self.segments.insert(segment, begun);
        self.bytes += PAGE;
        Ok(())
    }

    /// Writes one frame and makes it durable. Returns where it begins, and its buffer for reuse.
    pub(super) fn commit(&mut self, draft: Draft) -> Result<(Place, Vec<u8>), CommitError> {
        let file = self.file.as_ref().expect("`prepare` came before");
        let at = self.end;
        let path = || self.layout.segment(at.segment);
        let bytes = draft.seal(Seed::new(self.journal, at.segment));
        failpoint::here("journal::write");
        if let Err(error) = write_all_at(&*self.disk, file, &bytes, at.offset) {
            let cut = self.disk.truncate(file, at.offset);
            cut.map_err(|source| fatal(WriteError::Truncate { path: path(), source }))?;
            return Err(CommitError::Refused(error));
        }
        failpoint::here("journal::written");
        failpoint::here("journal::sync");
        let synced = self.disk.sync(file);
        synced.map_err(|source| fatal(WriteError::Sync { path: path(), source }))?;
        failpoint::here("journal::synced");
        self.end.offset += bytes.len() as u64;
        if let Some(segment) = self.segments.get_mut(&at.segment) {
            self.bytes += self.end.offset - segment.bytes;
            segment.bytes = self.end.offset;
        }
        Ok((at, bytes))
    }

    /// The segments that hold nothing at or above the floor, without the one that is written.
    pub(super) fn below(&self, floor: u64) -> Vec<u64> {
        let followers = self.segments.iter().skip(1);
        let pairs = self.segments.keys().zip(followers);
        pairs.take_while(|(_, (_, next))| next.first_seq <= floor).map(|(&id, _)| id).collect()
    }

    /// Where the records from the floor on can be found.
    pub(super) fn start_of(&self, floor: u64) -> Place {
        let holds = self.segments.iter().rev().find(|(_, segment)| segment.first_seq <= floor);
        let found = holds.or_else(|| self.segments.iter().next());
        found.map_or(self.end, |(&segment, _)| Place { segment, offset: PAGE })
    }
}

fn fatal(error: WriteError) -> CommitError {
    CommitError::Fatal(error)
}
