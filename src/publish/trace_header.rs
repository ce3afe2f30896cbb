//! The header with which a request itself belongs to a trace.
//!
//! Amazon S3 hands the context on to functions and topics in it; to queues it goes with each message,
//! to buses with each entry.
//!
//! Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-services-s3.html>

use aws_smithy_runtime_api::http::Request;

use crate::model::Message;

const NAME: &str = "x-amzn-trace-id";

/// Adds the header if all messages belong to one trace: a request has only one.
pub(super) fn add<B>(request: &mut Request<B>, trace: Option<&String>) {
    if let Some(trace) = trace {
        // Only a text that is no header is refused, and ingest has let none in.
        drop(request.headers_mut().try_insert(NAME, trace.clone()));
    }
}

/// The trace that all messages have.
pub(super) fn common(batch: &[Message]) -> Option<String> {
    let (first, rest) = batch.split_first()?;
    let is_common = rest.iter().all(|message| message.trace_id == first.trace_id);
    first.trace_id.clone().filter(|_| is_common)
}
