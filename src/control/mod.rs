//! The home of the notification documents: a directory, and an S3-compatible API in front of it.
//!
//! One task owns the documents ([`Store`]), whoever changes them: a person who edits a file, or a
//! request ([`Server`]). The last to write wins, and nobody ever finds two documents mixed.
//!
//! The directory is watched: a changed document is in force within a second, a broken one leaves
//! what was in force before, and no document touches the rules of another bucket.

mod api;
mod config;
mod documents;
mod explain;
mod files;
mod last_good;
mod listing;
mod metrics;
mod read;
mod requests;
mod status;
mod store;
mod watch;
#[cfg(test)]
mod tests;

pub use api::{
    AccessKeyId, Action, Api, ApiConfig, AuthError, BindError, BucketPattern, Buckets, Credential,
    Credentials, CredentialsConfig, CredentialsConfigError, Domain, DomainError, Principal, Probe,
    SecretError, Server, TestEvent, Unfit, Unknown,
};
pub use config::Config;
pub use explain::{Explainer, explain_files};
pub use listing::{documents_in, misnamed_in};
pub use metrics::{describe, observe};
pub use read::{DocumentError, Scope, read_document};
pub use requests::{GetError, PutError, Requests, Stopped, Unreadable};
pub use status::{Broken, InForce, Status};
pub use store::{OpenError, Store, WatchError};
