//! A frame: one group commit as bytes. The drawing is in the stage's module doc.
//!
//! Invariant: a frame that parses is the one that was written, to this segment of this journal:
//! its CRC is seeded with both. Reads never panic, whatever the bytes.

use bytes::Bytes;
use uuid::Uuid;

use super::{runs::Runs, segment::PAGE_BYTES};

/// The version of the format that this program writes, and the only one that it reads.
pub(super) const VERSION: u16 = 1;
/// The length of a frame's header.
pub(super) const HEADER: usize = 56;
const MAGIC: u32 = u32::from_le_bytes(*b"FfFr");
/// Where the CRC stands; it covers the bytes before and after itself.
const CRC_AT: usize = 12;

/// What the CRCs of one segment start from, so that bytes of another can never pass for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed {
    journal: Uuid,
    crc: u32,
}

impl Seed {
    pub(super) fn new(journal: Uuid, segment: u64) -> Self {
        let crc = crc32c::crc32c(journal.as_bytes());
        Self { journal, crc: crc32c::crc32c_append(crc, &segment.to_le_bytes()) }
    }

    fn crc(self, frame: &[u8]) -> Option<u32> {
        let crc = crc32c::crc32c_append(self.crc, frame.get(..CRC_AT)?);
        Some(crc32c::crc32c_append(crc, frame.get(CRC_AT + 4..)?))
    }
}

/// A record as it is stored: lanes by number.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) lanes: Vec<u32>,
    pub(super) body: Bytes,
}

/// What a lane has finished: how many of its records, and the runs of sequence numbers in which
/// every record of the lane is now acknowledged. Runs span the records of other lanes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) count: u64,
    pub(super) runs: Runs,
}

/// Writes one frame into a buffer, section by section, in the order of the methods.
#[derive(Debug)]
pub(super) struct Draft {
    bytes: Vec<u8>,
    first_seq: u64,
    lanes: u32,
    acks: u32,
    records: u32,
}

impl Draft {
    pub(super) fn new(first_seq: u64, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(HEADER, 0);
        Self { bytes: buffer, first_seq, lanes: 0, acks: 0, records: 0 }
    }

    pub(super) fn declare(&mut self, id: u32, name: &str) {
        self.put_u32(id);
        self.put_u32(length(name.len()));
        self.bytes.extend_from_slice(name.as_bytes());
        self.lanes += 1;
    }

    pub(super) fn acknowledge(&mut self, lane: u32, ack: &Ack) {
        self.put_u32(lane);
        self.put_u32(length(ack.runs.iter().len()));
        self.put_u64(ack.count);
        for run in ack.runs.iter() {
            self.put_u64(run.start);
            self.put_u64(run.end);
        }
        self.acks += 1;
    }

    pub(super) fn record(&mut self, record: &Stored) {
        self.put_u32(length(record.lanes.len()));
        self.put_u32(length(record.body.len()));
        for &lane in &record.lanes {
            self.put_u32(lane);
        }
        self.bytes.extend_from_slice(&record.body);
        self.records += 1;
    }

    /// Fills in the header and pads to whole pages.
    pub(super) fn seal(mut self, seed: Seed) -> Vec<u8> {
        let payload = length(self.bytes.len() - HEADER);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC.to_le_bytes());
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&[0; 2]);
        header.extend_from_slice(&payload.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&self.first_seq.to_le_bytes());
        for count in [self.lanes, self.acks, self.records, 0] {
            header.extend_from_slice(&count.to_le_bytes());
        }
        header.extend_from_slice(seed.journal.as_bytes());
        self.bytes.splice(..HEADER, header);
        let crc = seed.crc(&self.bytes).expect("the header is there");
        self.bytes.splice(CRC_AT..CRC_AT + 4, crc.to_le_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(PAGE_BYTES), 0);
        self.bytes
    }

    fn put_u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("one append is at most 1 GiB")
}

/// What stands at a place where a frame could begin.
#[derive(Debug)]
pub(super) enum Parsed {
    Valid(Frame),
    Invalid,
    /// Written by a later program; its CRC is right.
    Future(u16),
}

/// A frame whose CRC was right.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    bytes: Bytes,
    first_seq: u64,
    lanes: u32,
    acks: u32,
    records: u32,
}

/// A place between two records of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    at: usize,
    seq: u64,
    left: u32,
}

/// A record, borrowed from its frame.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) seq: u64,
    lanes: &'a [u8],
    pub(super) body: &'a [u8],
    /// Where the body begins in the frame.
    pub(super) at: usize,
}

/// The bytes of a frame without its padding, if these could be the header of one.
pub(super) fn claimed_length(header: &[u8]) -> Option<u64> {
    let mut cut = Cut { bytes: header, at: 0 };
    if cut.u32()? != MAGIC {
        return None;
    }
    cut.u32()?;
    Some(u64::from(cut.u32()?) + HEADER as u64)
}

/// The journal that a frame with this header says it belongs to.
pub(super) fn claimed_journal(header: &[u8]) -> Option<Uuid> {
    claimed_length(header)?;
    let (_, journal) = header.get(..HEADER)?.split_last_chunk()?;
    Some(Uuid::from_bytes(*journal))
}

impl Frame {
    /// Reads exactly one frame, without its padding.
    pub(super) fn parse(bytes: Bytes, seed: Seed) -> Parsed {
        Self::read(bytes, seed).unwrap_or(Parsed::Invalid)
    }

    fn read(bytes: Bytes, seed: Seed) -> Option<Parsed> {
        let mut cut = Cut { bytes: &bytes, at: 0 };
        let (magic, version, _) = (cut.u32()?, cut.u16()?, cut.u16()?);
        let (_payload, crc) = (cut.u32()?, cut.u32()?);
        if magic != MAGIC || seed.crc(&bytes)? != crc {
            return None;
        }
        if version != VERSION {
            return Some(Parsed::Future(version));
        }
        let first_seq = cut.u64()?;
        let (lanes, acks, records) = (cut.u32()?, cut.u32()?, cut.u32()?);
        Some(Parsed::Valid(Self { bytes, first_seq, lanes, acks, records }))
    }

    pub(super) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// The sequence number after its last record.
    pub(super) fn end_seq(&self) -> u64 {
        self.first_seq + u64::from(self.records)
    }

    /// What it takes in the segment.
    pub(super) fn size(&self) -> u64 {
        self.bytes.len().next_multiple_of(PAGE_BYTES) as u64
    }

    pub(super) fn declared(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut cut = Cut { bytes: &self.bytes, at: HEADER };
        (0..self.lanes).map_while(move |_| cut.declaration())
    }

    pub(super) fn acks(&self) -> impl Iterator<Item = (u32, Ack)> + '_ {
        let mut cut = Cut { bytes: &self.bytes, at: HEADER };
        (0..self.lanes).for_each(|_| _ = cut.declaration());
        (0..self.acks).map_while(move |_| cut.ack())
    }

    /// Before its first record.
    pub(super) fn mark(&self) -> Mark {
        let mut cut = Cut { bytes: &self.bytes, at: HEADER };
        (0..self.lanes).for_each(|_| _ = cut.declaration());
        (0..self.acks).for_each(|_| drop(cut.ack()));
        Mark { at: cut.at, seq: self.first_seq, left: self.records }
    }

    /// The record after the mark, and moves the mark behind it.
    pub(super) fn next<'a>(&'a self, mark: &mut Mark) -> Option<Found<'a>> {
        mark.left = mark.left.checked_sub(1)?;
        let mut cut = Cut { bytes: &self.bytes, at: mark.at };
        let (lanes, length) = (cut.u32()?, cut.u32()?);
        let lanes = cut.take(usize::try_from(lanes).ok()?.checked_mul(4)?)?;
        let at = cut.at;
        let body = cut.take(usize::try_from(length).ok()?)?;
        let seq = mark.seq;
        (mark.at, mark.seq) = (cut.at, seq + 1);
        Some(Found { seq, lanes, body, at })
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Found<'_>> {
        let mut mark = self.mark();
        std::iter::from_fn(move || self.next(&mut mark))
    }
}

impl Found<'_> {
    /// The numbers of its lanes, as they were named.
    pub(super) fn lanes(&self) -> impl Iterator<Item = u32> {
        self.lanes.as_chunks().0.iter().map(|&id| u32::from_le_bytes(id))
    }

    /// The numbers of its lanes, each once.
    pub(super) fn distinct_lanes(&self) -> impl Iterator<Item = u32> {
        let first =
            |&(at, id): &(usize, u32)| self.lanes().position(|other| other == id) == Some(at);
        self.lanes().enumerate().filter(first).map(|(_, id)| id)
    }
}

/// Cuts fields off the front; `None` at the end of the bytes.
struct Cut<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cut<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn declaration(&mut self) -> Option<(u32, &'a str)> {
        let (id, length) = (self.u32()?, self.u32()?);
        let name = self.take(usize::try_from(length).ok()?)?;
        Some((id, std::str::from_utf8(name).ok()?))
    }

    fn ack(&mut self) -> Option<(u32, Ack)> {
        let (lane, runs, count) = (self.u32()?, self.u32()?, self.u64()?);
        let mut ack = Ack { count, ..Ack::default() };
        for _ in 0..runs {
            let (start, end) = (self.u64()?, self.u64()?);
            ack.runs.insert(start..end);
        }
        Some((lane, ack))
    }
}
