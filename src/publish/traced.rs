//! A span around each request to a destination.

use super::{Limits, Publish, Verdict};
use crate::{
    model::{Destination, Message},
    trace::{Attempt, Spans},
};

/// A publisher whose attempts are told to the traces of their messages.
#[derive(Debug)]
pub struct Traced<P> {
    publisher: P,
    destination: String,
    spans: Spans,
}

impl<P> Traced<P> {
    /// Puts spans around what this publisher does.
    pub fn new(publisher: P, destination: &Destination, spans: Spans) -> Self {
        Self { publisher, destination: destination.as_str().to_owned(), spans }
    }
}

impl<P: Publish> Publish for Traced<P> {
    fn limits(&self) -> Limits {
        self.publisher.limits()
    }

    fn weight(&self, message: &Message) -> usize {
        self.publisher.weight(message)
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        let traces = batch.iter().map(|message| message.trace_id.as_deref());
        let attempt = self.spans.attempt(&self.destination, traces);
        let verdicts = self.publisher.publish(batch).await;
        if let Some(attempt) = attempt {
            end(attempt, &verdicts);
        }
        verdicts
    }
}

fn end(attempt: Attempt, verdicts: &[Verdict]) {
    let delivered = verdicts.iter().filter(|verdict| **verdict == Verdict::Delivered).count();
    let cause = verdicts.iter().find_map(Verdict::cause);
    attempt.end(delivered, cause.map(|cause| (cause.class.name(), &*cause.code)));
}
