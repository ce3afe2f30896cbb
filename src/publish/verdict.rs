//! What became of one message.

use std::{fmt, time::Duration};

use super::{Class, class::Row};
use crate::model::OneLine;

/// The outcome of one attempt for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The service has it.
    Delivered,
    /// Not delivered; another attempt may succeed.
    Retry {
        /// How long the service asked to wait.
        after: Option<Duration>,
        /// Why not.
        cause: Cause,
    },
    /// The service will never take this message.
    Reject(Cause),
}

/// Whose fault the service says a refused entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Ours.
    Sender,
    /// Its own.
    Service,
}

impl From<bool> for Fault {
    /// From the `SenderFault` of SQS and SNS.
    fn from(sender: bool) -> Self {
        if sender { Self::Sender } else { Self::Service }
    }
}

/// A cause is kept with every message that waits and logged with every failed attempt, so what a
/// service says has at most so many bytes.
pub(super) const CAUSE_BYTES_MAX: usize = 300;

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The kind of failure.
    pub class: Class,
    /// The service's error code, or ours where no answer came.
    pub code: Box<str>,
    /// The service's words.
    pub message: Box<str>,
}

impl Verdict {
    /// The verdicts on the messages of a request that was refused as a whole.
    ///
    /// None of several is rejected for it, since the answer does not say which it means: in smaller
    /// requests the others will be taken. A message that stood alone is the one that was meant, so
    /// that no request of one has [`Class::BatchShape`].
    pub fn of_request(messages: usize, after: Option<Duration>, cause: Cause) -> Vec<Self> {
        let cause = match (cause.class, messages) {
            (_, ..=1) => cause.of_one(),
            (Class::Poison, _) => Cause { class: Class::Unknown, ..cause },
            _ => cause,
        };
        vec![Self::failed(after, cause); messages]
    }

    /// The verdict on a message that the service refused with this code.
    pub fn failed(after: Option<Duration>, cause: Cause) -> Self {
        match cause.class {
            Class::Poison => Self::Reject(cause),
            _ => Self::Retry { after, cause },
        }
    }

    /// Why the message was not delivered.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Delivered => None,
            Self::Retry { cause, .. } | Self::Reject(cause) => Some(cause),
        }
    }

    /// The verdict on one entry of a batch that was otherwise taken. A fault that the service
    /// lays on the sender and that the table does not know is the message's own.
    pub fn refused(fault: Fault, cause: Cause) -> Self {
        let cause = cause.of_one();
        match (cause.class, fault) {
            (Class::Unknown, Fault::Sender) => Self::Reject(cause),
            _ => Self::failed(None, cause),
        }
    }

    /// The verdict on a message that the answer does not mention.
    pub fn unanswered() -> Self {
        let message = "the answer does not mention this message".into();
        let cause = Cause { class: Class::Transient, code: "MissingEntry".into(), message };
        Self::Retry { after: None, cause }
    }
}

/// Orders verdicts that came by entry id, which is the message's place in the batch.
pub(super) fn by_id<'a>(
    len: usize,
    answers: impl IntoIterator<Item = (&'a str, Verdict)>,
) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::unanswered(); len];
    for (id, verdict) in answers {
        if let Some(slot) = id.parse().ok().and_then(|index: usize| verdicts.get_mut(index)) {
            *slot = verdict;
        }
    }
    verdicts
}

impl Cause {
    /// Classifies an error by the service's code.
    pub fn from_code(code: &str, status: Option<u16>, message: &str) -> Self {
        let class = Class::of(code, status);
        let [code, message] = [code, message].map(|text| short(text, CAUSE_BYTES_MAX).into());
        Self { class, code, message }
    }

    /// The cause of what is about one message: what is too large cannot be made smaller.
    fn of_one(self) -> Self {
        let class = match (self.class, Row::of(&self.code)) {
            (Class::BatchShape, Some(Row::Malformed)) => Class::Unknown,
            (Class::BatchShape, _) => Class::Poison,
            (class, _) => class,
        };
        Self { class, ..self }
    }
}

/// One line, whatever the service says.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", OneLine(&self.code), OneLine(&self.message))
    }
}

/// The beginning of a text, of at most so many bytes.
pub(super) fn short(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
