//! A record as others name it: what is appended, where it came from, what became of it.

use std::sync::Arc;

use bytes::Bytes;

/// Bytes to keep until each of the lanes has finished them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Who gets them. A lane that is named twice gets them once.
    pub lanes: Vec<Arc<str>>,
    /// The bytes.
    pub body: Bytes,
    /// What tells two sendings of the same thing; 0 stands for none.
    pub id: Option<u128>,
    /// Where they came from.
    pub origin: Origin,
}

/// Where a record came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A store sent it.
    #[default]
    Store,
    /// It was a dead letter of its lane, which accepted it once already.
    Redrive,
    /// An operator had what the journal retained sent again.
    Replay,
}

impl Origin {
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Store => 0,
            Self::Redrive => 1,
            Self::Replay => 2,
        }
    }

    /// A code that this program never writes passed the CRC: it is kept for its bytes.
    pub(super) fn of_code(code: u32) -> Self {
        match code {
            1 => Self::Redrive,
            2 => Self::Replay,
            _ => Self::Store,
        }
    }
}

/// What became of a record for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It is among the lane's dead letters.
    Dead,
    /// An operator's own command or setting gave it up.
    Discarded,
    /// Its bytes are gone.
    Lost,
}
