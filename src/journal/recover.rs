//! Recovery: from a directory after any end of the process, to accounts and a log that can grow.
//!
//! Reads only what follows the checkpoint. Never refuses a log because bytes in it are corrupt:
//! they are copied aside, reported, and skipped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::OpenOptions,
    io,
    ops::Range,
    path::PathBuf,
};

use uuid::Uuid;

use super::{
    checkpoint::Checkpoint,
    disk::Disk,
    entry::Amount,
    frame::Frame,
    ledger::{Ledger, replay},
    log::{Segment, holder},
    open::OpenError,
    recent::Recent,
    runs::Runs,
    scan::{Scan, Step},
    segment::{Header, Layout, PAGE, Place},
};

/// What recovery found, for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records after the checkpoint.
    pub records: u64,
    /// Bytes that were read to find them.
    pub bytes_scanned: u64,
    /// Bytes of an unfinished, never acknowledged write that were cut off.
    pub torn_bytes: u64,
    /// Once durable bytes that are no longer valid; their copies are in `corrupt/`, except where
    /// the log says that a copy failed.
    pub corrupt: Vec<CorruptRegion>,
    /// Records that are neither in the log nor were acknowledged.
    pub missing: u64,
    /// Whether there was a checkpoint to start from.
    pub checkpoint: CheckpointFound,
    /// Whether the dead letters are those that the log tells of.
    pub dead_letters: DeadLettersFound,
}

/// Whether the dead letters are those that the log tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLettersFound {
    /// The file was corrupt, and where it was moved.
    pub moved_to: Option<PathBuf>,
    /// Dead letters that are not there; the books count them as lost.
    pub missing: u64,
    /// Dead letters that the log does not tell of, such as those of a file that was put back.
    pub unknown: u64,
}

/// Bytes that once were durable and are no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorruptRegion {
    /// The number of the segment.
    pub segment: u64,
    /// Where in the segment.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
}

/// Whether there was a checkpoint to start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CheckpointFound {
    /// None was needed: the journal is new, or has none yet.
    #[default]
    None,
    /// Recovery began there.
    Valid,
    /// It was unusable: the log was read whole, and some records may be delivered again.
    Lost {
        /// Where the file that held it was moved.
        moved_to: Option<PathBuf>,
    },
}

impl fmt::Display for CheckpointFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("not needed"),
            Self::Valid => f.write_str("valid"),
            Self::Lost { moved_to: None } => f.write_str("lost"),
            Self::Lost { moved_to: Some(file) } => write!(f, "lost, kept as {}", file.display()),
        }
    }
}

/// The accounts and the log after recovery.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) journal: Uuid,
    pub(super) lanes: BTreeMap<u32, Ledger>,
    pub(super) next_seq: u64,
    /// Of the last commit, in microseconds since 1970.
    pub(super) time: i64,
    pub(super) segments: BTreeMap<u64, Segment>,
    pub(super) end: Place,
    /// The last segment can take no more frames.
    pub(super) sealed: bool,
    /// The ids that were accepted lately, if they matter.
    pub(super) recent: Option<Recent>,
    pub(super) report: Recovery,
}

pub(super) fn recover(
    layout: &Layout,
    disk: &dyn Disk,
    (checkpoint, mut recent): (Option<Checkpoint>, Option<Recent>),
) -> Result<Recovered, OpenError> {
    remove_temporary(layout, disk)?;
    let ids = layout.list().map_err(|source| read_error(layout, 0, source))?;
    let mut headers = headers(layout, &ids)?;
    remove_covered(layout, disk, &mut headers)?;
    let ids: Vec<u64> = headers.keys().copied().collect();
    let written_by = match headers.values().flatten().next() {
        Some(header) => Some(header.journal),
        None => journal_of_frames(layout, &ids)?,
    };
    let had_checkpoint = checkpoint.is_some();
    let checkpoint = checkpoint.filter(|checkpoint| {
        written_by.is_none_or(|id| id == checkpoint.journal)
            // What it says to read on from was still being written, so it cannot have been merged.
            && !is_merged(&headers, checkpoint.replay.segment)
    });
    if checkpoint.is_none() {
        recent.iter_mut().for_each(Recent::clear);
    }
    let mut recovery = Replay::new(layout, written_by, checkpoint);
    recovery.recovered.recent = recent;
    recovery.settle(&headers);
    if recovery.recovered.report.checkpoint == CheckpointFound::None && had_checkpoint {
        recovery.recovered.report.checkpoint = CheckpointFound::Lost { moved_to: None };
    }
    for (&id, header) in &headers {
        recovery.segment(id, header.as_ref()).map_err(|error| error.at(layout, id))?;
    }
    recovery.finish(disk, &ids)
}

/// What a compaction had not finished.
fn remove_temporary(layout: &Layout, disk: &dyn Disk) -> Result<(), OpenError> {
    let listed = layout.list_temporary().map_err(|source| read_error(layout, 0, source))?;
    for path in listed {
        disk.remove(&path).map_err(|source| OpenError::Write { path, source })?;
    }
    Ok(())
}

/// What a compaction had finished with.
fn remove_covered(
    layout: &Layout,
    disk: &dyn Disk,
    headers: &mut BTreeMap<u64, Option<Header>>,
) -> Result<(), OpenError> {
    let mut through = 0;
    let mut covered = Vec::new();
    for (&id, header) in &*headers {
        if id <= through {
            covered.push(id);
        } else if let Some(header) = header {
            through = through.max(header.through);
        }
    }
    for id in covered {
        let path = layout.segment(id);
        disk.remove(&path).map_err(|source| OpenError::Write { path, source })?;
        headers.remove(&id);
    }
    Ok(())
}

fn is_merged(headers: &BTreeMap<u64, Option<Header>>, segment: u64) -> bool {
    let before = headers.range(..=segment).next_back();
    let header = before.and_then(|(_, header)| header.as_ref());
    header.is_some_and(|header| header.generation > 0 && segment <= header.through)
}

/// Without any header, and perhaps without a checkpoint, the frames still say whose they are.
fn journal_of_frames(layout: &Layout, ids: &[u64]) -> Result<Option<Uuid>, OpenError> {
    for &id in ids {
        let found =
            Scan::find_journal(layout, id).map_err(|source| read_error(layout, id, source))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn headers(layout: &Layout, ids: &[u64]) -> Result<BTreeMap<u64, Option<Header>>, OpenError> {
    let mut headers = BTreeMap::new();
    for &id in ids {
        let path = layout.segment(id);
        let header = std::fs::File::open(&path)
            .and_then(|file| Header::read(&file))
            .map_err(|source| read_error(layout, id, source))?
            .filter(|header| header.segment == id);
        if let Some(Header { version, .. }) = header
            && version != super::frame::VERSION
        {
            return Err(OpenError::Version { path, version });
        }
        headers.insert(id, header);
    }
    Ok(headers)
}

/// What can end a scan.
enum ScanError {
    Io(io::Error),
    Version(u16),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ScanError {
    fn at(self, layout: &Layout, segment: u64) -> OpenError {
        match self {
            Self::Io(source) => read_error(layout, segment, source),
            Self::Version(version) => OpenError::Version { path: layout.segment(segment), version },
        }
    }
}

fn read_error(layout: &Layout, segment: u64, source: io::Error) -> OpenError {
    OpenError::Read { path: layout.segment(segment), source }
}

struct Replay<'a> {
    layout: &'a Layout,
    /// Nothing before it is read.
    start: Place,
    /// Before the first frame of a log without a checkpoint any number is the next one.
    counted: bool,
    /// Invalid so far: torn if nothing valid follows, else corrupt.
    suspects: Vec<(u64, Range<u64>)>,
    recovered: Recovered,
}

impl<'a> Replay<'a> {
    fn new(layout: &'a Layout, journal: Option<Uuid>, checkpoint: Option<Checkpoint>) -> Self {
        let mut recovered = Recovered {
            journal: journal.unwrap_or_else(Uuid::new_v4),
            lanes: BTreeMap::new(),
            next_seq: 0,
            time: 0,
            segments: BTreeMap::new(),
            end: Place::default(),
            sealed: true,
            recent: None,
            report: Recovery::default(),
        };
        let (mut start, counted) = (Place::default(), checkpoint.is_some());
        if let Some(checkpoint) = checkpoint {
            recovered.journal = checkpoint.journal;
            recovered.lanes = checkpoint.lanes;
            recovered.next_seq = checkpoint.next_seq;
            recovered.time = checkpoint.time;
            recovered.end = checkpoint.replay;
            recovered.report.checkpoint = CheckpointFound::Valid;
            start = checkpoint.replay;
        }
        Self { layout, start, counted, suspects: Vec::new(), recovered }
    }

    /// Finds what the checkpoint calls live in the segments that there are.
    fn settle(&mut self, headers: &BTreeMap<u64, Option<Header>>) {
        let through = |id: u64, header: &Option<Header>| header.map_or(id, |it| it.through);
        let holder = |segment: u64| {
            let before = headers.range(..=segment).next_back();
            before.filter(|(id, header)| segment <= through(**id, header)).map(|(&id, _)| id)
        };
        self.recovered.lanes.values_mut().for_each(|ledger| ledger.settle_in(holder));
    }

    fn segment(&mut self, id: u64, header: Option<&Header>) -> Result<(), ScanError> {
        let mut scan = Scan::open(self.layout, self.recovered.journal, id)?;
        let length = scan.length()?;
        let header = header.filter(|header| header.journal == self.recovered.journal);
        let first_seq = match header {
            Some(header) => header.first_seq,
            None => self.first_seq_without_header(&mut scan, length)?,
        };
        let time = header.map_or(self.recovered.time, |header| header.time);
        let through = header.map_or(id, |header| header.through);
        self.recovered.time = self.recovered.time.max(time);
        let segment = Segment { first_seq, bytes: length, time, through, fixed: 0, whole: true };
        self.recovered.segments.insert(id, segment);
        if id < self.start.segment {
            return Ok(());
        }
        let mut offset = if id == self.start.segment { self.start.offset } else { 0 };
        if offset == 0 {
            offset = PAGE.min(length);
            if header.is_some() {
                // Its header was written only after everything before it was durable.
                self.condemn();
                self.advance(first_seq);
            } else {
                self.suspects.push((id, 0..offset));
            }
        }
        self.recovered.end = Place { segment: id, offset };
        self.recovered.sealed = header.is_none();
        self.frames(&mut scan, offset, length)
    }

    fn first_seq_without_header(&self, scan: &mut Scan, length: u64) -> Result<u64, ScanError> {
        if let Some(offset) = scan.resync(0, length, 0)?
            && let Step::Frame(frame) = scan.step(offset, length)?
        {
            return Ok(frame.first_seq());
        }
        let before = self.recovered.segments.last_key_value();
        Ok(before.map_or(self.recovered.next_seq, |(_, segment)| segment.first_seq))
    }

    fn frames(&mut self, scan: &mut Scan, mut offset: u64, length: u64) -> Result<(), ScanError> {
        let from = offset;
        while offset < length {
            match scan.step(offset, length)? {
                Step::Frame(frame) if frame.first_seq() >= self.recovered.next_seq => {
                    self.condemn();
                    self.frame(&frame, scan.segment);
                    offset += frame.size();
                    self.recovered.end = Place { segment: scan.segment, offset };
                }
                Step::Frame(_) | Step::Invalid => {
                    let next = scan.resync(offset, length, self.recovered.next_seq)?;
                    let stop = next.unwrap_or(length);
                    self.suspects.push((scan.segment, offset..stop));
                    offset = stop;
                }
                Step::Future(version) => return Err(ScanError::Version(version)),
                Step::End => break,
            }
        }
        self.recovered.report.bytes_scanned += length.saturating_sub(from);
        Ok(())
    }

    fn frame(&mut self, frame: &Frame, segment: u64) {
        if frame.is_moved() {
            // The numbers between are finished.
            self.counted = true;
        } else {
            self.advance(frame.first_seq());
        }
        let recovered = &mut self.recovered;
        recovered.next_seq = frame.end_seq();
        recovered.time = recovered.time.max(frame.time());
        recovered.report.records += frame.count();
        let segments = &recovered.segments;
        replay(&mut recovered.lanes, frame, segment, |segment| holder(segments, segment));
        if let Some(recent) = &mut recovered.recent {
            for record in frame.records().filter(|record| record.id != 0) {
                recent.add(record.id, record.time);
            }
        }
    }

    /// The next record has this number or, in a segment out of order, a later one.
    fn advance(&mut self, seq: u64) {
        let missing = seq.saturating_sub(self.recovered.next_seq);
        if self.counted {
            self.recovered.report.missing += missing;
        }
        self.counted = true;
        self.recovered.next_seq += missing;
    }

    /// Something valid follows, so the suspects once were durable.
    fn condemn(&mut self) {
        let regions = self.suspects.drain(..).map(|(segment, range)| CorruptRegion {
            segment,
            offset: range.start,
            bytes: range.end - range.start,
        });
        self.recovered.report.corrupt.extend(regions);
    }

    fn finish(mut self, disk: &dyn Disk, ids: &[u64]) -> Result<Recovered, OpenError> {
        for region in &self.recovered.report.corrupt {
            let from = Place { segment: region.segment, offset: region.offset };
            self.layout.keep_corrupt(from, region.bytes);
        }
        self.cut(disk)?;
        let last = self.recovered.end.segment;
        self.recovered.sealed |=
            self.recovered.report.corrupt.iter().any(|region| region.segment == last)
                || !self.recovered.segments.contains_key(&last);
        self.sync_last(disk)?;
        // No segment may get a number that a merged one stands for.
        let segment = self.recovered.segments.get(&last).filter(|it| it.through > last);
        if let Some(merged) = segment {
            self.recovered.end = Place { segment: merged.through, offset: PAGE };
            self.recovered.sealed = true;
        }
        let whole = self.recovered.report.checkpoint == CheckpointFound::Valid
            && self.recovered.report.corrupt.is_empty()
            && self.recovered.report.missing == 0;
        if !whole && !ids.is_empty() {
            self.recount()?;
        }
        Ok(self.recovered)
    }

    /// Takes the torn tail away.
    fn cut(&mut self, disk: &dyn Disk) -> Result<(), OpenError> {
        let suspects = std::mem::take(&mut self.suspects);
        for (segment, range) in suspects.into_iter().rev() {
            self.recovered.report.torn_bytes += range.end - range.start;
            let path = self.layout.segment(segment);
            let failed = |source| OpenError::Write { path: path.clone(), source };
            if range.start > 0 {
                let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
                disk.truncate(&file, range.start).map_err(failed)?;
                if let Some(segment) = self.recovered.segments.get_mut(&segment) {
                    segment.bytes = range.start;
                }
            } else {
                disk.remove(&path).map_err(failed)?;
                self.recovered.segments.remove(&segment);
            }
            // The end never lies in what was cut: back to the last byte that is left.
            if self.recovered.end.segment == segment && range.start == 0 {
                let left = self.recovered.segments.last_key_value();
                self.recovered.end =
                    left.map_or(Place { segment: segment - 1, offset: 0 }, |left| Place {
                        segment: *left.0,
                        offset: left.1.bytes.next_multiple_of(PAGE),
                    });
                self.recovered.sealed = true;
            }
        }
        Ok(())
    }

    /// A killed process leaves bytes that are readable and not yet durable; no fsync of a later
    /// segment would cover them.
    fn sync_last(&self, disk: &dyn Disk) -> Result<(), OpenError> {
        let last = self.recovered.end.segment;
        let directory = self.layout.segments();
        disk.sync_directory(&directory)
            .map_err(|source| OpenError::Write { path: directory, source })?;
        if !self.recovered.segments.contains_key(&last) {
            return Ok(());
        }
        let path = self.layout.segment(last);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| disk.sync(&file))
            .map_err(|source| OpenError::Write { path, source })
    }

    /// The exact accounts, from the log alone: what is missing cannot be counted by difference.
    fn recount(&mut self) -> Result<(), OpenError> {
        let mut pending = Pending::new();
        for &id in self.recovered.segments.keys() {
            let failed = |source| read_error(self.layout, id, source);
            let mut scan = Scan::open(self.layout, self.recovered.journal, id).map_err(failed)?;
            let (mut offset, length) = (PAGE, scan.length().map_err(failed)?);
            while offset < length {
                let Step::Frame(frame) = scan.step(offset, length).map_err(failed)? else {
                    offset += PAGE;
                    continue;
                };
                offset += frame.size();
                count_pending(&frame, id, &self.recovered.lanes, &mut pending);
            }
        }
        for (id, ledger) in &mut self.recovered.lanes {
            let (lowest, live) = pending.remove(id).unwrap_or((ledger.end, BTreeMap::new()));
            ledger.done.extend(&Runs::below(lowest));
            ledger.recount(live);
        }
        Ok(())
    }
}

/// Of each lane, the lowest pending number, and what is pending in which segment.
type Pending = BTreeMap<u32, (u64, BTreeMap<u64, Amount>)>;

/// Counts what a frame adds to each lane.
fn count_pending(
    frame: &Frame,
    segment: u64,
    lanes: &BTreeMap<u32, Ledger>,
    pending: &mut Pending,
) {
    for record in frame.records() {
        for id in record.distinct_lanes() {
            if lanes.get(&id).is_some_and(|lane| !lane.done.contains(record.seq)) {
                let (_, live) = pending.entry(id).or_insert((record.seq, BTreeMap::new()));
                live.entry(segment).or_default().add(record.amount());
            }
        }
    }
}

/// Lanes by number, without gaps.
pub(super) fn dense(mut lanes: BTreeMap<u32, Ledger>) -> Vec<Ledger> {
    let count = lanes.last_key_value().map_or(0, |(&id, _)| id + 1);
    let known: BTreeSet<u32> = (0..count).collect();
    known
        .into_iter()
        .map(|id| lanes.remove(&id).unwrap_or_else(|| Ledger::new(format!("lane-{id}").into())))
        .collect()
}
