//! The small mutable things, in redb: the checkpoint and the quarantine.
//!
//! Never the truth about a record: without this file the log is scanned whole. It must not hold
//! anything whose loss would lose an accepted event.

use std::{
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use redb::{
    AccessGuard, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};

use super::{
    DatabaseError, checkpoint::Checkpoint, database::Guarded, disk::Disk, recent::Recollection,
};

const CHECKPOINT: TableDefinition<'_, (), &[u8]> = TableDefinition::new("checkpoint");
const QUARANTINE: TableDefinition<'_, u64, Row<'static>> = TableDefinition::new("quarantine");
/// The ids that were accepted lately, in chunks by the number of their first.
const RECENT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("recent");
const TOTALS: TableDefinition<'_, &str, u64> = TableDefinition::new("totals");
/// The key in `TOTALS` of the bytes that the quarantine holds.
const HELD: &str = "quarantine_bytes";
/// The key in `TOTALS` of the last row's key, so that no key is given twice.
const LAST: &str = "quarantine_last";
/// Microseconds since 1970, reason, body.
type Row<'a> = (i64, &'a str, &'a [u8]);

/// A body that was set aside, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Grows with each row.
    pub key: u64,
    /// When it was set aside.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
    /// The bytes as they came.
    pub body: Bytes,
}

/// Something to set aside: it is not what it was sent as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Why, in words.
    pub reason: String,
    /// The bytes as they came.
    pub body: Bytes,
}

/// What the quarantine holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Meta {
    database: Guarded,
    /// Known without asking the database. Only held for a look or a change, never for a wait.
    held: Mutex<Held>,
}

/// What opening found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) meta: Meta,
    pub(super) checkpoint: Option<Checkpoint>,
    /// There was a file, or a checkpoint in it, and it was unusable.
    pub(super) lost: bool,
    pub(super) moved_to: Option<PathBuf>,
}

impl Meta {
    /// Opens the file, or moves it aside if it is corrupt and begins a new one.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        aside: &Path,
    ) -> Result<Found, DatabaseError> {
        let database = Guarded::new(disk, path, examine);
        let moved_to = database.open(aside)?;
        let checkpoint = database.with(stored_checkpoint)?.as_deref().map(decode);
        let unreadable = checkpoint.as_ref().is_some_and(Option::is_none);
        let lost = unreadable || moved_to.is_some();
        let held = Mutex::new(database.with(stored_quarantine)?);
        let meta = Self { database, held };
        Ok(Found { meta, checkpoint: checkpoint.flatten(), lost, moved_to })
    }

    /// What the checkpoint's journal had accepted lately, in the order of the numbers.
    pub(super) fn recent(&self) -> Result<Vec<(u64, Vec<u8>)>, DatabaseError> {
        self.database.with(|database| {
            let table = database.begin_read()?.open_table(RECENT)?;
            let chunk = |row: Result<(AccessGuard<'_, u64>, AccessGuard<'_, &[u8]>), _>| {
                row.map(|(first, chunk)| (first.value(), chunk.value().to_vec()))
            };
            Ok(table.iter()?.map(chunk).collect::<Result<_, _>>()?)
        })
    }

    /// Forgets it: it is of another journal, or nobody asks for it any more.
    pub(super) fn forget_recent(&self) -> Result<(), DatabaseError> {
        self.database.with(|database| {
            if database.begin_read()?.open_table(RECENT)?.is_empty()? {
                return Ok(());
            }
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            transaction.open_table(RECENT)?.retain(|_, _| false)?;
            Ok(transaction.commit()?)
        })
    }

    pub(super) fn set_checkpoint(
        &self,
        checkpoint: &Checkpoint,
        recent: Option<&Recollection>,
    ) -> Result<(), DatabaseError> {
        let bytes = encode(checkpoint);
        self.database.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            transaction.open_table(CHECKPOINT)?.insert((), bytes.as_slice())?;
            recent.map_or(Ok(()), |recent| recollect(&transaction, recent))?;
            Ok(transaction.commit()?)
        })
    }

    /// Sets bodies aside, durably, in one commit; the oldest rows give way. Returns how many did.
    pub(super) fn quarantine(
        &self,
        time: Timestamp,
        asides: &[Aside],
        limit: u64,
    ) -> Result<u64, DatabaseError> {
        self.change_quarantine(|transaction| {
            let mut evicted = 0;
            for Aside { reason, body } in asides {
                evicted += set_aside(transaction, (time.as_microsecond(), reason, body), limit)?;
            }
            Ok(evicted)
        })
    }

    /// What the quarantine holds. Does not wait.
    pub(super) fn held(&self) -> Held {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One durable transaction, after which what the quarantine holds is known to everybody.
    fn change_quarantine<T>(
        &self,
        operation: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, DatabaseError> {
        self.database.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            let done = operation(&transaction)?;
            let held =
                held(&transaction.open_table(TOTALS)?, &transaction.open_table(QUARANTINE)?)?;
            transaction.commit()?;
            // Within the turn at the database: a later turn must not be overwritten by this one.
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
            Ok(done)
        })
    }

    /// The rows after this one, at most so many, the oldest first. They end before one that would
    /// make them larger than `bytes_max`, unless it is the first.
    pub(super) fn quarantined(
        &self,
        after: Option<u64>,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Quarantined>, DatabaseError> {
        self.database.with(|database| {
            let transaction = database.begin_read()?;
            let table = transaction.open_table(QUARANTINE)?;
            let (mut rows, mut bytes) = (Vec::new(), 0);
            let after = after.map_or(Bound::Unbounded, Bound::Excluded);
            for row in table.range((after, Bound::Unbounded))?.take(rows_max) {
                let (key, row) = row?;
                let (time, reason, body) = row.value();
                bytes += body.len();
                if bytes > bytes_max && !rows.is_empty() {
                    break;
                }
                let time = Timestamp::from_microsecond(time).unwrap_or_default();
                let body = Bytes::copy_from_slice(body);
                rows.push(Quarantined { key: key.value(), time, reason: reason.into(), body });
            }
            Ok(rows)
        })
    }

    /// Removes rows, and replaces what others hold, durably, in one commit. A row that is not there
    /// is left out. Answers how many were removed.
    pub(super) fn settle_quarantine(
        &self,
        gone: &[u64],
        left: &[(u64, Aside)],
    ) -> Result<u64, DatabaseError> {
        self.change_quarantine(|transaction| {
            let mut totals = transaction.open_table(TOTALS)?;
            let mut rows = transaction.open_table(QUARANTINE)?;
            let mut held = totals.get(HELD)?.map_or(0, |held| held.value());
            let mut removed = 0;
            for key in gone {
                let Some(row) = rows.remove(key)? else { continue };
                held = held.saturating_sub(weight(row.value()));
                removed += 1;
            }
            for (key, Aside { reason, body }) in left {
                let Some(row) = rows.remove(key)? else { continue };
                let (time, ..) = row.value();
                let rest: Row<'_> = (time, reason, body);
                held = held.saturating_sub(weight(row.value())) + weight(rest);
                drop(row);
                rows.insert(key, rest)?;
            }
            totals.insert(HELD, held)?;
            Ok(removed)
        })
    }
}

/// Uses the database once in every way.
fn examine(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    transaction.open_table(QUARANTINE)?;
    transaction.open_table(TOTALS)?;
    transaction.open_table(RECENT)?;
    transaction.open_table(CHECKPOINT)?.get(())?;
    Ok(transaction.commit()?)
}

fn stored_checkpoint(database: &Database) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = database.begin_read()?.open_table(CHECKPOINT)?;
    Ok(table.get(())?.map(|stored| stored.value().to_vec()))
}

fn stored_quarantine(database: &Database) -> Result<Held, redb::Error> {
    let transaction = database.begin_read()?;
    held(&transaction.open_table(TOTALS)?, &transaction.open_table(QUARANTINE)?)
}

fn held(
    totals: &impl ReadableTable<&'static str, u64>,
    rows: &impl ReadableTableMetadata,
) -> Result<Held, redb::Error> {
    let bytes = totals.get(HELD)?.map_or(0, |bytes| bytes.value());
    Ok(Held { rows: rows.len()?, bytes })
}

fn recollect(transaction: &WriteTransaction, recent: &Recollection) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(RECENT)?;
    for (first, chunk) in &recent.chunks {
        table.insert(first, chunk.as_slice())?;
    }
    let holds_first = table.range(..=recent.first)?.next_back().transpose()?;
    let holds_first = holds_first.map(|(first, _)| first.value());
    if let Some(first) = holds_first {
        table.retain_in(..first, |_, _| false)?;
    }
    Ok(())
}

/// JSON after its CRC: redb does not check what it reads, and a wrong account would lose records.
fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    let json = serde_json::to_vec(checkpoint).expect("numbers and names are JSON");
    let mut bytes = crc32c::crc32c(&json).to_le_bytes().to_vec();
    bytes.extend_from_slice(&json);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let (crc, json) = bytes.split_first_chunk()?;
    let whole = u32::from_le_bytes(*crc) == crc32c::crc32c(json);
    whole.then(|| serde_json::from_slice(json).ok()).flatten()
}

fn set_aside(transaction: &WriteTransaction, row: Row<'_>, limit: u64) -> Result<u64, redb::Error> {
    let mut totals = transaction.open_table(TOTALS)?;
    let mut rows = transaction.open_table(QUARANTINE)?;
    let total = |name| Ok::<_, redb::Error>(totals.get(name)?.map_or(0, |total| total.value()));
    let (mut held, key) = (total(HELD)? + weight(row), total(LAST)? + 1);
    let mut evicted = 0;
    while held > limit {
        let Some((_, oldest)) = rows.pop_first()? else { break };
        held = held.saturating_sub(weight(oldest.value()));
        evicted += 1;
    }
    rows.insert(key, row)?;
    totals.insert(HELD, held)?;
    totals.insert(LAST, key)?;
    Ok(evicted)
}

/// What a row counts against the limit: its texts, and what the table needs for it.
fn weight((_, reason, body): Row<'_>) -> u64 {
    const ROW_BYTES: usize = 64;
    (ROW_BYTES + reason.len() + body.len()) as u64
}
