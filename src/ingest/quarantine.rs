//! The quarantine, as an operator asks for it: what was set aside, and what becomes of it.
//!
//! A retry takes a row through everything that a request goes through, by the rules of the moment.
//! What it accepts is durable before its row goes, so a crash in between accepts it once more and
//! loses nothing.

use std::{mem, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{runtime::Handle, sync::Mutex, task::spawn_blocking};
use tracing::info;

use super::{
    AcceptError, Acceptor,
    accept::{Routed, of_many, undecided},
    confidence::hide_credentials,
    decode::{Arrival, Received, decode_kept},
    metrics,
};
use crate::journal::{AppendError, Aside, DatabaseError, Journal, Quarantined};

/// What a page, or a retry, reads at once, in bytes; a row that has more is read alone.
const READ_BYTES_MAX: usize = 4 << 20;

/// What was set aside, and who accepts it after all.
#[derive(Clone, Debug)]
pub struct Quarantine {
    journal: Journal,
    acceptor: Acceptor,
    /// One retry at a time: two would accept the same row twice.
    turn: Arc<Mutex<()>>,
}

/// A row in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, by which it is shown, tried again or removed.
    pub id: u64,
    /// When it was set aside.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
    /// How many bytes its body has.
    pub bytes: u64,
}

/// What a retry came to.
#[derive(Clone, Debug, Default)]
pub struct Retried {
    /// Rows that are gone, since everything in them was understood.
    pub rows: u64,
    /// Events in them, and in those that stay, that some rule wants; they are in the journal.
    pub accepted: u64,
    /// Why the journal did not take the first of those rows that stay for its sake alone.
    pub refused: Option<AppendError>,
}

/// What a retry makes of some rows, before it is durable.
#[derive(Debug)]
struct Retry {
    routed: Routed,
    gone: Vec<u64>,
    /// What is left of rows of which only a part was understood.
    left: Vec<(u64, Aside)>,
}

impl From<&Quarantined> for Row {
    fn from(row: &Quarantined) -> Self {
        let bytes = row.body.len() as u64;
        Self { id: row.key, time: row.time, reason: row.reason.clone(), bytes }
    }
}

impl Quarantine {
    /// That of this journal; what is retried goes to this acceptor.
    pub fn new(journal: Journal, acceptor: Acceptor) -> Self {
        Self { journal, acceptor, turn: Arc::default() }
    }

    /// At most `max` rows after this one, the oldest first.
    pub async fn list(
        &self,
        mut after: Option<u64>,
        max: usize,
    ) -> Result<Vec<Row>, DatabaseError> {
        let mut rows: Vec<Row> = Vec::new();
        while rows.len() < max {
            let left = max - rows.len();
            let read = self.journal.quarantined(after, left, READ_BYTES_MAX).await?;
            let Some(last) = read.last() else { break };
            after = Some(last.key);
            rows.extend(read.iter().map(Row::from));
        }
        Ok(rows)
    }

    /// A row and its body, in which credentials are hidden; none if there is no such row.
    pub async fn show(&self, id: u64) -> Result<Option<(Row, Bytes)>, DatabaseError> {
        let shown = |row: Quarantined| {
            let shown = match str::from_utf8(&row.body) {
                Ok(text) => hide_credentials(text).into(),
                Err(_no_text) => row.body.clone(),
            };
            (Row::from(&row), shown)
        };
        Ok(self.row(id).await?.map(shown))
    }

    /// Which of these rows are there, each once.
    pub async fn present(&self, ids: &[u64]) -> Result<Vec<u64>, DatabaseError> {
        let mut present = Vec::new();
        for id in ids {
            if !present.contains(id) && self.row(*id).await?.is_some() {
                present.push(*id);
            }
        }
        Ok(present)
    }

    async fn row(&self, id: u64) -> Result<Option<Quarantined>, DatabaseError> {
        let Some(before) = id.checked_sub(1) else { return Ok(None) };
        let read = self.journal.quarantined(Some(before), 1, READ_BYTES_MAX).await?;
        Ok(read.into_iter().next().filter(|row| row.key == id))
    }

    /// Tries these rows again. One that is gone is left out; one that is not understood, or that the
    /// journal refuses, stays as it is, and of one that is understood in part the rest stays.
    pub async fn retry(&self, ids: &[u64]) -> Result<Retried, AcceptError> {
        if ids.is_empty() {
            return Ok(Retried::default());
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (quarantine, ids, runtime) = (self.clone(), ids.to_vec(), Handle::current());
        // To its end, also if whoever asked leaves: rows whose events were accepted by then would be
        // accepted once more.
        let retried = spawn_blocking(move || {
            let _turn = turn;
            runtime.block_on(quarantine.retry_in_turn(&ids))
        });
        retried.await.expect("a retry is neither cancelled nor panics")
    }

    async fn retry_in_turn(&self, ids: &[u64]) -> Result<Retried, AcceptError> {
        let (mut retried, mut batch, mut bytes) = (Retried::default(), Vec::new(), 0);
        for id in ids {
            let Some(row) = self.row(*id).await? else { continue };
            if bytes + row.body.len() > READ_BYTES_MAX {
                self.try_batch(&mem::take(&mut batch), &mut retried).await?;
                bytes = 0;
            }
            bytes += row.body.len();
            batch.push(row);
        }
        self.try_batch(&batch, &mut retried).await?;
        let Retried { rows, accepted, .. } = retried;
        info!(rows, accepted, "the quarantine was tried again");
        Ok(retried)
    }

    /// Removes these rows for good; answers how many. One that is gone is left out.
    pub async fn purge(&self, ids: Vec<u64>) -> Result<u64, DatabaseError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let purged = self.journal.settle_quarantine(ids, Vec::new()).await?;
        info!(purged, "rows of the quarantine are removed for good");
        Ok(purged)
    }

    /// Tries rows together, or, if the journal refuses something of them, each by itself: a
    /// destination that is over its quota keeps only its own rows here.
    async fn try_batch(
        &self,
        batch: &[Quarantined],
        retried: &mut Retried,
    ) -> Result<(), AcceptError> {
        let together = self.try_rows(batch, retried).await;
        let Some(refused) = of_these_rows(together)? else { return Ok(()) };
        if batch.len() == 1 {
            retried.refused.get_or_insert(refused);
            return Ok(());
        }
        for row in batch.chunks(1) {
            if let Some(refused) = of_these_rows(self.try_rows(row, retried).await)? {
                retried.refused.get_or_insert(refused);
            }
        }
        Ok(())
    }

    async fn try_rows(
        &self,
        rows: &[Quarantined],
        retried: &mut Retried,
    ) -> Result<(), AcceptError> {
        let mut retry = self.nothing_tried();
        for row in rows {
            self.take(row, &mut retry);
        }
        self.settle(retry, retried).await
    }

    fn nothing_tried(&self) -> Retry {
        Retry { routed: self.acceptor.nothing_routed(), gone: Vec::new(), left: Vec::new() }
    }

    fn take(&self, row: &Quarantined, retry: &mut Retry) {
        // What cannot even be taken apart was not written by us, and stays for a person to see.
        let Ok(received) = decode_kept(&row.body, row.time) else { return };
        let Received { events, dropped, rejected } = received;
        let decided = |routed: &Routed| routed.matched + routed.unmatched;
        let before = decided(&retry.routed);
        self.acceptor.route(events.into_iter(), &mut retry.routed);
        let left = mem::take(&mut retry.routed.undecided);
        if left.is_empty() && rejected.is_empty() {
            retry.gone.push(row.key);
        } else if decided(&retry.routed) > before || !dropped.is_empty() {
            let count =
                left.len() + rejected.iter().map(|rejected| rejected.records).sum::<usize>();
            let reasons = rejected.iter().map(|rejected| rejected.reason.to_string());
            let reason = reasons.chain(left.iter().map(undecided)).next().unwrap_or_default();
            let bodies = rejected.into_iter().map(|rejected| rejected.body.into_bytes());
            let lines: Vec<_> = bodies.chain(left.into_iter().map(Arrival::encode)).collect();
            let body = lines.join(&b'\n').into();
            retry.left.push((row.key, Aside { reason: of_many(&reason, count), body }));
        }
    }

    /// Makes what was accepted durable, and only then lets the rows go.
    async fn settle(&self, retry: Retry, retried: &mut Retried) -> Result<(), AcceptError> {
        let Retry { routed, gone, left } = retry;
        let Routed { records, matched, duplicates, tally, sightings, .. } = routed;
        let duplicates = duplicates + self.journal.append(records).await?.duplicates;
        self.acceptor.tell(tally, sightings);
        if gone.is_empty() && left.is_empty() {
            return Ok(());
        }
        let rows = self.journal.settle_quarantine(gone, left).await?;
        metrics::retried(rows);
        retried.rows += rows;
        retried.accepted += matched.saturating_sub(duplicates);
        Ok(())
    }
}

/// What the journal has against these rows and not against any; everything else is an error.
fn of_these_rows(tried: Result<(), AcceptError>) -> Result<Option<AppendError>, AcceptError> {
    match tried {
        Ok(()) => Ok(None),
        Err(AcceptError::Journal(
            refused @ (AppendError::OverQuota { .. } | AppendError::TooLarge { .. }),
        )) => Ok(Some(refused)),
        Err(cause) => Err(cause),
    }
}
