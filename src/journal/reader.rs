//! A lane's way through the log.
//!
//! It yields the lane's records in order, from durable bytes only, and remembers the numbers of
//! those in flight: memory follows what is in flight, never what is pending. While the lane has
//! nothing to read it holds no buffer.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
};
use uuid::Uuid;

use super::{
    Burial, BuryError,
    dead::Grave,
    entry::Ack,
    find,
    frame::{Frame, Mark},
    handle::{Claim, Meter},
    record::{Origin, Outcome},
    runs::Runs,
    scan::Scan,
    segment::{Layout, Place},
    visit::{Visit, Visited},
    writer::Command,
};
use crate::failpoint;

/// Nearer to the end of the log than this, bytes are in the page cache and a read does not wait.
const NEAR_BYTES: u64 = 8 << 20;

/// Where a record lies. Its order is that of the appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    // First, so that it decides the derived order.
    seq: u64,
    segment: u64,
    offset: u64,
    length: u32,
    crc: u32,
}

impl Position {
    /// The number of the record: larger is later; unique in its journal.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// A record as a lane gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies.
    pub position: Position,
    /// Which of the record's lanes this one is: the index of its first mention.
    pub ordinal: usize,
    /// The bytes.
    pub body: Bytes,
    /// When it was made durable.
    pub time: Timestamp,
    /// Where it came from.
    pub origin: Origin,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk refused.
    #[error("cannot read {}", path.display())]
    Disk {
        /// The segment, or the directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The bytes are not those that were fetched, and no others of the log are: they are gone.
    #[error("the record at {offset} of {} has changed on disk", path.display())]
    Changed {
        /// The segment.
        path: PathBuf,
        /// Where the record lies in it.
        offset: u64,
    },
}

/// What the writer tells a lane after a commit that concerns it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tail {
    /// After the last frame that holds a record of the lane; durable.
    pub(super) end: Place,
    /// The number after the lane's last record.
    pub(super) end_seq: u64,
    /// The lane had nothing pending before this place, where record `resume_seq` lies.
    pub(super) resume: Place,
    pub(super) resume_seq: u64,
}

/// What the writer answers to a reader that opens.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: u32,
    pub(super) start: Place,
    pub(super) next_seq: u64,
    pub(super) done: Runs,
    pub(super) tail: watch::Receiver<Tail>,
    pub(super) meter: Arc<Meter>,
}

/// The one reader of a lane; its task owns it.
#[derive(Debug)]
pub struct Reader {
    id: u32,
    claim: Arc<Claim>,
    queue: mpsc::Sender<Command>,
    tail: watch::Receiver<Tail>,
    meter: Arc<Meter>,
    /// The frame to read next, or the one that is partly read.
    at: Place,
    /// Of the file that `at` is a place in.
    generation: u32,
    /// Every record below it was looked at.
    next_seq: u64,
    frame: Option<(Frame, Mark)>,
    scan: Option<Scan>,
    /// Acknowledged before this reader was opened.
    done: Runs,
    in_flight: BTreeSet<u64>,
    /// The writer knows that nothing below it is pending.
    settled: u64,
}

impl Reader {
    pub(super) fn new(claim: Claim, queue: mpsc::Sender<Command>, opened: Opened) -> Self {
        Self {
            id: opened.id,
            claim: Arc::new(claim),
            queue,
            tail: opened.tail,
            meter: opened.meter,
            at: opened.start,
            generation: 0,
            next_seq: opened.next_seq,
            frame: None,
            scan: None,
            settled: opened.next_seq,
            done: opened.done,
            in_flight: BTreeSet::new(),
        }
    }

    /// Waits until `fetch` has something to look at. Cancel-safe. Waits for ever once the journal
    /// has stopped.
    pub async fn ready(&mut self) {
        while self.next_seq >= self.tail.borrow_and_update().end_seq {
            self.release();
            if self.tail.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The lane's next records, at most so many and about so many bytes, at least one if there is
    /// one. Does not wait for records; cancel-safe.
    pub async fn fetch(&mut self, max: usize, bytes: usize) -> Result<Vec<Fetched>, ReadError> {
        let tail = *self.tail.borrow_and_update();
        if tail.resume > self.at {
            self.release();
            (self.at, self.generation) = (tail.resume, 0);
            self.next_seq = self.next_seq.max(tail.resume_seq);
        }
        let mut basket = Basket { fetched: Vec::new(), records: max, bytes };
        while self.next_seq < tail.end_seq {
            if self.frame.is_none() {
                // Taken records must be lost neither in a cancelled wait nor in an error, which
                // the next fetch will meet again.
                let taken = !basket.fetched.is_empty();
                if taken && !self.is_near(&tail) {
                    break;
                }
                match self.load(&tail).await {
                    Ok(()) => {}
                    Err(_) if taken => break,
                    Err(error) => return Err(error),
                }
            }
            if self.frame.is_none() {
                self.next_seq = tail.end_seq;
            } else if !self.take(&mut basket) {
                break;
            }
        }
        if self.next_seq >= tail.end_seq {
            self.release();
            self.settle().await;
        }
        Ok(basket.fetched)
    }

    /// The bytes of a record that is in flight, once more, and where it lies now: a compaction may
    /// have moved it.
    pub async fn reread(&mut self, position: Position) -> Result<(Position, Bytes), ReadError> {
        let (layout, journal) = (self.claim.shared.layout.clone(), self.claim.shared.journal);
        let reread = move || read_again(&layout, journal, position);
        spawn_blocking(reread).await.expect("a read does not panic")
    }

    /// Tells the writer that the receiver has these; that is durable with a commit soon after.
    /// What is not in flight is ignored. Cancel-safe; waits while the queue is full.
    pub async fn acknowledge(&mut self, positions: &[Position]) {
        self.finish(positions, Outcome::Delivered).await;
    }

    /// Like `acknowledge`, for what is given up on an operator's word.
    pub async fn discard(&mut self, positions: &[Position]) {
        self.finish(positions, Outcome::Discarded).await;
    }

    /// Like `acknowledge`, for what is [`Changed`](ReadError::Changed): it is counted as lost.
    pub async fn lose(&mut self, positions: &[Position]) {
        self.finish(positions, Outcome::Lost).await;
    }

    /// Moves records to the dead letters; when it returns `Ok` that is durable. On an error they are
    /// in flight as before. What is not in flight is ignored.
    ///
    /// It finishes even if it is dropped, without this reader's knowing: drop the reader as well.
    pub async fn bury(&mut self, letters: Vec<Burial>) -> Result<(), BuryError> {
        let (mut in_flight, mut ack) = (self.in_flight.clone(), Ack::default());
        let mut graves = Vec::new();
        for Burial { position, summary, body } in letters {
            if in_flight.remove(&position.seq) {
                ack.count(Outcome::Dead, position.segment, position.length.into());
                graves.push(Grave { seq: position.seq, summary, body });
            }
        }
        for grave in &graves {
            ack.runs.insert(finished_around(&in_flight, self.next_seq, grave.seq));
        }
        if graves.is_empty() {
            return Ok(());
        }
        let (claim, queue) = (Arc::clone(&self.claim), self.queue.clone());
        let acknowledge = Command::Acknowledge { lane: self.id, ack };
        spawn_blocking(move || bury(&claim, &graves, &queue, acknowledge))
            .await
            .expect("a burial is neither cancelled nor panics")?;
        self.in_flight = in_flight;
        if self.in_flight.is_empty() {
            self.settled = self.next_seq;
        }
        Ok(())
    }

    async fn finish(&mut self, positions: &[Position], outcome: Outcome) {
        // Nothing is lost with a writer that has gone: the records are delivered again.
        let Ok(permit) = self.queue.reserve().await else { return };
        let mut ack = Ack::default();
        for position in positions {
            if self.in_flight.remove(&position.seq) {
                ack.count(outcome, position.segment, position.length.into());
            }
        }
        if ack.live.is_empty() {
            return;
        }
        for position in positions {
            ack.runs.insert(finished_around(&self.in_flight, self.next_seq, position.seq));
        }
        if self.in_flight.is_empty() {
            self.settled = self.next_seq;
        }
        permit.send(Command::Acknowledge { lane: self.id, ack });
    }

    /// The lane's records that are not finished durably.
    pub fn pending(&self) -> u64 {
        self.meter.status().pending
    }

    /// The bytes of their bodies.
    pub fn pending_bytes(&self) -> u64 {
        self.meter.status().pending_bytes
    }

    /// Moves records of the current frame into the basket; `false` when that is full.
    fn take(&mut self, basket: &mut Basket) -> bool {
        let Some((frame, mark)) = &mut self.frame else { return true };
        loop {
            let before = *mark;
            let Some(record) = frame.next(mark) else { break };
            let own = record.lanes().position(|lane| lane == self.id);
            if let Some(ordinal) = own
                && record.seq >= self.next_seq
                && !self.done.contains(record.seq)
            {
                if !basket.has_room(record.body.len()) {
                    *mark = before;
                    return false;
                }
                let position = Position {
                    seq: record.seq,
                    segment: self.at.segment,
                    offset: self.at.offset + record.at as u64,
                    length: u32::try_from(record.body.len()).expect("it was read from 32 bits"),
                    crc: crc32c::crc32c(record.body),
                };
                let body = Bytes::copy_from_slice(record.body);
                let time = Timestamp::from_microsecond(record.time).unwrap_or_default();
                let origin = record.origin;
                basket.put(Fetched { position, ordinal, body, time, origin });
                self.in_flight.insert(record.seq);
            }
            self.next_seq = self.next_seq.max(record.seq + 1);
        }
        self.next_seq = self.next_seq.max(frame.end_seq());
        self.at.offset += frame.size();
        self.frame = None;
        true
    }

    fn is_near(&self, tail: &Tail) -> bool {
        let near = self.at.segment == tail.end.segment
            && tail.end.offset.saturating_sub(self.at.offset) <= NEAR_BYTES;
        let held = self
            .scan
            .as_ref()
            .is_some_and(|scan| scan.segment == self.at.segment && scan.holds(self.at.offset));
        near || held
    }

    async fn load(&mut self, tail: &Tail) -> Result<(), ReadError> {
        let near = self.is_near(tail);
        let visit = Visit {
            layout: self.claim.shared.layout.clone(),
            journal: self.claim.shared.journal,
            at: self.at,
            generation: self.generation,
            end: tail.end,
            next_seq: self.next_seq,
            scan: self.scan.take(),
        };
        let visited = if near {
            visit.run()
        } else {
            spawn_blocking(move || visit.run()).await.expect("a read does not panic")
        };
        let Visited { at, generation, scan, frame } = visited?;
        (self.at, self.generation, self.scan) = (at, generation, scan);
        self.frame = frame.map(|frame| {
            let mark = frame.mark();
            (frame, mark)
        });
        Ok(())
    }

    /// With nothing in flight after the last record, nothing is pending, whatever corruption took
    /// away: the writer must hear it, or the lane would hold its segments for ever.
    async fn settle(&mut self) {
        if !self.in_flight.is_empty() || self.settled >= self.next_seq {
            return;
        }
        let Ok(permit) = self.queue.reserve().await else { return };
        self.settled = self.next_seq;
        let ack = Ack::below(self.next_seq);
        permit.send(Command::Acknowledge { lane: self.id, ack });
    }

    fn release(&mut self) {
        self.frame = None;
        self.scan = None;
    }
}

/// The run around a record that is no longer in flight, in which nothing of the lane is.
fn finished_around(in_flight: &BTreeSet<u64>, next_seq: u64, seq: u64) -> Range<u64> {
    let start = in_flight.range(..=seq).next_back().map_or(0, |before| before + 1);
    let end = in_flight.range(seq..).next().copied().unwrap_or(next_seq);
    start..end
}

/// Until the writer has heard of it the claim is held, so no other reader of the lane can deliver
/// what has a row.
fn bury(
    claim: &Claim,
    graves: &[Grave],
    queue: &mpsc::Sender<Command>,
    acknowledge: Command,
) -> Result<(), BuryError> {
    let dead = &claim.shared.dead;
    let _turn = dead.turn();
    failpoint::here("journal::bury");
    dead.bury(&claim.lane, Timestamp::now(), graves)?;
    failpoint::here("journal::buried");
    // A writer that has gone is not told: the next start finds the rows.
    drop(queue.blocking_send(acknowledge));
    Ok(())
}

fn read_again(
    layout: &Layout,
    journal: Uuid,
    position: Position,
) -> Result<(Position, Bytes), ReadError> {
    let Position { seq, segment, offset, crc, .. } = position;
    let path = layout.segment(segment);
    let failed = |source| ReadError::Disk { path: path.clone(), source };
    match read_at(&path, position) {
        Ok(body) if crc32c::crc32c(&body) == crc => return Ok((position, body.into())),
        Err(error) if !is_elsewhere(error.kind()) => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    let found = find::record(layout, journal, seq).map_err(failed)?;
    let Some(found) = found.filter(|found| crc32c::crc32c(&found.body) == crc) else {
        layout.keep_corrupt(Place { segment, offset }, position.length.into());
        return Err(ReadError::Changed { path, offset });
    };
    let position = Position { segment: found.segment, offset: found.offset, ..position };
    Ok((position, found.body.into()))
}

fn read_at(path: &Path, position: Position) -> io::Result<Vec<u8>> {
    let mut body = vec![0; usize::try_from(position.length).map_err(io::Error::other)?];
    File::open(path)?.read_exact_at(&mut body, position.offset)?;
    Ok(body)
}

/// The segment was merged into another, or with others that are behind the place.
fn is_elsewhere(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
}

/// What one fetch collects.
struct Basket {
    fetched: Vec<Fetched>,
    records: usize,
    bytes: usize,
}

impl Basket {
    /// The first record always fits, else one that is larger than the limit would stay for ever.
    fn has_room(&self, bytes: usize) -> bool {
        self.records > 0 && (self.fetched.is_empty() || bytes <= self.bytes)
    }

    fn put(&mut self, fetched: Fetched) {
        self.records -= 1;
        self.bytes = self.bytes.saturating_sub(fetched.body.len());
        self.fetched.push(fetched);
    }
}
