//! A frame: one group commit as bytes. The drawing is in the stage's module doc.
//!
//! Invariant: a frame that parses is the one that was written, to this segment of this journal:
//! its CRC is seeded with both. Reads never panic, whatever the bytes.

use std::{iter, ops::Range};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    entry::{Ack, Amount, Declaration, Fate, Release, Stored, Totals},
    record::Origin,
    segment::PAGE_BYTES,
};

/// The version of the format that this program writes, and the only one that it reads.
pub(super) const VERSION: u16 = 2;
/// The length of a frame's header.
pub(super) const HEADER: usize = 72;
/// What a record takes beside its lanes and its body.
pub(super) const RECORD: usize = 28;
const MAGIC: u32 = u32::from_le_bytes(*b"FfFr");
/// Where the CRC stands; it covers the bytes before and after itself.
const CRC_AT: usize = 12;
/// The flag of a frame whose records carry their own number and time.
const MOVED: u16 = 1;

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

/// Writes one frame into a buffer, section by section, in the order of the methods.
#[derive(Debug)]
pub(super) struct Draft {
    bytes: Vec<u8>,
    flags: u16,
    first_seq: u64,
    end_seq: u64,
    /// Microseconds since 1970.
    time: i64,
    lanes: u32,
    acks: u32,
    releases: u32,
    records: u32,
}

impl Draft {
    pub(super) fn new(first_seq: u64, time: i64, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(HEADER, 0);
        Self {
            bytes: buffer,
            flags: 0,
            first_seq,
            end_seq: first_seq,
            time,
            lanes: 0,
            acks: 0,
            releases: 0,
            records: 0,
        }
    }

    /// A frame of records that keep their own numbers and times; also one of none, after them.
    pub(super) fn moved(first_seq: u64, time: i64) -> Self {
        Self { flags: MOVED, ..Self::new(first_seq, time, Vec::new()) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn declare(&mut self, declaration: &Declaration<'_>) {
        let Declaration { lane, name, totals, released } = declaration;
        self.put_u32(*lane);
        self.put_u32(length(name.len()));
        self.put_u32(length(released.len()));
        let Totals { accepted, delivered, dead, discarded, lost } = *totals;
        self.put_u64s([accepted, delivered, dead, discarded, lost]);
        self.bytes.extend_from_slice(name.as_bytes());
        self.put_u64s(released.iter().copied());
        self.lanes += 1;
    }

    pub(super) fn acknowledge(&mut self, lane: u32, ack: &Ack) {
        self.put_u32(lane);
        self.put_u32(length(ack.runs.iter().len()));
        self.put_u32(length(ack.live.len()));
        self.put_u64s([ack.delivered, ack.dead, ack.discarded]);
        for run in ack.runs.iter() {
            self.put_u64s([run.start, run.end]);
        }
        for (&segment, amount) in &ack.live {
            self.put_u64s([segment, amount.records, amount.bytes]);
        }
        self.acks += 1;
    }

    pub(super) fn release(&mut self, release: &Release) {
        self.put_u32(release.lane);
        self.put_u32(release.fate.code());
        self.put_u32(length(release.seqs.len()));
        self.put_u64s(release.seqs.iter().copied());
        self.releases += 1;
    }

    pub(super) fn record(&mut self, record: &Stored) {
        self.put_u32(length(record.lanes.len()));
        self.put_u32(length(record.body.len()));
        self.put_u32(record.origin.code());
        self.bytes.extend_from_slice(&record.id.to_le_bytes());
        for &lane in &record.lanes {
            self.put_u32(lane);
        }
        self.bytes.extend_from_slice(&record.body);
        self.records += 1;
        self.end_seq += 1;
    }

    /// Takes a record over from another frame.
    pub(super) fn copy(&mut self, record: &Found<'_>) {
        debug_assert_eq!(self.flags, MOVED, "only there a record has its number");
        self.put_u64s([record.seq]);
        self.bytes.extend_from_slice(&record.time.to_le_bytes());
        self.bytes.extend_from_slice(record.whole);
        self.records += 1;
        self.end_seq = record.seq + 1;
    }

    /// Fills in the header and pads to whole pages.
    pub(super) fn seal(mut self, seed: Seed) -> Vec<u8> {
        let payload = length(self.bytes.len() - HEADER);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC.to_le_bytes());
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&self.flags.to_le_bytes());
        header.extend_from_slice(&payload.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&self.first_seq.to_le_bytes());
        header.extend_from_slice(&self.end_seq.to_le_bytes());
        header.extend_from_slice(&self.time.to_le_bytes());
        for count in [self.lanes, self.acks, self.releases, self.records] {
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

    fn put_u64s(&mut self, values: impl IntoIterator<Item = u64>) {
        for value in values {
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
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
    flags: u16,
    first_seq: u64,
    end_seq: u64,
    time: i64,
    lanes: u32,
    acks: u32,
    releases: u32,
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
    /// When it was made durable, in microseconds since 1970.
    pub(super) time: i64,
    /// 0: none.
    pub(super) id: u128,
    pub(super) origin: Origin,
    lanes: &'a [u8],
    pub(super) body: &'a [u8],
    /// All of it but the number and the time.
    whole: &'a [u8],
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

/// The numbers that a frame with this header says it holds, and what it takes in the segment.
pub(super) fn claimed_seqs(header: &[u8]) -> Option<(Range<u64>, u64)> {
    let size = claimed_length(header)?.next_multiple_of(PAGE_BYTES as u64);
    let mut cut = Cut { bytes: header, at: CRC_AT + 4 };
    Some((cut.u64()?..cut.u64()?, size))
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
        let (magic, version, flags) = (cut.u32()?, cut.u16()?, cut.u16()?);
        let (_payload, crc) = (cut.u32()?, cut.u32()?);
        if magic != MAGIC || seed.crc(&bytes)? != crc {
            return None;
        }
        if version != VERSION {
            return Some(Parsed::Future(version));
        }
        let (first_seq, end_seq, time) = (cut.u64()?, cut.u64()?, cut.i64()?);
        let (lanes, acks) = (cut.u32()?, cut.u32()?);
        let (releases, records) = (cut.u32()?, cut.u32()?);
        Some(Parsed::Valid(Self {
            bytes,
            flags,
            first_seq,
            end_seq,
            time,
            lanes,
            acks,
            releases,
            records,
        }))
    }

    pub(super) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// The sequence number after its last record.
    pub(super) fn end_seq(&self) -> u64 {
        self.end_seq
    }

    /// How many records it has.
    pub(super) fn count(&self) -> u64 {
        self.records.into()
    }

    /// When it was made durable, in microseconds since 1970.
    pub(super) fn time(&self) -> i64 {
        self.time
    }

    /// Whether its records come from other frames, and numbers may be missing between them.
    pub(super) fn is_moved(&self) -> bool {
        self.flags & MOVED != 0
    }

    /// What it takes in the segment.
    pub(super) fn size(&self) -> u64 {
        self.bytes.len().next_multiple_of(PAGE_BYTES) as u64
    }

    pub(super) fn declared(&self) -> impl Iterator<Item = Declaration<'_>> {
        let mut cut = Cut { bytes: &self.bytes, at: HEADER };
        (0..self.lanes).map_while(move |_| cut.declaration())
    }

    pub(super) fn acks(&self) -> impl Iterator<Item = (u32, Ack)> + '_ {
        let mut cut = self.after_declarations();
        (0..self.acks).map_while(move |_| cut.ack())
    }

    pub(super) fn releases(&self) -> impl Iterator<Item = Release> + '_ {
        let mut cut = self.after_acks();
        (0..self.releases).map_while(move |_| cut.release())
    }

    /// Before its first record.
    pub(super) fn mark(&self) -> Mark {
        let mut cut = self.after_acks();
        (0..self.releases).for_each(|_| drop(cut.release()));
        Mark { at: cut.at, seq: self.first_seq, left: self.records }
    }

    /// The record after the mark, and moves the mark behind it.
    pub(super) fn next<'a>(&'a self, mark: &mut Mark) -> Option<Found<'a>> {
        mark.left = mark.left.checked_sub(1)?;
        let mut cut = Cut { bytes: &self.bytes, at: mark.at };
        let (seq, time) =
            if self.is_moved() { (cut.u64()?, cut.i64()?) } else { (mark.seq, self.time) };
        let from = cut.at;
        let (lanes, length, origin) = (cut.u32()?, cut.u32()?, cut.u32()?);
        let id = u128::from_le_bytes(cut.array()?);
        let lanes = cut.take(usize::try_from(lanes).ok()?.checked_mul(4)?)?;
        let at = cut.at;
        let body = cut.take(usize::try_from(length).ok()?)?;
        (mark.at, mark.seq) = (cut.at, seq + 1);
        let whole = self.bytes.get(from..cut.at)?;
        Some(Found { seq, time, id, origin: Origin::of_code(origin), lanes, body, whole, at })
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Found<'_>> {
        let mut mark = self.mark();
        iter::from_fn(move || self.next(&mut mark))
    }

    fn after_declarations(&self) -> Cut<'_> {
        let mut cut = Cut { bytes: &self.bytes, at: HEADER };
        (0..self.lanes).for_each(|_| drop(cut.declaration()));
        cut
    }

    fn after_acks(&self) -> Cut<'_> {
        let mut cut = self.after_declarations();
        (0..self.acks).for_each(|_| drop(cut.ack()));
        cut
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

    pub(super) fn amount(&self) -> Amount {
        Amount { records: 1, bytes: self.body.len() as u64 }
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

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn declaration(&mut self) -> Option<Declaration<'a>> {
        let (lane, length, released) = (self.u32()?, self.u32()?, self.u32()?);
        let totals = Totals {
            accepted: self.u64()?,
            delivered: self.u64()?,
            dead: self.u64()?,
            discarded: self.u64()?,
            lost: self.u64()?,
        };
        let name = std::str::from_utf8(self.take(usize::try_from(length).ok()?)?).ok()?;
        let released = (0..released).map_while(|_| self.u64()).collect();
        Some(Declaration { lane, name, totals, released })
    }

    fn ack(&mut self) -> Option<(u32, Ack)> {
        let (lane, runs, segments) = (self.u32()?, self.u32()?, self.u32()?);
        let (delivered, dead, discarded) = (self.u64()?, self.u64()?, self.u64()?);
        let mut ack = Ack { delivered, dead, discarded, ..Ack::default() };
        for _ in 0..runs {
            let (start, end) = (self.u64()?, self.u64()?);
            ack.runs.insert(start..end);
        }
        for _ in 0..segments {
            let (segment, records, bytes) = (self.u64()?, self.u64()?, self.u64()?);
            ack.live.insert(segment, Amount { records, bytes });
        }
        Some((lane, ack))
    }

    fn release(&mut self) -> Option<Release> {
        let (lane, fate, count) = (self.u32()?, self.u32()?, self.u32()?);
        let seqs = (0..count).map_while(|_| self.u64()).collect();
        Some(Release { lane, fate: Fate::of_code(fate), seqs })
    }
}
