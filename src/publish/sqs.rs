//! SQS: `SendMessageBatch`.

use aws_sdk_sqs::{
    Client,
    config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _},
    types::{
        MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
        SendMessageBatchRequestEntry,
    },
};
use futures_util::FutureExt as _;

use super::{
    Cause, Limits, Publish, Verdict,
    failure::{cause_of, failed_request},
    verdict::by_id,
};
use crate::model::{Arn, Message, QueueArn};

/// One queue.
#[derive(Debug)]
pub(super) struct Queue {
    client: Client,
    url: String,
    is_fifo: bool,
}

impl Queue {
    /// The queue's URL follows from its ARN, so that `sqs:GetQueueUrl` need not be allowed.
    pub(super) fn new(client: Client, queue: &QueueArn, endpoint: Option<&str>) -> Self {
        let arn = queue.arn();
        Self { client, url: queue_url(arn, endpoint), is_fifo: arn.is_fifo() }
    }

    /// Sends a message that is nothing but its body, and what a FIFO queue demands.
    pub(super) async fn send_test(&self, message: &Message) -> Result<(), Cause> {
        let mut request =
            self.client.send_message().queue_url(&self.url).message_body(&message.body);
        if self.is_fifo {
            request = request
                .message_group_id(message.group.to_string())
                .message_deduplication_id(message.deduplication_id().to_string());
        }
        request.send().await.map(drop).map_err(|error| cause_of(&error))
    }
}

impl Queue {
    fn entry(&self, index: usize, message: &Message) -> SendMessageBatchRequestEntry {
        let mut entry = SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&message.body);
        if let Some(trace) = &message.trace_id {
            let trace = MessageSystemAttributeValue::builder()
                .data_type("String")
                .string_value(trace)
                .build()
                .expect("the data type is set");
            entry = entry.message_system_attributes(
                MessageSystemAttributeNameForSends::AwsTraceHeader,
                trace,
            );
        }
        if self.is_fifo {
            entry = entry
                .message_group_id(message.group.to_string())
                .message_deduplication_id(message.deduplication_id().to_string());
        }
        entry.build().expect("id and body are set")
    }
}

fn queue_url(arn: &Arn, endpoint: Option<&str>) -> String {
    let (account, name) = (arn.account(), arn.resource());
    if let Some(endpoint) = endpoint {
        return format!("{}/{account}/{name}", endpoint.trim_end_matches('/'));
    }
    format!("{}/{account}/{name}", regional_endpoint(arn.region()))
}

/// Where the SDK finds SQS in a region: each partition has a domain of its own.
fn regional_endpoint(region: &str) -> String {
    let params = Params::builder().region(region).build();
    let resolver = DefaultResolver::new();
    let endpoint = params.ok().and_then(|params| {
        let resolved = resolver.resolve_endpoint(&params).now_or_never()?;
        Some(resolved.ok()?.url().to_owned())
    });
    endpoint.unwrap_or_else(|| format!("https://sqs.{region}.amazonaws.com"))
}

/// Name and type of the trace attribute, which count like the body.
const TRACE_OVERHEAD: usize = "AWSTraceHeader".len() + "String".len();

impl Publish for Queue {
    fn limits(&self) -> Limits {
        Limits { entries: 10, bytes: 1_048_576 }
    }

    fn weight(&self, message: &Message) -> usize {
        let trace = message.trace_id.as_ref().map_or(0, |trace| trace.len() + TRACE_OVERHEAD);
        message.body.len() + trace
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        let entries = batch.iter().enumerate().map(|(index, message)| self.entry(index, message));
        let request = self.client.send_message_batch().queue_url(&self.url);
        let answer = match request.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => answer,
            Err(error) => return failed_request(&error, batch.len()),
        };
        let delivered = answer.successful().iter().map(|entry| (entry.id(), Verdict::Delivered));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_s_url_follows_from_its_arn() {
        let url = |arn: &str, endpoint| queue_url(&arn.parse().unwrap(), endpoint);
        for (partition, region, domain) in [
            ("aws", "eu-west-1", "amazonaws.com"),
            ("aws-cn", "cn-north-1", "amazonaws.com.cn"),
            ("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
            ("aws-iso", "us-iso-east-1", "c2s.ic.gov"),
            ("aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov"),
            ("aws", "garage", "amazonaws.com"),
        ] {
            assert_eq!(
                url(&format!("arn:{partition}:sqs:{region}:123456789012:orders"), None),
                format!("https://sqs.{region}.{domain}/123456789012/orders")
            );
        }
        assert_eq!(
            url("arn:aws:sqs:us-east-1:123456789012:orders", Some("http://127.0.0.1:4566/")),
            "http://127.0.0.1:4566/123456789012/orders"
        );
    }
}
