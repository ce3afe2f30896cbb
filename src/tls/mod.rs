//! TLS of the three listeners, and whom fanfare trusts as a client.
//!
//! The files are read at the start and looked at every few seconds by content, so a replaced file
//! or a symlink that points elsewhere applies without a restart. Files that cannot be used change
//! nothing: what was in force stays, and the log says why. Connections that are open keep the
//! certificate that they began with. The only cryptography is aws-lc-rs, which the AWS SDK brings.

mod acceptor;
mod certificates;
mod config;
mod expiry;
mod files;
mod metrics;
#[cfg(test)]
mod tests;
mod trust;

pub use acceptor::Acceptor;
pub use certificates::{Certificates, Listeners, load};
pub use config::{Config, ConfigError, Pair};
pub use files::{File, FilesError};
pub use metrics::describe;
pub use trust::{Identity, TrustError, trust, trust_as};
