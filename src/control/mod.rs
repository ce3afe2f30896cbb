//! The home of the notification documents.
//!
//! The directory is watched: a changed document is in force within a second, a broken one leaves
//! what was in force before, and no document touches the rules of another bucket.

mod config;
mod documents;
mod durable_file;
mod server;
mod store;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use documents::{Broken, DocumentError, InForce, Scope, Status, documents_in, read_document};
pub use server::{BindError, Server};
pub use store::{OpenError, Store, WatchError};
