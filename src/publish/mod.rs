//! How to send: one file a service, and one typed verdict a message.
//!
//! A publisher makes one request and reports what became of each message. It never retries,
//! waits, or logs a delivery: when to try again is the lane's decision.

mod aws;
mod class;
mod config;
mod endpoint_url;
mod eventbridge;
mod failure;
mod lambda;
mod limits;
mod probe;
mod role;
mod sns;
mod sqs;
mod trace_header;
mod traced;
#[cfg(test)]
mod tests;
mod verdict;

use crate::model::Message;

pub use aws::{Aws, Publisher};
pub use class::Class;
pub use config::{
    Config, DestinationConfig, EventBridgeConfig, RequestBytes, RequestBytesError, ServiceConfig,
};
pub use endpoint_url::{EndpointUrl, EndpointUrlError};
pub use limits::Limits;
pub use probe::Unfit;
pub use role::{RoleArn, RoleArnError};
pub use traced::Traced;
pub use verdict::{Cause, Fault, Verdict};

/// One destination.
pub trait Publish: Send + Sync + 'static {
    /// What a request may hold.
    fn limits(&self) -> Limits;

    /// The bytes that this message takes of [`Limits::bytes`].
    fn weight(&self, message: &Message) -> usize;

    /// Sends the messages in one request. Answers one verdict a message, in their order.
    fn publish(&self, batch: &[Message]) -> impl Future<Output = Vec<Verdict>> + Send;
}
