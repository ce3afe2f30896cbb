//! Finds segments and records again after a compaction moved them.
//!
//! Asks the directory and the files only, while they may be merged and unlinked at the same time:
//! an answer may be out of date when it is used, and whoever uses it asks again then.
//!
//! Invariant: what is not found was looked for in all segments. A directory that is away, or has none,
//! is an error: the disk may come back.

use std::{fs::File, io, mem};

use uuid::Uuid;

use super::{
    frame::Frame,
    scan::{Scan, Step},
    segment::{Header, Layout, PAGE, Place},
};

/// How often a search is begun anew when files go away under it.
const SEARCHES: usize = 10;

/// The segment that holds what comes after the segments up to this one.
pub(super) fn segment_after(layout: &Layout, through: u64) -> io::Result<Option<u64>> {
    let ids = listed(layout)?;
    let merged = ids.iter().rev().find(|&&id| id <= through);
    if let Some(&id) = merged
        && header(layout, id)?.is_some_and(|header| header.through > through)
    {
        return Ok(Some(id));
    }
    Ok(ids.into_iter().find(|&id| id > through))
}

/// The beginning of the last segment that accepts, else of the first.
pub(super) fn segment_of(layout: &Layout, accepts: impl Fn(&Header) -> bool) -> io::Result<Place> {
    let ids = listed(layout)?;
    for &segment in ids.iter().rev() {
        if header(layout, segment)?.is_some_and(|header| accepts(&header)) {
            return Ok(Place { segment, offset: PAGE });
        }
    }
    Ok(Place { segment: ids.first().copied().unwrap_or(0), offset: PAGE })
}

/// A record where it lies now.
#[derive(Debug)]
pub(super) struct FoundAgain {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) body: Vec<u8>,
}

/// Looks for a record by its number.
pub(super) fn record(layout: &Layout, journal: Uuid, seq: u64) -> io::Result<Option<FoundAgain>> {
    let mut ids = listed(layout)?;
    for _ in 0..SEARCHES {
        let found = search(layout, journal, seq, &ids);
        let before = mem::replace(&mut ids, listed(layout)?);
        match found {
            // A merge may have moved it from where it was not looked for yet to where it was.
            Ok(None) if ids != before => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the segments come and go"))
}

fn search(layout: &Layout, journal: Uuid, seq: u64, ids: &[u64]) -> io::Result<Option<FoundAgain>> {
    for &id in ids.iter().rev() {
        let first_seq = header(layout, id)?.map(|header| header.first_seq);
        if first_seq.is_some_and(|first| first > seq) {
            continue;
        }
        let found = search_in(Scan::open(layout, journal, id)?, seq)?;
        // A segment whose header is corrupt does not say whether the record lies in it or before.
        if found.is_some() || first_seq.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The segments, of which there is always one: the log never ends in nothing.
fn listed(layout: &Layout) -> io::Result<Vec<u64>> {
    let ids = layout.list()?;
    if ids.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there are no segments"));
    }
    Ok(ids)
}

fn search_in(mut scan: Scan, seq: u64) -> io::Result<Option<FoundAgain>> {
    let length = scan.length()?;
    match search_by_claims(&mut scan, length, seq)? {
        // A corrupt frame may have claimed what is behind it for itself.
        None => search_whole(&mut scan, length, seq),
        found => Ok(found),
    }
}

/// Reads no frame but the one that says it holds the number.
fn search_by_claims(scan: &mut Scan, length: u64, seq: u64) -> io::Result<Option<FoundAgain>> {
    let mut offset = PAGE;
    while offset < length {
        let Some((seqs, size)) = scan.peep(offset)? else {
            offset += PAGE;
            continue;
        };
        if seqs.contains(&seq)
            && let Step::Frame(frame) = scan.step(offset, length)?
            && let Some(found) = found_in(&frame, (scan.segment, offset), seq)
        {
            return Ok(Some(found));
        }
        offset += size;
    }
    Ok(None)
}

/// Reads every frame, and believes only those that are whole.
fn search_whole(scan: &mut Scan, length: u64, seq: u64) -> io::Result<Option<FoundAgain>> {
    let mut offset = PAGE;
    while offset < length {
        let Step::Frame(frame) = scan.step(offset, length)? else {
            offset += PAGE;
            continue;
        };
        if let Some(found) = found_in(&frame, (scan.segment, offset), seq) {
            return Ok(Some(found));
        }
        offset += frame.size();
    }
    Ok(None)
}

fn found_in(frame: &Frame, (segment, offset): (u64, u64), seq: u64) -> Option<FoundAgain> {
    let found = frame.records().find(|record| record.seq == seq)?;
    let (offset, body) = (offset + found.at as u64, found.body.to_vec());
    Some(FoundAgain { segment, offset, body })
}

fn header(layout: &Layout, id: u64) -> io::Result<Option<Header>> {
    match File::open(layout.segment(id)) {
        Ok(file) => Header::read(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
