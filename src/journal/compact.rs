//! Compaction: adjacent sealed segments of which little is live become one that holds just that.
//!
//! A lane that delivers nothing holds the log from its first pending record on; without this its
//! few records would cost every segment in between.
//!
//! # Steps
//!
//! 1. The checkpoint that covers the segments is durable: it says what is finished.
//! 2. What is not is copied, with its numbers and times, into a temporary file, and after it one
//!    frame with every acknowledgement that the segments held, and with the accounts as they stood
//!    at their end: without the checkpoint, the log must still tell what was finished.
//! 3. The file is synced and renamed over the first of the segments. Its header names the last one
//!    that it stands for, so what is left of the others means nothing from here on.
//! 4. The directory is synced, and the others are unlinked.
//!
//! An end of the process between any two of them leaves the log as it was before or after. A
//! segment that is not whole, or that the disk does not give back, is left as it is, and only it:
//! what is corrupt in it was not seen yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use tracing::debug;
use uuid::Uuid;

use super::{
    checkpoint::Checkpoint,
    disk::{Disk, write_all_at},
    entry::{Ack, Amount},
    frame::{Draft, Frame, RECORD, Seed},
    ledger::{Ledger, replay},
    log::Segment,
    runs::Runs,
    scan::{Scan, Step},
    segment::{Header, Layout, PAGE},
};
use crate::failpoint;

/// So many segments at once, since checkpoints wait meanwhile.
const SEGMENTS_MAX: usize = 8;
/// A record that has moved is found by its number: that should not mean to read much.
const FRAME_BYTES: usize = 64 << 10;
/// What a copied record takes beside its body, with one lane.
const COPIED: u64 = RECORD as u64 + 20;
/// An account without its runs, roughly.
const ACCOUNT: u64 = 128;

/// Segments to make one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merge {
    /// Adjacent, ascending, not empty.
    pub(super) segments: Vec<u64>,
    /// The first sequence number of the segment after them.
    pub(super) end_seq: u64,
}

/// What came of a merge.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) first: u64,
    pub(super) through: u64,
    pub(super) bytes: u64,
}

/// A sealed segment that may be merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) id: u64,
    pub(super) segment: Segment,
    /// The first sequence number of the segment after it.
    pub(super) end_seq: u64,
    pub(super) live: Amount,
}

/// Chooses the oldest adjacent segments that would become at most half as large, if there are any.
pub(super) fn choose(
    candidates: impl Iterator<Item = Candidate>,
    lanes: usize,
    segment_bytes: u64,
) -> Option<Merge> {
    let accounts = (2 * PAGE + lanes as u64 * ACCOUNT).next_multiple_of(PAGE);
    let mut run = Run::default();
    for candidate in candidates {
        let Candidate { segment, live, .. } = candidate;
        let fixed = segment.fixed.max(accounts);
        let sparse = (copied(live) + fixed).saturating_mul(4) < segment.bytes;
        let small = segment.bytes.saturating_mul(4) < segment_bytes;
        let fits = run.segments.len() < SEGMENTS_MAX && run.left() + copied(live) <= segment_bytes;
        let fits = fits && segment.whole;
        if !fits || !(sparse || small) {
            if run.is_worth_it() {
                break;
            }
            run = Run::default();
        }
        if segment.whole && (sparse || small) {
            run.add(candidate, fixed);
        }
    }
    run.is_worth_it().then_some(Merge { segments: run.segments, end_seq: run.end_seq })
}

/// What records take once they are copied, padding included.
pub(super) fn copied(live: Amount) -> u64 {
    let bytes = live.bytes + live.records * COPIED;
    bytes + bytes / 16
}

#[derive(Debug, Default)]
struct Run {
    segments: Vec<u64>,
    bytes: u64,
    copied: u64,
    /// The one segment will have one header and one set of accounts.
    fixed: u64,
    end_seq: u64,
}

impl Run {
    fn add(&mut self, candidate: Candidate, fixed: u64) {
        self.segments.push(candidate.id);
        self.bytes += candidate.segment.bytes;
        self.copied += copied(candidate.live);
        self.fixed = self.fixed.max(fixed);
        self.end_seq = candidate.end_seq;
    }

    fn left(&self) -> u64 {
        self.copied + self.fixed
    }

    fn is_worth_it(&self) -> bool {
        self.bytes > 0 && self.left().saturating_mul(2) <= self.bytes
    }
}

/// The files of one merge.
#[derive(Debug)]
pub(super) struct Compaction<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) layout: &'a Layout,
    pub(super) checkpoint: &'a Checkpoint,
}

/// Why nothing was merged.
#[derive(Debug)]
pub(super) enum CompactError {
    /// All is as it was.
    Refused(io::Error),
    /// All is as it was, and will be while this segment is among those to merge.
    Illegible { segment: u64, source: io::Error },
    /// Nobody knows which of the two the name stands for after a power cut.
    Fatal(io::Error),
}

impl Compaction<'_> {
    /// Writes the merged segment and puts it in the place of the first. The others may then be
    /// unlinked.
    pub(super) fn run(&self, merge: &Merge) -> Result<Merged, CompactError> {
        let (Some(&first), Some(&last)) = (merge.segments.first(), merge.segments.last()) else {
            return Err(refused(io::ErrorKind::InvalidInput));
        };
        let temporary = self.layout.temporary(first);
        let written = self.write(merge, first).inspect_err(|_| {
            // Nobody reads it; the next start removes what is left of it.
            drop(self.disk.remove(&temporary));
        });
        let (through, bytes) = written?;
        let path = self.layout.segment(first);
        failpoint::here("journal::compact");
        self.disk.rename(&temporary, &path).map_err(CompactError::Refused)?;
        self.disk.sync_directory(&self.layout.segments()).map_err(CompactError::Fatal)?;
        failpoint::here("journal::compacted");
        debug!(first, last, through, bytes, "segments merged");
        Ok(Merged { first, through, bytes })
    }

    /// The last segment that the new file stands for, and its length.
    fn write(&self, merge: &Merge, first: u64) -> Result<(u64, u64), CompactError> {
        let journal = self.checkpoint.journal;
        let headers: Vec<Header> =
            merge.segments.iter().map(|&id| self.header(id, journal)).collect::<Result<_, _>>()?;
        let (Some(head), Some(tail)) = (headers.first(), headers.last()) else {
            return Err(refused(io::ErrorKind::InvalidInput));
        };
        let header = Header {
            through: tail.through,
            generation: headers.iter().map(|it| it.generation).max().unwrap_or(0) + 1,
            end_seq: merge.end_seq,
            ..*head
        };
        let temporary = self.layout.temporary(first);
        match self.disk.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let file = self.disk.create(&temporary)?;
        write_all_at(self.disk, &file, &header.encode(), 0)?;
        let mut copy = Copy {
            seed: Seed::new(journal, first),
            lanes: &self.checkpoint.lanes,
            segments: &merge.segments,
            draft: None,
            accounts: BTreeMap::new(),
            runs: BTreeMap::new(),
            time: header.time,
        };
        let mut offset = PAGE;
        for &id in &merge.segments {
            self.frames(id, |frame| {
                let bytes = copy.frame(frame, id);
                write_all_at(self.disk, &file, &bytes, offset)?;
                offset += bytes.len() as u64;
                Ok(())
            })?;
        }
        let bytes = copy.finish(merge.end_seq);
        write_all_at(self.disk, &file, &bytes, offset)?;
        self.disk.sync(&file)?;
        Ok((header.through, offset + bytes.len() as u64))
    }

    fn header(&self, id: u64, journal: Uuid) -> Result<Header, CompactError> {
        let read = || Header::read(&std::fs::File::open(self.layout.segment(id))?);
        let header = read().map_err(|source| illegible(id, source))?;
        let header = header.filter(|it| it.segment == id && it.journal == journal);
        header.ok_or_else(|| illegible(id, io::ErrorKind::InvalidData.into()))
    }

    /// Every frame of a segment, which must be whole.
    fn frames(
        &self,
        id: u64,
        mut each: impl FnMut(&Frame) -> io::Result<()>,
    ) -> Result<(), CompactError> {
        let failed = |source| illegible(id, source);
        let mut scan = Scan::open(self.layout, self.checkpoint.journal, id).map_err(failed)?;
        let (mut offset, length) = (PAGE, scan.length().map_err(failed)?);
        loop {
            match scan.step(offset, length).map_err(failed)? {
                Step::Frame(frame) => {
                    each(&frame)?;
                    offset += frame.size();
                }
                Step::End => return Ok(()),
                Step::Invalid | Step::Future(_) => {
                    return Err(failed(io::ErrorKind::InvalidData.into()));
                }
            }
        }
    }
}

impl From<io::Error> for CompactError {
    fn from(error: io::Error) -> Self {
        Self::Refused(error)
    }
}

fn refused(kind: io::ErrorKind) -> CompactError {
    CompactError::Refused(kind.into())
}

/// Whatever it is, it keeps no other segments from being merged.
fn illegible(segment: u64, source: io::Error) -> CompactError {
    CompactError::Illegible { segment, source }
}

/// What goes into the new segment.
struct Copy<'a> {
    seed: Seed,
    /// What is finished, by the durable checkpoint.
    lanes: &'a BTreeMap<u32, Ledger>,
    segments: &'a [u64],
    draft: Option<Draft>,
    /// As they stand at the end of what was read.
    accounts: BTreeMap<u32, Ledger>,
    runs: BTreeMap<u32, Runs>,
    time: i64,
}

impl Copy<'_> {
    /// Takes over what a frame says; the bytes are those of frames that are full.
    fn frame(&mut self, frame: &Frame, segment: u64) -> Vec<u8> {
        let holder = |other| self.segments.iter().rev().copied().find(|&id| id <= other);
        replay(&mut self.accounts, frame, segment, holder);
        self.time = self.time.max(frame.time());
        for (lane, ack) in frame.acks() {
            self.runs.entry(lane).or_default().extend(&ack.runs);
        }
        let mut full = Vec::new();
        for record in frame.records() {
            let live = |lane| self.lanes.get(&lane).is_none_or(|it| !it.done.contains(record.seq));
            if !record.lanes().any(live) {
                continue;
            }
            let draft = self.draft.get_or_insert_with(|| Draft::moved(record.seq, record.time));
            draft.copy(&record);
            if draft.len() >= FRAME_BYTES {
                full.extend(
                    self.draft.take().map(|draft| draft.seal(self.seed)).into_iter().flatten(),
                );
            }
        }
        full
    }

    fn finish(mut self, end_seq: u64) -> Vec<u8> {
        let mut bytes = self.draft.take().map(|it| it.seal(self.seed)).unwrap_or_default();
        let mut last = Draft::moved(end_seq, self.time);
        for (&lane, account) in &mut self.accounts {
            let unfinished = self.lanes.get(&lane).map(|it| &it.released);
            let none = BTreeSet::new();
            account.released.retain(|seq| unfinished.unwrap_or(&none).contains(seq));
            last.declare(&account.declaration(lane));
        }
        for (&lane, runs) in &self.runs {
            last.acknowledge(lane, &Ack { runs: runs.clone(), ..Ack::default() });
        }
        bytes.extend(last.seal(self.seed));
        bytes
    }
}
