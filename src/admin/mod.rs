//! What an operator asks of a running daemon: is it alive, is it ready, what has it done, why does
//! a rule want an event or not, and what became of those that could not be delivered, or not even
//! be read.
//!
//! Read-only, except for dead letters, the quarantine and replays. `docs/openapi.yaml` describes
//! all of it, and the port serves that, too.

mod body;
mod buckets;
mod config;
mod dead_letter;
mod dead_letters;
mod destinations;
mod explain;
mod guard;
mod health;
mod named;
mod parameters;
mod quarantine;
mod quarantine_row;
mod refusal;
mod replays;
mod routes;
mod server;
mod status;
mod tail;
#[cfg(test)]
mod tests;

pub use buckets::{Bucket, BucketRules, Buckets, Rule, Rules};
pub use config::{Config, Exposed};
pub use dead_letter::{BATCH_MAX, Batch, DeadLetter, Done, Page, Selection};
pub use destinations::{Books, Destination, Destinations, Lane, LastError};
pub use explain::{Answer, Asked};
pub use guard::{Guard, GuardError};
pub use health::{Document, Health};
pub use quarantine_row::{QuarantineBatch, QuarantineDone, QuarantinePage, QuarantineRow};
pub use refusal::Refusal;
pub use server::{BindError, ListBuckets, Server, Sources};
pub use status::{AllBuckets, Balance, Documents, InForce, Journal, Status, Strays};
