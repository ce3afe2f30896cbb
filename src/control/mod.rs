//! The home of the notification documents.
//!
//! The directory is watched: a changed document is in force within a second, a broken one leaves
//! what was in force before, and no document touches the rules of another bucket.

mod config;
mod credentials;
mod documents;
mod durable_file;
mod error_document;
mod last_good;
mod listing;
mod questions;
mod read;
mod server;
mod sigv4;
mod status;
mod store;
mod watch;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use credentials::{
    AccessKeyId, Action, BucketPattern, Credential, CredentialsConfig, CredentialsConfigError,
};
pub use listing::documents_in;
pub use questions::Questions;
pub use read::{DocumentError, Scope, read_document};
pub use server::{BindError, Server};
pub use sigv4::{AuthError, Credentials, Principal, SecretError};
pub use status::{Broken, InForce, Status};
pub use store::{OpenError, Store, WatchError};
