//! A dead letter, its name, and why one cannot be had.

use std::{
    fmt::{self, Display},
    num::ParseIntError,
    str::FromStr,
    sync::Arc,
};

use bytes::Bytes;
use bytesize::ByteSize;
use jiff::Timestamp;

use crate::journal::{DatabaseError, Position};

/// Which dead letter: the lane that gave it up, and its record's number. Written `LANE#NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadLetterId {
    // First, so that it decides the derived order, which is that of the rows.
    /// The lane.
    pub lane: Arc<str>,
    /// The number of the record, unique in its journal.
    pub seq: u64,
}

impl Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.lane, self.seq)
    }
}

/// Why a text names no dead letter.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadDeadLetterId {
    /// There is no `#`.
    #[error("`{text}` is not a destination, `#` and a number")]
    NoNumber {
        /// The text.
        text: String,
    },
    /// What follows the last `#` is no number.
    #[error("`{text}` does not end in a number")]
    BadNumber {
        /// The text.
        text: String,
        /// Why it is none.
        source: ParseIntError,
    },
}

impl FromStr for DeadLetterId {
    type Err = BadDeadLetterId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once('#').filter(|(lane, _)| !lane.is_empty());
        let (lane, seq) = parts.ok_or_else(|| BadDeadLetterId::NoNumber { text: text.into() })?;
        let bad = |source| BadDeadLetterId::BadNumber { text: text.into(), source };
        Ok(Self { lane: lane.into(), seq: seq.parse().map_err(bad)? })
    }
}

/// A record in flight that its lane gives up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burial {
    /// Which.
    pub position: Position,
    /// What a listing shows; small.
    pub summary: Bytes,
    /// The rest.
    pub body: Bytes,
}

/// What a lane has given up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which.
    pub id: DeadLetterId,
    /// When it was buried.
    pub time: Timestamp,
    /// What a listing shows; empty in a page if the row is damaged.
    pub summary: Bytes,
    /// The rest; empty in a page.
    pub body: Bytes,
}

/// What the store holds of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// How many.
    pub count: u64,
    /// What they count against the limit.
    pub bytes: u64,
}

/// Why the dead letters cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeadError {
    /// Their database does not do it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row is not what was written.
    #[error("dead letter {id} has changed on disk; it can only be purged")]
    Damaged {
        /// Which.
        id: DeadLetterId,
    },
}

/// Why records were not buried; they are in flight as before.
#[derive(Debug, thiserror::Error)]
pub enum BuryError {
    /// The dead letters have reached their limit.
    #[error(
        "the dead letters hold {} of at most {}; redrive or purge some, or raise \
         `journal.dead_letters_limit`",
        ByteSize::b(*bytes), ByteSize::b(*limit)
    )]
    Full {
        /// What they hold.
        bytes: u64,
        /// What they may hold.
        limit: u64,
    },
    /// Their database did not take them.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let id = DeadLetterId { lane: "arn:aws:sqs:us-east-1:1:a#b".into(), seq: 42 };
        assert_eq!(id.to_string(), "arn:aws:sqs:us-east-1:1:a#b#42");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_names_no_dead_letter_is_refused() {
        for text in ["", "lane", "#1"] {
            let refused = text.parse::<DeadLetterId>();
            assert_eq!(refused, Err(BadDeadLetterId::NoNumber { text: text.into() }));
        }
        for text in ["lane#", "lane#-1", "lane#1x"] {
            let refused = text.parse::<DeadLetterId>();
            assert!(matches!(refused, Err(BadDeadLetterId::BadNumber { .. })), "{refused:?}");
        }
    }
}
