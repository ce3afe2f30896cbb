//! The bytes of a request in, events out.
//!
//! Accepts what MinIO and RustFS post (`EventName`, `Key`, `Records`), what Amazon and Ceph post
//! (bare `Records`), the same one a line (NDJSON), and records that are wrapped once more
//! (`Records[].data`). Whatever the store, the result is one form: only the fields that Amazon
//! documents are read, so a header that a store copied into its event ends here. Metadata and tags
//! go along for the rules that ask for them, and are in no event.
//!
//! Every record becomes exactly one of three things: an event, a dropped one (Amazon has no name
//! for it), or a rejected one, whose text is kept with the reason. A bad record spoils no other.
//! Only a body that is not JSON is an error, and then of the whole request.
//!
//! Pure: no clock (`now` is an argument), no I/O, no logging, no counting.

mod attributes;
mod details;
mod document;
mod event;
mod json;
mod kept;
mod received;
mod wire;
#[cfg(test)]
mod tests;

pub use attributes::Sent;
pub use document::{DecodeError, Encoding, decode};
pub use kept::decode_kept;
pub use received::{Arrival, DropReason, Dropped, Received, Rejected, Rejection};
