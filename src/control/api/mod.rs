//! The S3-compatible API of the notification configurations.
//!
//! Every request is verified before anything of it is believed. What is asked of the documents is
//! asked of the task that owns them ([`super::Requests`]); what is asked of a destination is asked
//! through a [`Probe`] that the daemon gives, since `control` sends nothing itself.

mod addressing;
mod buckets;
mod checksum;
mod config;
mod credentials;
mod destinations;
mod error_document;
mod ids;
mod query;
mod refusals;
mod server;
mod sigv4;

pub use buckets::{Buckets, Unknown};
pub use config::{ApiConfig, Domain, DomainError};
pub use credentials::{
    AccessKeyId, Action, BucketPattern, Credential, CredentialsConfig, CredentialsConfigError,
};
pub use destinations::{Probe, TestEvent, Unfit};
pub use server::{Api, BindError, Server};
pub use sigv4::{AuthError, Credentials, Principal, SecretError};
