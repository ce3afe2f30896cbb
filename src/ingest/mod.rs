//! Accepts events from stores: HTTP in, matched and durable before it answers.
//!
//! One request is atomic. Only the fields that Amazon documents go any further than `decode`: a
//! store's request headers, RustFS sends its client's `authorization` among them, end there, and an
//! object's metadata and tags where rules are asked who wants the event.

mod accept;
mod body;
mod confidence;
mod config;
mod decode;
mod listen;
mod metrics;
mod misdirected;
mod quarantine;
mod records;
mod refusals;
mod sightings;
#[cfg(test)]
mod tests;

pub use accept::{AcceptError, Accepted, Acceptor};
pub use config::Config;
pub use decode::{
    Arrival, DecodeError, DropReason, Dropped, Encoding, Received, Rejected, Rejection, Sent,
    decode, decode_kept,
};
pub use listen::{BindError, Listener};
pub use metrics::describe;
pub use quarantine::{Quarantine, Retried, Row};
pub use records::add_records;
