//! The rows of the dead letters, in redb.
//!
//! Invariant: the totals are those of the rows, since both change in one transaction. Summaries and
//! bodies are in tables of their own, so that a page of summaries reads no bodies. redb does not
//! check what it reads, so every row carries a CRC of itself and its key.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use redb::{
    Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};

use super::{BuryError, DeadError, DeadLetter, DeadLetterId, DeadLetters};
use crate::journal::{DatabaseError, database::Guarded, disk::Disk};

/// Lane and number.
type Key = (&'static str, u64);
/// CRC, microseconds since 1970, summary.
type Head = (u32, i64, &'static [u8]);
/// CRC, body.
type Body = (u32, &'static [u8]);

const HEADS: TableDefinition<'_, Key, Head> = TableDefinition::new("heads");
const BODIES: TableDefinition<'_, Key, Body> = TableDefinition::new("bodies");
/// Lane -> rows, bytes.
const TOTALS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("totals");
/// What the tables need for a row beside what was given.
const ROW_BYTES: usize = 128;

/// A record to bury.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::journal) struct Grave {
    pub(in crate::journal) seq: u64,
    pub(in crate::journal) summary: Bytes,
    pub(in crate::journal) body: Bytes,
}

#[derive(Debug)]
pub(in crate::journal) struct Store {
    database: Guarded,
    limit: u64,
    state: Mutex<State>,
    turn: Mutex<()>,
}

/// What is known without asking the database. Only held for a look or a change, never for a wait.
#[derive(Debug, Default)]
struct State {
    totals: BTreeMap<Arc<str>, DeadLetters>,
    /// Rows that may still be there and must go, with the next change: of a burial that failed
    /// half-way, whose records are pending, and of letters that are none any more.
    unwanted: BTreeSet<DeadLetterId>,
}

impl Store {
    /// Opens the file if there is one. A corrupt one is moved aside, and where is answered.
    pub(in crate::journal) fn open(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        aside: &Path,
        limit: u64,
    ) -> Result<(Self, Option<PathBuf>), DatabaseError> {
        let database = Guarded::new(disk, path, examine);
        let moved = if database.exists()? { database.open(aside)? } else { None };
        let store = Self { database, limit, state: Mutex::default(), turn: Mutex::default() };
        if moved.is_none() && store.database.exists()? {
            let totals = store.database.with(read_totals)?;
            store.look(|state| state.totals = totals);
        }
        Ok((store, moved))
    }

    /// One burial or release at a time, from the row to the writer or back: what is between the
    /// two is seen by no other. Held by threads that may wait.
    pub(in crate::journal) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the file aside, and answers where: nothing is left.
    pub(in crate::journal) fn abandon(&self, aside: &Path) -> Result<PathBuf, DatabaseError> {
        let moved = self.database.move_aside(aside)?;
        self.look(|state| *state = State::default());
        Ok(moved)
    }

    /// How many rows each lane has, without those that wait to be removed.
    pub(in crate::journal) fn rows(&self) -> Result<BTreeMap<Arc<str>, u64>, DatabaseError> {
        let (totals, unwanted) = self.look(|state| (state.totals.clone(), state.unwanted.clone()));
        let counts = totals.into_iter().map(|(lane, total)| (lane, total.count));
        let mut rows: BTreeMap<_, _> = counts.collect();
        self.read(|database| {
            let heads = database.begin_read()?.open_table(HEADS)?;
            for id in &unwanted {
                let there = heads.get((&*id.lane, id.seq))?.is_some();
                if let Some(rows) = rows.get_mut(&id.lane).filter(|_| there) {
                    *rows = rows.saturating_sub(1);
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Every lane that has dead letters.
    pub(in crate::journal) fn totals(&self) -> BTreeMap<Arc<str>, DeadLetters> {
        self.look(|state| state.totals.clone())
    }

    /// What all rows come to.
    pub(in crate::journal) fn bytes(&self) -> u64 {
        self.look(|state| state.totals.values().map(|total| total.bytes).sum())
    }

    /// What they may come to.
    pub(in crate::journal) fn limit(&self) -> u64 {
        self.limit
    }

    /// Makes all of the rows durable, or none; a row that is there is replaced.
    pub(in crate::journal) fn bury(
        &self,
        lane: &Arc<str>,
        time: Timestamp,
        graves: &[Grave],
    ) -> Result<(), BuryError> {
        let asked: u64 = graves.iter().map(|grave| grave.weight(lane)).sum();
        let bytes = self.bytes();
        if bytes + asked > self.limit {
            return Err(BuryError::Full { bytes, limit: self.limit });
        }
        let put = self.change(|change| {
            graves.iter().try_for_each(|grave| change.put(lane, time.as_microsecond(), grave))
        });
        if put.is_err() {
            let id = |grave: &Grave| DeadLetterId { lane: Arc::clone(lane), seq: grave.seq };
            self.look(|state| state.unwanted.extend(graves.iter().map(id)));
        }
        Ok(put?)
    }

    /// Takes rows away, durably. When that fails they are not shown any more, and leave with a
    /// later change or at the next start.
    pub(in crate::journal) fn remove(&self, ids: &[DeadLetterId]) -> Result<(), DatabaseError> {
        self.look(|state| state.unwanted.extend(ids.iter().cloned()));
        if self.database.exists()? { self.change(|_| Ok(())) } else { Ok(()) }
    }

    /// Those of the rows that are there.
    pub(in crate::journal) fn existing(
        &self,
        ids: &[DeadLetterId],
    ) -> Result<BTreeSet<DeadLetterId>, DatabaseError> {
        self.read(|database| {
            let heads = database.begin_read()?.open_table(HEADS)?;
            let mut found = BTreeSet::new();
            for id in ids {
                if self.shows(id) && heads.get((&*id.lane, id.seq))?.is_some() {
                    found.insert(id.clone());
                }
            }
            Ok(found)
        })
    }

    /// The next rows after one, of a lane or of all, without their bodies.
    pub(in crate::journal) fn page(
        &self,
        lane: Option<&str>,
        after: Option<&DeadLetterId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, DatabaseError> {
        let first = lane.map_or(Bound::Unbounded, |lane| Bound::Included((lane, 0)));
        let start = match after {
            // A place before the lane's first row must not show the rows of other lanes.
            Some(id) if lane.is_none_or(|lane| lane <= &*id.lane) => {
                Bound::Excluded((&*id.lane, id.seq))
            }
            _ => first,
        };
        self.read(|database| {
            let heads = database.begin_read()?.open_table(HEADS)?;
            let mut page = Vec::new();
            for row in heads.range::<(&str, u64)>((start, Bound::Unbounded))? {
                let (key, head) = row?;
                let (found, seq) = key.value();
                if page.len() >= max || lane.is_some_and(|lane| lane != found) {
                    break;
                }
                let id = DeadLetterId { lane: found.into(), seq };
                if self.shows(&id) {
                    page.push(letter(id, head.value()));
                }
            }
            Ok(page)
        })
    }

    /// One row with its body.
    pub(in crate::journal) fn get(
        &self,
        id: &DeadLetterId,
    ) -> Result<Option<DeadLetter>, DeadError> {
        if !self.shows(id) {
            return Ok(None);
        }
        let key = (&*id.lane, id.seq);
        let found = self.read(|database| {
            let transaction = database.begin_read()?;
            let Some(head) = transaction.open_table(HEADS)?.get(key)? else { return Ok(None) };
            let body = transaction.open_table(BODIES)?.get(key)?;
            let body = body.and_then(|body| {
                let (crc, body) = body.value();
                (crc == body_crc(key, body)).then(|| Bytes::copy_from_slice(body))
            });
            let (crc, time, summary) = head.value();
            let whole = crc == head_crc(key, time, summary);
            Ok(Some(
                body.filter(|_| whole)
                    .map(|body| DeadLetter { body, ..letter(id.clone(), (crc, time, summary)) }),
            ))
        })?;
        match found {
            Some(None) => Err(DeadError::Damaged { id: id.clone() }),
            Some(letter) => Ok(letter),
            None => Ok(None),
        }
    }

    /// The numbers of a lane's rows, from one on.
    pub(in crate::journal) fn seqs(
        &self,
        lane: &str,
        from: u64,
    ) -> Result<Vec<u64>, DatabaseError> {
        self.read(|database| {
            let heads = database.begin_read()?.open_table(HEADS)?;
            let rows = heads.range((lane, from)..=(lane, u64::MAX))?;
            rows.map(|row| Ok(row?.0.value().1)).collect()
        })
    }

    /// The largest number of any row.
    pub(in crate::journal) fn last_seq(&self) -> Result<Option<u64>, DatabaseError> {
        let lanes = self.totals();
        self.read(|database| {
            let heads = database.begin_read()?.open_table(HEADS)?;
            let mut last = None;
            for lane in lanes.keys() {
                let row = heads.range((&**lane, 0)..=(&**lane, u64::MAX))?.next_back();
                last = last.max(row.transpose()?.map(|(key, _)| key.value().1));
            }
            Ok(last)
        })
    }

    /// Nothing to read is not worth a file.
    fn read<T: Default>(
        &self,
        operation: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, DatabaseError> {
        if self.database.exists()? { self.database.with(operation) } else { Ok(T::default()) }
    }

    fn shows(&self, id: &DeadLetterId) -> bool {
        self.look(|state| !state.unwanted.contains(id))
    }

    /// One durable transaction, after which the totals are known to everybody.
    fn change<T>(
        &self,
        operation: impl FnOnce(&mut Change<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, DatabaseError> {
        self.database.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            let mut change = Change::open(&transaction)?;
            let unwanted = self.look(|state| state.unwanted.clone());
            for id in &unwanted {
                change.remove(&id.lane, id.seq)?;
            }
            let done = operation(&mut change)?;
            let touched = change.finish()?;
            transaction.commit()?;
            // Within the turn at the database: a later turn must not be overwritten by this one.
            self.look(|state| {
                state.unwanted.retain(|id| !unwanted.contains(id));
                state.totals.extend(touched);
                state.totals.retain(|_, total| total.count > 0);
            });
            Ok(done)
        })
    }

    fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Grave {
    fn weight(&self, lane: &str) -> u64 {
        weight(lane, &self.summary, &self.body)
    }
}

/// A write transaction and what it does to the totals.
struct Change<'a> {
    heads: Table<'a, Key, Head>,
    bodies: Table<'a, Key, Body>,
    totals: Table<'a, &'static str, (u64, u64)>,
    touched: BTreeMap<Arc<str>, DeadLetters>,
}

impl<'a> Change<'a> {
    fn open(transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            heads: transaction.open_table(HEADS)?,
            bodies: transaction.open_table(BODIES)?,
            totals: transaction.open_table(TOTALS)?,
            touched: BTreeMap::new(),
        })
    }

    fn put(&mut self, lane: &Arc<str>, time: i64, grave: &Grave) -> Result<(), redb::Error> {
        self.remove(lane, grave.seq)?;
        let (key, Grave { summary, body, .. }) = ((&**lane, grave.seq), grave);
        self.heads.insert(key, (head_crc(key, time, summary), time, &**summary))?;
        self.bodies.insert(key, (body_crc(key, body), &**body))?;
        let total = self.total(lane)?;
        total.count += 1;
        total.bytes += grave.weight(lane);
        Ok(())
    }

    fn remove(&mut self, lane: &Arc<str>, seq: u64) -> Result<(), redb::Error> {
        let head = self.heads.remove((&**lane, seq))?.map(|head| head.value().2.len());
        let body = self.bodies.remove((&**lane, seq))?.map(|body| body.value().1.len());
        if head.is_none() && body.is_none() {
            return Ok(());
        }
        let bytes = ROW_BYTES + lane.len() + head.unwrap_or(0) + body.unwrap_or(0);
        let total = self.total(lane)?;
        total.count = total.count.saturating_sub(1);
        total.bytes = total.bytes.saturating_sub(bytes as u64);
        Ok(())
    }

    fn total(&mut self, lane: &Arc<str>) -> Result<&mut DeadLetters, redb::Error> {
        if !self.touched.contains_key(lane) {
            let (count, bytes) = self.totals.get(&**lane)?.map_or((0, 0), |total| total.value());
            self.touched.insert(Arc::clone(lane), DeadLetters { count, bytes });
        }
        Ok(self.touched.entry(Arc::clone(lane)).or_default())
    }

    /// The new totals of the lanes that changed, written.
    fn finish(mut self) -> Result<BTreeMap<Arc<str>, DeadLetters>, redb::Error> {
        for (lane, total) in &self.touched {
            if total.count == 0 {
                self.totals.remove(&**lane)?;
            } else {
                self.totals.insert(&**lane, (total.count, total.bytes))?;
            }
        }
        Ok(self.touched)
    }
}

/// Looks at both ends of every table. Only a new file is written to: on a full disk the letters
/// must still be readable.
fn examine(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    match transaction.open_table(TOTALS) {
        Ok(totals) => {
            let (heads, bodies) = (transaction.open_table(HEADS)?, transaction.open_table(BODIES)?);
            drop((totals.first()?, totals.last()?));
            drop((heads.first()?, heads.last()?));
            drop((bodies.first()?, bodies.last()?));
            Ok(())
        }
        Err(TableError::TableDoesNotExist(_)) => {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            drop(Change::open(&transaction)?);
            Ok(transaction.commit()?)
        }
        Err(error) => Err(error.into()),
    }
}

fn read_totals(database: &Database) -> Result<BTreeMap<Arc<str>, DeadLetters>, redb::Error> {
    let table = database.begin_read()?.open_table(TOTALS)?;
    let mut totals = BTreeMap::new();
    for row in table.iter()? {
        let (lane, total) = row?;
        let (count, bytes) = total.value();
        totals.insert(lane.value().into(), DeadLetters { count, bytes });
    }
    Ok(totals)
}

/// A row without its body. A damaged summary is not shown: the row can still be purged.
fn letter(id: DeadLetterId, (crc, time, summary): (u32, i64, &[u8])) -> DeadLetter {
    let whole = crc == head_crc((&id.lane, id.seq), time, summary);
    DeadLetter {
        id,
        time: Timestamp::from_microsecond(time).unwrap_or_default(),
        summary: if whole { Bytes::copy_from_slice(summary) } else { Bytes::new() },
        body: Bytes::new(),
    }
}

fn head_crc(key: (&str, u64), time: i64, summary: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(key_crc(key), &time.to_le_bytes());
    crc32c::crc32c_append(crc, summary)
}

fn body_crc(key: (&str, u64), body: &[u8]) -> u32 {
    crc32c::crc32c_append(key_crc(key), body)
}

fn key_crc((lane, seq): (&str, u64)) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(lane.as_bytes()), &seq.to_le_bytes())
}

/// What a row counts against the limit.
fn weight(lane: &str, summary: &[u8], body: &[u8]) -> u64 {
    (ROW_BYTES + lane.len() + summary.len() + body.len()) as u64
}
