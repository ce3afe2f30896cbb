//! What others ask of the dead letters, through the journal's handle.
//!
//! A row leaves in four steps, each of which a crash may be the last to follow: the log says in one
//! commit that the letter is none any more, and holds what is redriven; its row is removed; the
//! writer forgets the number. Burials and releases take turns, so that a row that is seen is one
//! whose death the log has heard of.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};
use tracing::warn;

use super::{DeadError, DeadLetter, DeadLetterId, DeadLetters, Store};
use crate::{
    failpoint,
    journal::{
        AppendError, DatabaseError, Journal, handle::APPEND_BYTES_MAX, handle::Shared,
        writer::Command,
    },
};

/// Why dead letters were neither redriven nor purged: all of them are as before.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// The log does not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The dead letters cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A dead letter that is to be none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::journal) struct Leaving {
    pub(in crate::journal) id: DeadLetterId,
    /// What its lane gets again; nothing if it is purged.
    pub(in crate::journal) body: Option<Bytes>,
}

impl Journal {
    /// A page of dead letters without their bodies, of a lane or of all, ordered by lane and number.
    pub async fn dead_letters(
        &self,
        lane: Option<Arc<str>>,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, DeadError> {
        self.ask_dead(move |dead| Ok(dead.page(lane.as_deref(), after.as_ref(), max)?)).await
    }

    /// A dead letter with its body.
    pub async fn dead_letter(&self, id: &DeadLetterId) -> Result<Option<DeadLetter>, DeadError> {
        let id = id.clone();
        self.ask_dead(move |dead| dead.get(&id)).await
    }

    /// What the rows of each lane come to, counted apart from [`Journal::lanes`]. Does not wait.
    pub fn dead_totals(&self) -> BTreeMap<Arc<str>, DeadLetters> {
        self.shared.dead.totals()
    }

    /// Appends each body again for the letter's lane, and takes the letters away; answers how many.
    ///
    /// A letter that is none any more is skipped, so it may be asked again after a crash, which
    /// neither loses a letter nor lets one be sent twice. Finishes even if it is dropped.
    pub async fn redrive(&self, letters: Vec<(DeadLetterId, Bytes)>) -> Result<u64, RedriveError> {
        let leaving = letters.into_iter().map(|(id, body)| Leaving { id, body: Some(body) });
        self.release(leaving.collect()).await
    }

    /// Takes letters away for good: they count as discarded. Otherwise like [`Journal::redrive`].
    pub async fn purge(&self, ids: Vec<DeadLetterId>) -> Result<u64, RedriveError> {
        let leaving = ids.into_iter().map(|id| Leaving { id, body: None });
        self.release(leaving.collect()).await
    }

    async fn release(&self, letters: Vec<Leaving>) -> Result<u64, RedriveError> {
        let bytes = letters.iter().flat_map(|it| &it.body).map(|body| body.len() as u64).sum();
        if bytes > APPEND_BYTES_MAX {
            return Err(AppendError::TooLarge { bytes, limit: APPEND_BYTES_MAX }.into());
        }
        let (shared, queue) = (Arc::clone(&self.shared), self.queue.clone());
        spawn_blocking(move || release(&shared, &queue, letters))
            .await
            .expect("a release is neither cancelled nor panics")
    }

    async fn ask_dead<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> T {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || ask(&shared.dead))
            .await
            .expect("a database call is neither cancelled nor panics")
    }
}

fn release(
    shared: &Shared,
    queue: &mpsc::Sender<Command>,
    mut letters: Vec<Leaving>,
) -> Result<u64, RedriveError> {
    let _turn = shared.dead.turn();
    let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    let mut left: BTreeSet<DeadLetterId> = shared.dead.existing(&ids)?;
    letters.retain(|letter| left.remove(&letter.id));
    if letters.is_empty() {
        return Ok(0);
    }
    let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    let (reply, answer) = oneshot::channel();
    failpoint::here("journal::release");
    if queue.blocking_send(Command::Release { letters, reply }).is_err() {
        return Err(shared.ended().into());
    }
    let released = answer.blocking_recv().unwrap_or_else(|_| Err(shared.ended()))?;
    failpoint::here("journal::released");
    match shared.dead.remove(&ids) {
        // A writer that has gone is not told: the next start finds no rows for the numbers.
        Ok(()) => drop(queue.blocking_send(Command::Forget { ids })),
        Err(error) => warn!(
            error = &error as &dyn Error,
            rows = ids.len(),
            "rows of former dead letters could not be removed; a later change removes them"
        ),
    }
    Ok(released)
}
