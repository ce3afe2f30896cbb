//! Which spans there are, and whose children they are.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanId, SpanKind, Status, TracerProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter},
};

use super::{Incoming, Spans, context::Context, ids::Ids};

const W3C: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

/// The spans that have ended. Locked for the time of a push or a look.
#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Ended {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Ended {
    fn spans() -> (Spans, Self) {
        let ended = Self::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(ended.clone())
            .with_id_generator(Ids)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .build();
        (Spans::of(provider.tracer("test")), ended)
    }

    fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    #[track_caller]
    fn only(&self) -> SpanData {
        let mut spans = self.take();
        assert_eq!(spans.len(), 1, "{spans:?}");
        spans.remove(0)
    }
}

/// Answers a request with this header; what its events carry on.
fn carried(spans: &Spans, name: &'static str, header: &'static str) -> Option<String> {
    let (name, header) = (HeaderName::from_static(name), HeaderValue::from_static(header));
    let headers = HeaderMap::from_iter([(name, header)]);
    let request = spans.request(Incoming::of(&headers));
    let carried = request.header().map(str::to_owned);
    request.end(200);
    carried
}

fn context(span: &SpanData) -> Context {
    let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
    Context::from_w3c(&format!("00-{trace}-{id}-01")).unwrap()
}

#[test]
fn a_request_s_span_is_the_client_s_child_and_the_parent_of_what_follows() {
    let (spans, ended) = Ended::spans();
    let header = carried(&spans, "traceparent", W3C).unwrap();
    let span = ended.only();
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(Context::from_x_ray(&header), Some(context(&span)));
}

#[test]
fn a_root_alone_names_the_trace_and_no_parent() {
    let (spans, ended) = Ended::spans();
    carried(&spans, "x-amzn-trace-id", ROOT);
    let span = ended.only();
    assert_eq!(span.span_context.trace_id().to_string(), "5759e988bd862e3fe1be46a994272793");
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    // The next is in a trace of its own.
    carried(&spans, "x-other", "");
    assert_ne!(ended.only().span_context.trace_id(), span.span_context.trace_id());
}

#[test]
fn a_trace_that_is_not_sampled_has_no_span_and_goes_on_as_it_came() {
    let (spans, ended) = Ended::spans();
    for header in [
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
    ] {
        assert_eq!(carried(&spans, "x-amzn-trace-id", header).as_deref(), Some(header));
        assert!(spans.attempt("q", [Some(header)].into_iter()).is_none(), "{header}");
        assert!(ended.take().is_empty(), "{header}");
    }
}

#[test]
fn an_attempt_for_one_trace_is_its_child_and_one_for_several_is_linked_to_each() {
    let (spans, ended) = Ended::spans();
    let one = Context::from_w3c(W3C).unwrap().to_x_ray();
    let other = format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=1");
    let messages = [Some(one.as_str()), Some(&one), None];
    spans.attempt("q", messages.into_iter()).unwrap().end(3, None);
    let child = ended.only();
    assert_eq!(child.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!((child.name.as_ref(), child.links.len()), ("send q", 0));

    let messages = [Some(one.as_str()), Some(&other), Some(&one)];
    spans.attempt("q", messages.into_iter()).unwrap().end(3, None);
    let linked = ended.only();
    assert_eq!(linked.parent_span_id, SpanId::INVALID);
    let links = linked.links.iter().map(|link| link.span_context.span_id().to_string());
    assert_eq!(links.collect::<Vec<_>>(), ["b7ad6b7169203331", "53995c3f42cd8ad8"]);
}

#[test]
fn an_attempt_that_failed_says_why_and_one_that_is_let_go_of_says_nothing() {
    let (spans, ended) = Ended::spans();
    let attempt = || spans.attempt("q", [None, None].into_iter()).unwrap();
    attempt().end(1, Some(("throttled", "SlowDown")));
    let failed = ended.only();
    assert_eq!(failed.status, Status::error("SlowDown"));
    drop(attempt());
    assert_eq!(ended.only().status, Status::Unset);
}

#[test]
fn without_a_collector_there_are_no_spans_and_the_header_goes_on() {
    let spans = Spans::default();
    assert_eq!(carried(&spans, "x-amzn-trace-id", ROOT).as_deref(), Some(ROOT));
    assert!(spans.attempt("q", [Some(ROOT)].into_iter()).is_none());
}
