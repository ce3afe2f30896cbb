//! The dead letters of all destinations, as an operator asks for them.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tracing::{info, warn};

use super::{DeadLetter, DeadLetterError, Payload, Remains};
use crate::{
    journal::{self, DeadError, DeadLetterId, Journal, RedriveError},
    model::{BucketName, wildcard},
};

/// How many rows are read at once.
const READ_MAX: usize = 256;
/// How many rows one page looks at, however few of them pass.
const LOOKED_AT_MAX: usize = 16 * READ_MAX;
/// How many bytes go into the journal at once; a letter that has more goes alone.
const REDRIVE_BYTES_MAX: usize = 4 << 20;

/// The dead letters of all destinations.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    journal: Journal,
}

/// Which dead letters: those that fulfil every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The destination's ARN, in which a `*` stands for any characters.
    pub destination: Option<String>,
    /// The object's bucket.
    pub bucket: Option<BucketName>,
    /// What the object's raw key begins with.
    pub prefix: Option<String>,
    /// The code of the last failure, or the name of why it was given up.
    pub code: Option<String>,
    /// Given up at this time or later.
    pub since: Option<Timestamp>,
    /// Given up before.
    pub until: Option<Timestamp>,
}

/// A dead letter in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: DeadLetterId,
    /// When it was given up.
    pub time: Timestamp,
    /// What is known of it.
    pub letter: DeadLetter,
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// By destination, the oldest first.
    pub letters: Vec<Listed>,
    /// After which letter the list goes on; none at its end. There may be one although few letters
    /// were found, or none: looking takes time, too.
    pub after: Option<DeadLetterId>,
}

/// Why a dead letter cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The journal does not have it whole.
    #[error(transparent)]
    Journal(#[from] DeadError),
    /// What it has is not readable.
    #[error(transparent)]
    Letter(#[from] DeadLetterError),
}

impl DeadLetters {
    /// Those that this journal keeps.
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// A page of at most `max`, after one that was listed before.
    pub async fn list(
        &self,
        filter: &Filter,
        mut after: Option<DeadLetterId>,
        max: usize,
    ) -> Result<Page, DeadError> {
        let mut letters = Vec::new();
        let mut looked_at = 0;
        loop {
            let read = READ_MAX.min(max - letters.len());
            let rows = self.journal.dead_letters(filter.lane(), after.clone(), read).await?;
            let is_last = rows.len() < read;
            looked_at += rows.len();
            after = rows.last().map(|row| row.id.clone()).or(after);
            let listed = rows.into_iter().map(|row| {
                let letter = DeadLetter::decode(&row.summary);
                let letter = letter.unwrap_or_else(|cause| damaged(&row, &cause));
                Listed { id: row.id, time: row.time, letter }
            });
            letters.extend(listed.filter(|listed| filter.accepts(listed)));
            if is_last {
                return Ok(Page { letters, after: None });
            }
            if letters.len() >= max || looked_at >= LOOKED_AT_MAX {
                return Ok(Page { letters, after });
            }
        }
    }

    /// A dead letter and what was sent, or would have been; none if there is no such letter.
    pub async fn show(
        &self,
        id: &DeadLetterId,
    ) -> Result<Option<(Listed, Option<Payload>)>, ShowError> {
        let Some(row) = self.journal.dead_letter(id).await? else { return Ok(None) };
        let letter = DeadLetter::decode(&row.summary)?;
        let payload = Remains::decode(&row.body)?.payload;
        Ok(Some((Listed { id: row.id, time: row.time, letter }, payload)))
    }

    /// Whether there is such a letter.
    pub async fn contains(&self, id: &DeadLetterId) -> Result<bool, DeadError> {
        match self.journal.dead_letter(id).await {
            Ok(found) => Ok(found.is_some()),
            Err(DeadError::Damaged { .. }) => Ok(true),
            Err(cause) => Err(cause),
        }
    }

    /// Sends these to their destinations again; answers how many. One that is gone, or damaged, is
    /// left out.
    pub async fn redrive(&self, ids: &[DeadLetterId]) -> Result<u64, RedriveError> {
        let (mut redriven, mut batch, mut bytes) = (0, Vec::new(), 0);
        for id in ids {
            let Some(record) = self.record(id).await? else { continue };
            if bytes + record.len() > REDRIVE_BYTES_MAX && !batch.is_empty() {
                redriven += self.journal.redrive(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += record.len();
            batch.push((id.clone(), record));
        }
        if !batch.is_empty() {
            redriven += self.journal.redrive(batch).await?;
        }
        info!(redriven, "dead letters are sent again");
        Ok(redriven)
    }

    /// Removes these for good; answers how many. One that is gone is left out.
    pub async fn purge(&self, ids: Vec<DeadLetterId>) -> Result<u64, RedriveError> {
        let purged = self.journal.purge(ids).await?;
        info!(purged, "dead letters are removed for good");
        Ok(purged)
    }

    /// The record to append again.
    async fn record(&self, id: &DeadLetterId) -> Result<Option<Bytes>, RedriveError> {
        let damaged = |cause: &dyn std::fmt::Display| {
            warn!(dead_letter = %id, %cause, "not redriven");
            Ok(None)
        };
        match self.journal.dead_letter(id).await {
            Ok(None) => Ok(None),
            Ok(Some(row)) => match Remains::decode(&row.body) {
                Ok(remains) => Ok(Some(remains.record)),
                Err(cause) => damaged(&cause),
            },
            Err(DeadError::Database(cause)) => Err(cause.into()),
            Err(cause @ DeadError::Damaged { .. }) => damaged(&cause),
        }
    }
}

/// What is known of a letter whose summary cannot be read.
fn damaged(row: &journal::DeadLetter, cause: &DeadLetterError) -> DeadLetter {
    DeadLetter {
        destination: Arc::clone(&row.id.lane),
        bucket: None,
        key: None,
        event_type: None,
        event_id: None,
        rule_id: None,
        given_up: None,
        class: "unreadable".into(),
        code: "Damaged".into(),
        message: cause.to_string(),
        attempts: 0,
        accepted: row.time,
        first_failure: None,
        last_failure: None,
        bytes: 0,
    }
}

fn is_named(letter: &DeadLetter, given_up: &str) -> bool {
    letter.given_up.is_some_and(|reason| reason.name() == given_up)
}

impl Filter {
    /// The only lane that can have such letters, if it is known.
    fn lane(&self) -> Option<Arc<str>> {
        self.destination.as_deref().filter(|arn| !arn.contains('*')).map(Arc::from)
    }

    fn accepts(&self, Listed { time, letter, .. }: &Listed) -> bool {
        let Self { destination, bucket, prefix, code, since, until } = self;
        let key = letter.key.as_deref();
        destination.as_ref().is_none_or(|arns| wildcard::fits(arns, &letter.destination))
            && bucket.as_ref().is_none_or(|name| letter.bucket.as_deref() == Some(name.as_str()))
            && prefix.as_ref().is_none_or(|prefix| key.is_some_and(|key| key.starts_with(prefix)))
            && code.as_ref().is_none_or(|code| letter.code == *code || is_named(letter, code))
            && since.is_none_or(|since| *time >= since)
            && until.is_none_or(|until| *time < until)
    }
}
