//! Reads the frames of one segment, forwards, through a window.
//!
//! Never returns a frame whose CRC is wrong, and never looks past the end that it is given.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    frame::{self, Frame, HEADER, Parsed, Seed},
    segment::{Header, Layout, PAGE},
};

/// What one read asks the disk for; a larger frame is read whole.
const WINDOW: u64 = 256 * 1024;

/// The frames of a segment.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) segment: u64,
    /// The last segment that the file stands for.
    pub(super) through: u64,
    /// How many compactions the file has been through: a place in another one says nothing here.
    pub(super) generation: u32,
    file: File,
    seed: Seed,
    start: u64,
    window: Bytes,
}

/// What stands at an offset.
#[derive(Debug)]
pub(super) enum Step {
    Frame(Frame),
    Invalid,
    Future(u16),
    End,
}

impl Scan {
    pub(super) fn open(layout: &Layout, journal: Uuid, segment: u64) -> io::Result<Self> {
        let file = File::open(layout.segment(segment))?;
        let seed = Seed::new(journal, segment);
        let header = Header::read(&file)?.filter(|header| header.segment == segment);
        let (through, generation) =
            header.map_or((segment, 0), |header| (header.through, header.generation));
        Ok(Self { segment, through, generation, file, seed, start: 0, window: Bytes::new() })
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Whether the frame at the offset can be had without asking the disk.
    pub(super) fn holds(&self, offset: u64) -> bool {
        let header = self.peek(offset, HEADER as u64);
        let length = header.as_deref().and_then(frame::claimed_length);
        length.is_some_and(|length| self.peek(offset, length).is_some())
    }

    pub(super) fn step(&mut self, offset: u64, end: u64) -> io::Result<Step> {
        if offset >= end {
            return Ok(Step::End);
        }
        let Some(header) = self.bytes(offset, HEADER as u64, end)? else {
            return Ok(Step::Invalid);
        };
        let Some(length) = frame::claimed_length(&header) else { return Ok(Step::Invalid) };
        let Some(bytes) = self.bytes(offset, length, end)? else { return Ok(Step::Invalid) };
        Ok(match Frame::parse(bytes, self.seed) {
            Parsed::Valid(frame) => Step::Frame(frame),
            Parsed::Invalid => Step::Invalid,
            Parsed::Future(version) => Step::Future(version),
        })
    }

    /// The next valid frame after a place where there was none, if one that follows `seq` is left.
    pub(super) fn resync(&mut self, offset: u64, end: u64, seq: u64) -> io::Result<Option<u64>> {
        let mut offset = offset + PAGE;
        while offset < end {
            match self.step(offset, end)? {
                Step::Frame(frame) if frame.first_seq() >= seq => return Ok(Some(offset)),
                _ => offset += PAGE,
            }
        }
        Ok(None)
    }

    /// The numbers that the frame here says it holds, and what it takes: without reading it.
    pub(super) fn peep(&self, offset: u64) -> io::Result<Option<(Range<u64>, u64)>> {
        let header = read_up_to(&self.file, offset, (HEADER as u64, HEADER as u64))?;
        Ok(frame::claimed_seqs(&header))
    }

    /// Bytes of the segment; `None` if they would pass the end.
    fn bytes(&mut self, offset: u64, length: u64, end: u64) -> io::Result<Option<Bytes>> {
        if offset.checked_add(length).is_none_or(|stop| stop > end) {
            return Ok(None);
        }
        if self.peek(offset, length).is_none() {
            let wanted = length.max(WINDOW).min(end - offset);
            let window = read_up_to(&self.file, offset, (length, wanted))?;
            (self.start, self.window) = (offset, window.into());
        }
        Ok(self.peek(offset, length))
    }

    /// The journal that the segment's frames belong to, if any frame is whole.
    pub(super) fn find_journal(layout: &Layout, segment: u64) -> io::Result<Option<Uuid>> {
        let file = File::open(layout.segment(segment))?;
        let length = file.metadata()?.len();
        let mut offset = PAGE;
        while offset < length {
            let header = read_up_to(&file, offset, (HEADER as u64, HEADER as u64))?;
            if let Some(journal) = frame::claimed_journal(&header)
                && let Step::Frame(_) =
                    Self::open(layout, journal, segment)?.step(offset, length)?
            {
                return Ok(Some(journal));
            }
            offset += PAGE;
        }
        Ok(None)
    }

    fn peek(&self, offset: u64, length: u64) -> Option<Bytes> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(usize::try_from(length).ok()?)?;
        (to <= self.window.len()).then(|| self.window.slice(from..to))
    }
}

/// The padding of a torn frame can be missing, so a file may end before its log does. A sector that
/// cannot be read costs only what needs it, not all that would have been read with it.
fn read_up_to(file: &File, mut offset: u64, (needed, wanted): (u64, u64)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(wanted).map_err(io::Error::other)?];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset) {
            Ok(0) => break,
            Ok(read) => {
                filled += read;
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if filled as u64 >= needed => break,
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
