//! A port of loopback that answers as SQS, SNS, EventBridge and Lambda do, or as they do on a bad
//! day.
//!
//! Tests and benches share it. What a destination does is a [`script::Script`], which may change while
//! requests come; what it was sent goes to a [`record::Record`]. A message is recorded if and only if its
//! sender is told that it was taken, so an answer that hides a message is no arrival. A message that
//! only probes (`SendMessage`, `Publish`, a dry run) is answered and not recorded. Signatures are
//! not checked, and digests and ids in answers mean nothing: whether fanfare speaks as AWS wants is
//! what moto says.

mod answer;
mod endpoint;
pub(crate) mod record;
mod request;
pub(crate) mod script;

pub(crate) use endpoint::Endpoint;
pub(crate) use request::Entry;
