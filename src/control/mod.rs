//! The home of the notification documents.
//!
//! The directory is watched: a changed document is in force within a second, a broken one leaves
//! what was in force before, and no document touches the rules of another bucket.

mod api;
mod config;
mod documents;
mod durable_file;
mod last_good;
mod listing;
mod questions;
mod read;
mod status;
mod store;
mod watch;
#[cfg(test)]
mod tests;

pub use api::{
    AccessKeyId, Action, AuthError, BindError, BucketPattern, Credential, Credentials,
    CredentialsConfig, CredentialsConfigError, Principal, SecretError, Server,
};
pub use config::Config;
pub use listing::documents_in;
pub use questions::Questions;
pub use read::{DocumentError, Scope, read_document};
pub use status::{Broken, InForce, Status};
pub use store::{OpenError, Store, WatchError};
