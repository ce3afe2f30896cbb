//! The S3-compatible API of the notification configurations.
//!
//! Every request is verified before anything of it is believed. What is asked of the documents is
//! asked of the task that owns them.

mod credentials;
mod error_document;
mod server;
mod sigv4;

pub use credentials::{
    AccessKeyId, Action, BucketPattern, Credential, CredentialsConfig, CredentialsConfigError,
};
pub use server::{BindError, Server};
pub use sigv4::{AuthError, Credentials, Principal, SecretError};
