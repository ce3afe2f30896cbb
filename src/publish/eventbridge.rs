//! EventBridge: `PutEvents`.

use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};

use super::{Cause, Fault, Limits, Publish, Verdict, failure::failed_request};
use crate::model::{BusArn, Message};

/// One event bus.
#[derive(Debug)]
pub(super) struct Bus {
    client: Client,
    arn: String,
    source: String,
}

impl Bus {
    pub(super) fn new(client: Client, bus: &BusArn, source: String) -> Self {
        Self { client, arn: bus.to_string(), source }
    }

    fn entry(&self, message: &Message) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.arn)
            .source(&self.source)
            .detail_type(message.subject)
            .detail(&message.body)
            .time(DateTime::from_secs(message.time.as_second()))
            .resources(&message.bucket_arn)
            .set_trace_header(message.trace_id.clone())
            .build()
    }
}

/// What EventBridge counts for `Time`.
const TIME_BYTES: usize = 14;

impl Publish for Bus {
    fn limits(&self) -> Limits {
        Limits { entries: 10, bytes: 1_000_000 }
    }

    fn weight(&self, message: &Message) -> usize {
        TIME_BYTES
            + self.source.len()
            + message.subject.len()
            + message.body.len()
            + message.bucket_arn.len()
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        let entries = batch.iter().map(|message| self.entry(message));
        let request = self.client.put_events().set_entries(Some(entries.collect()));
        match request.send().await {
            // The answer's entries stand in the order of the request's; one that is missing is
            // not known to have been delivered.
            Ok(answer) => {
                let told = answer.entries().iter().map(verdict);
                told.chain(std::iter::repeat_with(Verdict::unanswered)).take(batch.len()).collect()
            }
            Err(error) => failed_request(&error, batch.len()),
        }
    }
}

fn verdict(entry: &PutEventsResultEntry) -> Verdict {
    match (entry.event_id(), entry.error_code()) {
        (_, Some(code)) => {
            let message = entry.error_message().unwrap_or_default();
            // EventBridge lays no fault on anyone.
            Verdict::refused(Fault::Service, Cause::from_code(code, None, message))
        }
        (Some(_), None) => Verdict::Delivered,
        (None, None) => Verdict::unanswered(),
    }
}
