//! Ids of traces and spans.

use std::cell::Cell;

use jiff::Timestamp;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

/// Random ids. A trace begins with its second, as X-Ray demands of its own.
#[derive(Debug)]
pub(super) struct Ids;

thread_local! {
    /// The trace of the next span on this thread, if it has one but no parent in it.
    static TRACE: Cell<Option<u128>> = const { Cell::new(None) };
}

/// Starts a span in this trace without a parent. The SDK has no way to say so but the generator.
pub(super) fn in_trace<T>(trace: u128, start: impl FnOnce() -> T) -> T {
    TRACE.set(Some(trace));
    let started = start();
    TRACE.set(None);
    started
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let id = TRACE.take().unwrap_or_else(|| {
            let second = u128::from(Timestamp::now().as_second().cast_unsigned() & 0xffff_ffff);
            second << 96 | fastrand::u128(1..1 << 96)
        });
        TraceId::from_bytes(id.to_be_bytes())
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from_bytes(fastrand::u64(1..).to_be_bytes())
    }
}
