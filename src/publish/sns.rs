//! SNS: `PublishBatch`.

use aws_sdk_sns::{Client, types::PublishBatchRequestEntry};

use super::{
    Cause, Limits, Publish, Verdict,
    failure::{cause_of, failed_request},
    trace_header,
    verdict::by_id,
};
use crate::model::{Message, TopicArn};

/// One topic.
#[derive(Debug)]
pub(super) struct Topic {
    client: Client,
    arn: String,
    is_fifo: bool,
}

impl Topic {
    pub(super) fn new(client: Client, topic: &TopicArn) -> Self {
        Self { client, arn: topic.to_string(), is_fifo: topic.arn().is_fifo() }
    }

    /// Sends a message on its own. Answers the id that SNS gave it.
    pub(super) async fn send_test(&self, message: &Message) -> Result<Option<String>, Cause> {
        let request = self.client.publish().topic_arn(&self.arn);
        let mut request = request.subject(message.subject).message(&message.body);
        if self.is_fifo {
            request = request
                .message_group_id(message.group.to_string())
                .message_deduplication_id(message.deduplication_id().to_string());
        }
        request.send().await.map(|answer| answer.message_id).map_err(|error| cause_of(&error))
    }
}

impl Topic {
    fn entry(&self, index: usize, message: &Message) -> PublishBatchRequestEntry {
        let mut entry = PublishBatchRequestEntry::builder()
            .id(index.to_string())
            .subject(message.subject)
            .message(&message.body);
        if self.is_fifo {
            entry = entry
                .message_group_id(message.group.to_string())
                .message_deduplication_id(message.deduplication_id().to_string());
        }
        entry.build().expect("id and message are set")
    }
}

impl Publish for Topic {
    /// A topic's owner can raise the 256 KiB to 1 MiB; the smaller number is right for both.
    fn limits(&self) -> Limits {
        Limits { entries: 10, bytes: 262_144 }
    }

    fn weight(&self, message: &Message) -> usize {
        message.body.len() + message.subject.len()
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        let entries = batch.iter().enumerate().map(|(index, message)| self.entry(index, message));
        let request = self.client.publish_batch().topic_arn(&self.arn);
        let request = request.set_publish_batch_request_entries(Some(entries.collect()));
        let trace = trace_header::common(batch);
        let request = request.customize().mutate_request(move |request| {
            trace_header::add(request, trace.as_ref());
        });
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return failed_request(&error, batch.len()),
        };
        let delivered = answer
            .successful()
            .iter()
            .map(|entry| (entry.id().unwrap_or_default(), Verdict::Delivered));
        let failed = answer.failed().iter().map(|entry| {
            let message = entry.message().unwrap_or_default();
            (
                entry.id(),
                Verdict::refused(
                    entry.sender_fault().into(),
                    Cause::from_code(entry.code(), None, message),
                ),
            )
        });
        by_id(batch.len(), delivered.chain(failed))
    }
}
