//! Who wants an event: bucket → rules that match its type and key.
//!
//! A [`Table`] is compiled from the documents of all buckets and never changes afterwards; a new
//! one takes its place in one atomic swap ([`Shared`]). Matching allocates nothing, does no I/O,
//! and answers in the order of the document.

mod compile;
mod filter;
mod shared;
mod table;
#[cfg(test)]
mod tests;

pub use compile::compile;
pub use filter::KeyFilter;
pub use shared::Shared;
pub use table::{Bucket, Rule, Table};
