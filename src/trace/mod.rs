//! Which trace a request belongs to, and the spans that say what fanfare did for it.
//!
//! The context of a trace comes in as `traceparent` (W3C) or `X-Amzn-Trace-Id` (X-Ray), is kept
//! with the event in the form of the latter, and goes out to AWS. Spans are exported to an
//! OpenTelemetry collector if the settings name one; without one nothing is made and no thread
//! runs. No event waits for an export: what the collector does not take in time is dropped.

mod config;
mod context;
mod export;
mod ids;
mod incoming;
mod spans;
#[cfg(test)]
mod tests;
mod x_ray;

pub use config::{Config, Endpoint, EndpointError};
pub use export::{OpenError, Traces};
pub use incoming::Incoming;
pub use spans::{Attempt, Request, Spans};
