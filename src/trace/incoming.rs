//! What a request says of the trace that it belongs to.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName};
use tracing::debug;

use super::{context::Context, x_ray};

const X_RAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const W3C: HeaderName = HeaderName::from_static("traceparent");

/// The headers that carry a context; read only when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    x_ray: Option<&'a str>,
    w3c: Option<&'a str>,
}

impl<'a> Incoming<'a> {
    /// The headers of a request. An `X-Amzn-Trace-Id` that SQS would refuse is none.
    pub fn of(headers: &'a HeaderMap) -> Self {
        let sent = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let sent_to_x_ray = sent(X_RAY);
        let x_ray = sent_to_x_ray.filter(|sent| x_ray::is_well_formed(sent));
        if sent_to_x_ray.is_some() && x_ray.is_none() {
            debug!("X-Amzn-Trace-Id is not well-formed and goes no further");
        }
        Self { x_ray, w3c: sent(W3C) }
    }

    /// What goes on to AWS if fanfare has no span of its own: X-Ray's header as it is, as Amazon S3
    /// has it, or that of W3C in X-Ray's form.
    pub(super) fn header(self) -> Option<Cow<'a, str>> {
        let converted = || Context::from_w3c(self.w3c?).map(Context::to_x_ray);
        self.x_ray.map(Cow::Borrowed).or_else(|| converted().map(Cow::Owned))
    }

    /// What a span of fanfare's has for a parent. Where both headers are, W3C's is the one that the
    /// client wrote: load balancers add that of X-Ray.
    pub(super) fn context(self) -> Option<Context> {
        let w3c = self.w3c.and_then(Context::from_w3c);
        w3c.or_else(|| self.x_ray.and_then(Context::from_x_ray))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const X: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    const W: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers<const N: usize>(sent: [(HeaderName, &'static str); N]) -> HeaderMap {
        HeaderMap::from_iter(sent.map(|(name, value)| (name, HeaderValue::from_static(value))))
    }

    #[test]
    fn x_ray_s_header_goes_on_as_it_is_and_w3c_s_in_its_form() {
        let goes_on = |headers: &HeaderMap| Incoming::of(headers).header().map(Cow::into_owned);
        assert_eq!(goes_on(&headers([(X_RAY, X), (W3C, W)])).as_deref(), Some(X));
        let converted =
            "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";
        assert_eq!(goes_on(&headers([(W3C, W)])).as_deref(), Some(converted));
        // SQS would refuse it.
        assert_eq!(goes_on(&headers([(X_RAY, "Root=1")])), None);
        assert_eq!(goes_on(&headers([(X_RAY, "Root=1"), (W3C, W)])).as_deref(), Some(converted));
        assert_eq!(goes_on(&headers([])), None);
    }

    #[test]
    fn a_span_s_parent_is_who_wrote_traceparent() {
        let parent = |headers: &HeaderMap| Incoming::of(headers).context();
        assert_eq!(parent(&headers([(X_RAY, X), (W3C, W)])), Context::from_w3c(W));
        assert_eq!(parent(&headers([(X_RAY, X)])), Context::from_x_ray(X));
        assert_eq!(parent(&headers([(W3C, "00")])), None);
    }
}
