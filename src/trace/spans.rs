//! A span a request on `listen.events`, and one an attempt to deliver.

use std::borrow::Cow;

use opentelemetry::{
    Context as Parents, KeyValue,
    trace::{
        Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt,
        TraceFlags, TraceId, TraceState, Tracer,
    },
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::{
    Incoming,
    context::{Context, Sampled},
    ids::in_trace,
};

/// Starts spans, or none if nobody is to have them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Spans(Option<SdkTracer>);

/// A request that is being answered.
#[derive(Debug)]
pub struct Request<'a> {
    span: Option<Span>,
    header: Option<Cow<'a, str>>,
}

/// An attempt that is on the wire. One that is let go of ends without an outcome.
#[derive(Debug)]
pub struct Attempt(Span);

impl Spans {
    pub(super) fn of(tracer: SdkTracer) -> Self {
        Self(Some(tracer))
    }

    /// Starts the span of a request.
    pub fn request<'a>(&self, incoming: Incoming<'a>) -> Request<'a> {
        let Some(tracer) = &self.0 else {
            return Request { span: None, header: incoming.header() };
        };
        let builder = SpanBuilder::from_name("POST")
            .with_kind(SpanKind::Server)
            .with_attributes([KeyValue::new("http.request.method", "POST")]);
        let Some(span) = start(tracer, builder, incoming.context()) else {
            // A trace that is not sampled goes on as it came.
            return Request { span: None, header: incoming.header() };
        };
        let header = Some(own_context(span.span_context()).to_x_ray().into());
        Request { span: Some(span), header }
    }

    /// Starts the span of an attempt for messages with these trace headers, as far as they have
    /// any. It is a child of the one trace that all belong to, or else linked to each.
    pub fn attempt<'a>(
        &self,
        destination: &str,
        messages: impl ExactSizeIterator<Item = Option<&'a str>>,
    ) -> Option<Attempt> {
        let tracer = self.0.as_ref()?;
        let attributes = [
            KeyValue::new("messaging.operation.type", "send"),
            KeyValue::new("messaging.destination.name", destination.to_owned()),
            KeyValue::new("messaging.batch.message_count", count(messages.len())),
        ];
        let mut contexts: Vec<Context> = Vec::new();
        for context in messages.flatten().filter_map(Context::from_x_ray) {
            if !contexts.contains(&context) {
                contexts.push(context);
            }
        }
        let builder = SpanBuilder::from_name(format!("send {destination}"))
            .with_kind(SpanKind::Producer)
            .with_attributes(attributes);
        let span = match contexts.as_slice() {
            [] => start(tracer, builder, None),
            [context] => start(tracer, builder, Some(*context)),
            several if several.iter().all(|context| context.sampled == Sampled::No) => None,
            several => {
                let links = several.iter().filter_map(remote).map(Link::with_context);
                start(tracer, builder.with_links(links.collect()), None)
            }
        };
        span.map(Attempt)
    }
}

impl Request<'_> {
    /// The trace header that the events of this request have.
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// Ends the span.
    pub fn end(self, status: u16) {
        let Some(mut span) = self.span else { return };
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        // Of a server's span, only its own failures are errors.
        if status >= 500 {
            span.set_status(Status::error(""));
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
        }
        span.end();
    }
}

impl Attempt {
    /// Ends the span: how many messages were delivered, and the class and code of the first that
    /// was not.
    pub fn end(self, delivered: usize, failure: Option<(&str, &str)>) {
        let Self(mut span) = self;
        span.set_attribute(KeyValue::new("fanfare.delivered", count(delivered)));
        if let Some((class, code)) = failure {
            span.set_attribute(KeyValue::new("fanfare.class", class.to_owned()));
            span.set_attribute(KeyValue::new("error.type", code.to_owned()));
            span.set_status(Status::error(code.to_owned()));
        }
        span.end();
    }
}

/// Starts a span, unless its trace is not sampled. The SDK's sampler would not do: it follows a
/// parent, and a trace may be named without one.
fn start(tracer: &SdkTracer, builder: SpanBuilder, context: Option<Context>) -> Option<Span> {
    // Never the context of the thread: a span of the runtime's other tasks could be there.
    let nothing = Parents::new();
    let span = match context {
        Some(Context { sampled: Sampled::No, .. }) => return None,
        None => tracer.build_with_context(builder, &nothing),
        Some(context) => match remote(&context) {
            Some(parent) => {
                tracer.build_with_context(builder, &nothing.with_remote_span_context(parent))
            }
            None => in_trace(context.trace, || tracer.build_with_context(builder, &nothing)),
        },
    };
    Some(span)
}

/// The span that the context names as the parent, if it names one.
fn remote(context: &Context) -> Option<SpanContext> {
    let (trace, span) = (TraceId::from_bytes(context.trace.to_be_bytes()), context.parent?);
    let flags = TraceFlags::default().with_sampled(context.sampled != Sampled::No);
    let span = SpanId::from_bytes(span.to_be_bytes());
    Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

fn own_context(span: &SpanContext) -> Context {
    let trace = u128::from_be_bytes(span.trace_id().to_bytes());
    let parent = u64::from_be_bytes(span.span_id().to_bytes());
    Context { trace, parent: Some(parent), sampled: Sampled::Yes }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
