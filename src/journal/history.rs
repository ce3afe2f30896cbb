//! What was accepted in a span of time, finished or not, as far as it is still there.
//!
//! Reads durable bytes only, up to the end that the log had when it was asked for, so what is
//! appended meanwhile, by a replay for example, is never part of it. It holds nothing back: what
//! is unlinked under it is gone, and what is merged is found again.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::{
    Origin, ReadError,
    find::segment_of,
    frame::Frame,
    handle::Shared,
    scan::Scan,
    segment::Place,
    visit::{Visit, Visited},
};

/// A record of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number: where to go on after it.
    pub seq: u64,
    /// When it was made durable.
    pub time: Timestamp,
    /// Who got it, or will.
    pub lanes: Vec<Arc<str>>,
    /// Where it came from.
    pub origin: Origin,
    /// The bytes.
    pub body: Bytes,
}

/// A way through the past; it can be left at any record and taken up again after its number.
#[derive(Debug)]
pub struct History {
    shared: Arc<Shared>,
    span: Span,
    at: Option<Place>,
    generation: u32,
    next_seq: u64,
    end: Place,
    scan: Option<Scan>,
}

/// From the first on, before the second; microseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Span {
    since: i64,
    until: i64,
}

/// A part of the way.
struct Walk {
    visit: Visit,
    basket: Basket,
}

/// What it collects.
struct Basket {
    span: Span,
    /// By the number of the lane.
    lanes: Vec<Arc<str>>,
    records: usize,
    bytes: usize,
}

/// Where it came to.
struct Walked {
    past: Vec<Past>,
    next_seq: u64,
    visited: Visited,
}

impl History {
    pub(super) fn new(
        shared: Arc<Shared>,
        since: Timestamp,
        until: Timestamp,
        after: Option<u64>,
    ) -> Self {
        let span = Span { since: since.as_microsecond(), until: until.as_microsecond() };
        let next_seq = after.map_or(0, |seq| seq.saturating_add(1));
        let end = shared.end();
        Self { shared, span, at: None, generation: 0, next_seq, end, scan: None }
    }

    /// The next records, at most so many and about so many bytes, at least one if there is one.
    /// None: there are no more. Cancel-safe.
    pub async fn next(&mut self, max: usize, bytes: usize) -> Result<Vec<Past>, ReadError> {
        let walk = Walk {
            visit: Visit {
                layout: self.shared.layout.clone(),
                journal: self.shared.journal,
                at: self.at.unwrap_or_default(),
                generation: self.generation,
                end: self.end,
                next_seq: self.next_seq,
                scan: self.scan.take(),
            },
            basket: Basket {
                span: self.span,
                lanes: self.shared.lane_names(),
                records: max,
                bytes,
            },
        };
        let begun = self.at.is_some();
        let run = move || if begun { walk.run() } else { walk.begin() };
        let walked = spawn_blocking(run).await.expect("a read does not panic")?;
        let Visited { at, generation, scan, .. } = walked.visited;
        (self.at, self.generation, self.scan) = (Some(at), generation, scan);
        self.next_seq = walked.next_seq;
        Ok(walked.past)
    }
}

impl Walk {
    /// No record of the span lies before the last segment that was begun earlier.
    fn begin(mut self) -> Result<Walked, ReadError> {
        // A log that nothing was ever written to has no segment to begin at.
        if self.visit.is_at_end() {
            return self.run();
        }
        let layout = &self.visit.layout;
        let (since, next_seq) = (self.basket.span.since, self.visit.next_seq);
        let found = segment_of(layout, |it| it.time < since || it.first_seq <= next_seq);
        let failed = |source| ReadError::Disk { path: layout.segments(), source };
        self.visit.at = found.map_err(failed)?;
        self.run()
    }

    fn run(mut self) -> Result<Walked, ReadError> {
        let mut past = Vec::new();
        loop {
            let (layout, journal) = (self.visit.layout.clone(), self.visit.journal);
            let (end, next_seq) = (self.visit.end, self.visit.next_seq);
            let mut visited = self.visit.run()?;
            let Some(frame) = visited.frame.take() else {
                return Ok(Walked { past, next_seq, visited });
            };
            let (next_seq, left) = self.basket.take(&frame, next_seq, &mut past);
            if left == Left::Some {
                return Ok(Walked { past, next_seq, visited });
            }
            let Visited { mut at, generation, scan, .. } = visited;
            at.offset += frame.size();
            self.visit = Visit { layout, journal, at, generation, end, next_seq, scan };
        }
    }
}

/// Whether a frame has more of the span, or the span is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    None,
    Some,
}

impl Basket {
    /// Takes what the frame has for it; also answers the number to go on at.
    fn take(&mut self, frame: &Frame, next_seq: u64, past: &mut Vec<Past>) -> (u64, Left) {
        for record in frame.records().filter(|record| record.seq >= next_seq) {
            if record.time < self.span.since {
                continue;
            }
            let fits = past.is_empty() || record.body.len() <= self.bytes;
            if record.time >= self.span.until || self.records == 0 || !fits {
                return (record.seq, Left::Some);
            }
            self.records -= 1;
            self.bytes = self.bytes.saturating_sub(record.body.len());
            past.push(Past {
                seq: record.seq,
                time: Timestamp::from_microsecond(record.time).unwrap_or_default(),
                lanes: record.distinct_lanes().map(|id| self.name(id)).collect(),
                origin: record.origin,
                body: Bytes::copy_from_slice(record.body),
            });
        }
        (frame.end_seq().max(next_seq), Left::None)
    }

    fn name(&self, lane: u32) -> Arc<str> {
        let known = self.lanes.get(lane as usize).cloned();
        known.unwrap_or_else(|| format!("lane-{lane}").into())
    }
}
