//! When to send: one lane a destination, each with its own place in the journal.
//!
//! ```text
//!                 fetch              request, as limiter           Delivered
//!   [in journal] ──────▶ [ready] ─── and circuit allow ──▶ [wire] ──────────▶ acknowledged
//!        │                ▲  ▲                              │  │ │
//!        │ the head of    │  └─── split, at once ───────────┘  │ └──▶ [grave] ──▶ dead letter
//!        │ its key fails  │                                    │         ▲        (durable, then
//!        ▼                │ read again                  a wait │         │         acknowledged)
//!   [held back] ────▶ [resting] ◀──────────────────────────────┘         │
//!              it is      └──────────────────────────────────────────────┘
//!              finished        too old, over the quota, not asked for
//! ```
//!
//! - A lane reads only its own destination's records and shares no budget with another, so a dead
//!   destination delays nobody else.
//! - A message is acknowledged after the service said that it has it, never before: at least once.
//! - A message that is not about to be sent keeps its place in the journal, not its bytes; a lane's
//!   memory does not grow with its backlog, and one whose circuit is open holds no payload but its
//!   probe's.
//! - Where the order of a key is kept, one message of a key at a time is anywhere but held back.
//! - A destination that is broken is no reason to give up a message, and a message that is at fault
//!   is no reason to stop. What is given up is a durable dead letter first.
//! - A lane does not know which service it talks to.
//!
//! What was tried is kept in memory only: after a restart every message counts anew.

mod backoff;
mod batch;
mod books;
mod circuit;
mod clock;
mod config;
mod dead_letter;
mod dead_letters;
mod graves;
mod intake;
mod lane;
mod lanes;
mod limiter;
mod metrics;
mod policy;
mod pulse;
mod rate;
mod removal;
mod settle;
mod sightings;
mod status;
mod sweep;
#[cfg(test)]
mod tests;
mod ticket;
mod tickets;
mod unread;

pub use backoff::{Backoff, BackoffError, Bounds};
pub use config::{Config, ConfigError, Ordering, OverQuota, Removal, WhenFull};
pub use dead_letter::{DeadLetter, DeadLetterError, GivenUp, Payload, Remains};
pub use dead_letters::{DeadLetters, Filter, Listed, Page, ShowError};
pub use lane::Connection;
pub use lanes::{Lanes, LanesError};
pub use metrics::{describe, observe};
pub use pulse::Pulse;
pub use removal::StillWanted;
pub use status::{LaneState, LaneStatus, LastError, Statuses};
