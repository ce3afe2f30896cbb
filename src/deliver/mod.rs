//! When to send: one lane a destination, each with its own place in the journal.
//!
//! ```text
//!                 fetch                  request                    Delivered
//!   [in journal] ──────▶ [ready] ──────────────────▶ [on the wire] ──────────▶ acknowledged
//!                          ▲  ▲                          │    │
//!                          │  └── nothing of the request ┘    │ the others of the request
//!                          │      was delivered: the lane     │ were delivered: this message
//!                   reread │      slows down                  ▼ waits alone
//!                          └─────────────────────────── [waiting]
//! ```
//!
//! - A lane reads only its own destination's records, so a dead destination delays nobody else.
//! - A message is acknowledged after the service said that it has it, never before: at least once.
//! - A waiting message keeps its place in the journal, not its bytes; a lane's memory does not
//!   grow with its backlog.
//! - A lane does not know which service it talks to.

mod backoff;
mod config;
mod lane;
mod lanes;
mod metrics;
mod pace;
#[cfg(test)]
mod tests;

pub use backoff::{Backoff, BackoffError};
pub use config::Config;
pub use lane::{Lane, LaneError};
pub use lanes::{Lanes, LanesError};
pub use metrics::{describe, observe};
