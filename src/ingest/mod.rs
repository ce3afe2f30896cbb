//! The ingest stage.

mod decode;

pub use decode::{
    DecodeError, DropReason, Dropped, Encoding, Received, Rejected, Rejection, decode,
};
