//! How much a request to each service may hold, and how the service counts.

use bytesize::ByteSize;

use super::service::{clients_at, message};
use crate::{
    model::Region,
    publish::{
        Config, DestinationConfig, Limits, Publish as _, Publisher, RequestBytes, aws::loader,
    },
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/default";

async fn publisher(arn: &str, config: &DestinationConfig) -> Publisher {
    clients_at("http://127.0.0.1:1").await.publisher(&arn.parse().unwrap(), config)
}

#[tokio::test]
async fn a_request_holds_what_its_service_takes_or_what_the_settings_say() {
    for (arn, entries, bytes) in [
        (QUEUE, 10, 1_048_576),
        (TOPIC, 10, 262_144),
        (FUNCTION, 1, 1_000_000),
        (BUS, 10, 1_000_000),
    ] {
        let limits = publisher(arn, &DestinationConfig::default()).await.limits();
        assert_eq!(limits, Limits { entries, bytes }, "{arn}");
        for bytes in [1_024, 1_048_576] {
            let config = DestinationConfig {
                request_bytes: Some(RequestBytes::try_from(ByteSize::b(bytes)).unwrap()),
                ..DestinationConfig::default()
            };
            let limits = publisher(arn, &config).await.limits();
            assert_eq!(limits, Limits { entries, bytes: bytes.try_into().unwrap() }, "{arn}");
        }
    }
}

/// Sources: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>,
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>
#[tokio::test]
async fn a_message_weighs_what_its_service_counts() {
    let message = message();
    let (body, subject) = (message.body.len(), message.subject.len());
    let trace = message.trace_id.as_ref().unwrap().len() + "AWSTraceHeader".len() + "String".len();
    let entry = 14 + "fanfare.s3".len() + message.bucket_arn.len();
    for (arn, weight) in [
        (QUEUE, body + trace),
        (TOPIC, body + subject),
        (FUNCTION, body),
        (BUS, body + subject + entry),
    ] {
        let publisher = publisher(arn, &DestinationConfig::default()).await;
        assert_eq!(publisher.weight(&message), weight, "{arn}");
    }
}

/// A wall clock that jumps would end good requests, and keep the thread busy for long.
#[tokio::test]
async fn no_request_is_watched_by_the_wall_clock() {
    let shared = loader(&Region::default(), &Config::default()).load().await;
    let watch = shared.stalled_stream_protection().unwrap();
    assert!(!watch.upload_enabled() && !watch.download_enabled());
}
