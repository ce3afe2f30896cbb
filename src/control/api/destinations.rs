//! Whether the destinations of a new configuration would take events.
//!
//! A queue or a topic is sent Amazon's test event, a function is asked without being run, a bus is
//! not asked. All are asked at once; every failure is reported, in the order of the document.

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use axum::http::StatusCode;
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use tokio::time::timeout;

use super::error_document::ErrorDocument;
use crate::{
    model::{BucketName, Destination, EventType, EventTypeSet},
    rules::{Document, EventBridge},
};

/// Destinations that are asked at the same time: more than the rules that Amazon allows a bucket.
const ASKED_AT_ONCE: usize = 256;

/// The log names so many of the destinations that fail.
const REASONS_MAX: usize = 5;

/// What a destination is asked with: the ids of the request that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestEvent {
    /// The bucket that is configured.
    pub bucket: BucketName,
    /// The `x-amz-request-id` of the answer.
    pub request_id: String,
    /// The `x-amz-id-2` of the answer.
    pub host_id: String,
}

/// Why a destination would take no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is none of that name.
    Missing,
    /// It exists, and refuses.
    Forbidden,
    /// Nobody can say: it did not answer, or made no sense. In one line.
    Unanswered(String),
}

/// Asks one destination. A topic answers with the id of the message that it was sent.
#[derive(Clone)]
pub struct Probe(Arc<Ask>);

type Ask = dyn Fn(Destination, Arc<TestEvent>) -> BoxFuture<'static, Answer> + Send + Sync;
type Answer = Result<Option<String>, Unfit>;

impl Probe {
    /// `ask` is let go of when it takes too long.
    pub fn new<F>(ask: impl Fn(Destination, Arc<TestEvent>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self(Arc::new(move |destination, event| Box::pin(ask(destination, event))))
    }

    /// Asks every destination of the document once. Answers with the message id that S3 shows of
    /// such a document, if it shows any.
    pub(super) async fn validate(
        &self,
        document: &Document,
        event: TestEvent,
        time: Duration,
    ) -> Result<Option<String>, ErrorDocument> {
        let event = Arc::new(event);
        let mut seen = HashSet::new();
        let destinations = document.rules().iter().map(|rule| &rule.destination);
        let destinations = destinations.filter(|destination| seen.insert(*destination));
        let ask = |(place, destination): (usize, &Destination)| {
            let asked = (self.0)(destination.clone(), Arc::clone(&event));
            let late = Err(Unfit::Unanswered(format!("no answer within {time:?}")));
            let destination = destination.clone();
            async move { (place, destination, timeout(time, asked).await.unwrap_or(late)) }
        };
        let asked: Vec<_> = destinations.enumerate().map(ask).collect();
        let mut answers: Vec<_> =
            stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).collect().await;
        answers.sort_unstable_by_key(|(place, ..)| *place);
        let answers: Vec<_> = answers.into_iter().map(|(_, to, answer)| (to, answer)).collect();
        match refusal(&answers) {
            Some(refusal) => Err(refusal),
            None if shows_message_id(document) => {
                Ok(answers.into_iter().find_map(|(_, answer)| answer.ok().flatten()))
            }
            None => Ok(None),
        }
    }
}

/// The pairs of arguments are numbered, other than those of a configuration that is wrong itself.
fn refusal(answers: &[(Destination, Answer)]) -> Option<ErrorDocument> {
    let unfit = answers.iter().filter_map(|(it, answer)| Some((it, answer.as_ref().err()?)));
    let mut refusal = ErrorDocument::new(
        StatusCode::BAD_REQUEST,
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    );
    let mut reasons = Vec::new();
    for ((destination, unfit), number) in unfit.zip(1..) {
        let (name, value) = argument(destination, unfit);
        if reasons.len() < REASONS_MAX {
            reasons.push(format!("{name}: {value}"));
        }
        refusal = refusal
            .with(format!("ArgumentName{number}"), name)
            .with(format!("ArgumentValue{number}"), value);
    }
    (!refusal.details.is_empty()).then(|| refusal.because(reasons.join("; ")))
}

/// Amazon's words, but for a destination that does not answer, which Amazon does not have.
fn argument(destination: &Destination, unfit: &Unfit) -> (String, String) {
    let arn = destination.as_str();
    let noun = match destination {
        Destination::Queue(_) => "queue",
        Destination::Topic(_) => "topic",
        Destination::Function(_) => "function",
        Destination::Bus(_) => "bus",
    };
    let value = match (unfit, destination) {
        (Unfit::Missing | Unfit::Forbidden, Destination::Function(_)) => {
            return (format!("{arn}, null"), format!("Not authorized to invoke function [{arn}]"));
        }
        (Unfit::Missing, _) => format!("The destination {noun} does not exist"),
        (Unfit::Forbidden, _) => format!(
            "Permissions on the destination {noun} do not allow S3 to publish notifications from \
             this bucket"
        ),
        (Unfit::Unanswered(cause), _) => format!(
            "The destination {noun} cannot be asked ({cause}); mend that, or store the \
             configuration unasked with x-amz-skip-destination-validation: true"
        ),
    };
    (arn.to_owned(), value)
}

/// S3 shows the id of the test message for one kind of document only.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotification.html>
fn shows_message_id(document: &Document) -> bool {
    let only = EventTypeSet::from_iter([EventType::ReducedRedundancyLostObject]);
    match document.rules() {
        [rule] if document.event_bridge() == EventBridge::Off => {
            matches!(rule.destination, Destination::Topic(_)) && rule.event_types() == only
        }
        _ => false,
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;
    use crate::{
        model::Region,
        rules::{self, Context},
    };

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";
    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn document(json: &serde_json::Value) -> Document {
        let (bucket, region) = ("photos".parse().unwrap(), Region::default());
        let config = rules::Config { overlap: rules::Overlap::Allow, ..rules::Config::default() };
        let context = Context { bucket: &bucket, region: region.as_str(), config: &config };
        Document::from_json(json.to_string().as_bytes(), &context).unwrap()
    }

    /// One rule for each, functions before queues before topics, and one queue twice.
    fn every_kind() -> Document {
        let events = ["s3:ObjectCreated:*"];
        document(&serde_json::json!({
            "LambdaFunctionConfigurations": [{ "LambdaFunctionArn": FUNCTION, "Events": events }],
            "QueueConfigurations": [
                { "QueueArn": QUEUE, "Events": events },
                { "QueueArn": QUEUE, "Events": ["s3:ObjectRemoved:*"] },
            ],
            "TopicConfigurations": [{ "TopicArn": TOPIC, "Events": events }],
        }))
    }

    async fn validated(document: &Document, probe: Probe) -> Result<Option<String>, Vec<String>> {
        let (request_id, host_id) = ("5582815E1AEA5ADF".to_owned(), "h".to_owned());
        let event = TestEvent { bucket: "photos".parse().unwrap(), request_id, host_id };
        let validated = probe.validate(document, event, Duration::from_secs(5)).await;
        validated.map_err(|refusal| {
            assert_eq!(refusal.code, "InvalidArgument");
            refusal.details.iter().map(|(name, value)| format!("{name}={value}")).collect()
        })
    }

    #[tokio::test]
    async fn every_unfit_destination_is_named_once_and_in_order() {
        let probe = Probe::new(async |_, _| Err(Unfit::Missing));
        let arguments = validated(&every_kind(), probe).await.unwrap_err();
        assert_eq!(
            arguments,
            [
                format!("ArgumentName1={TOPIC}"),
                "ArgumentValue1=The destination topic does not exist".into(),
                format!("ArgumentName2={QUEUE}"),
                "ArgumentValue2=The destination queue does not exist".into(),
                format!("ArgumentName3={FUNCTION}, null"),
                format!("ArgumentValue3=Not authorized to invoke function [{FUNCTION}]"),
            ]
        );
    }

    #[tokio::test]
    async fn a_destination_that_refuses_is_told_from_one_that_is_missing() {
        let probe = Probe::new(async |destination: Destination, _| match destination {
            Destination::Queue(_) => Err(Unfit::Forbidden),
            _ => Ok(None),
        });
        let arguments = validated(&every_kind(), probe).await.unwrap_err();
        let words = "Permissions on the destination queue do not allow S3 to publish \
                     notifications from this bucket";
        assert_eq!(
            arguments,
            [format!("ArgumentName1={QUEUE}"), format!("ArgumentValue1={words}")]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn destinations_are_asked_at_once_and_none_for_ever() {
        let started = Instant::now();
        let arguments = validated(&every_kind(), Probe::new(|_, _| pending())).await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::from_secs(5));
        assert_eq!(arguments.len(), 6);
        assert!(arguments.iter().any(|it| it.contains("no answer within 5s")), "{arguments:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_answer_holds_back_no_other() {
        let rules = (0..100).map(|n| {
            let arn = format!("{QUEUE}{n}");
            serde_json::json!({ "QueueArn": arn, "Events": ["s3:ObjectCreated:*"] })
        });
        let rules: Vec<_> = rules.collect();
        let document = document(&serde_json::json!({ "QueueConfigurations": rules }));
        let probe = Probe::new(async |destination: Destination, _| {
            if destination.as_str().ends_with("q0") { pending().await } else { Ok(None) }
        });
        let arguments = validated(&document, probe).await.unwrap_err();
        assert_eq!(arguments.len(), 2, "{arguments:?}");
    }

    #[tokio::test]
    async fn the_id_of_the_test_message_is_shown_for_a_lost_object_alone() {
        let lost = "s3:ReducedRedundancyLostObject";
        let topic = |events: &[&str]| serde_json::json!({ "TopicArn": TOPIC, "Events": events });
        let (one, also) = (topic(&[lost]), topic(&[lost, "s3:ObjectAcl:Put"]));
        let queue = serde_json::json!({ "QueueArn": QUEUE, "Events": [lost] });
        for (json, shown) in [
            (serde_json::json!({ "TopicConfigurations": [one] }), true),
            (serde_json::json!({ "TopicConfigurations": [also] }), false),
            (serde_json::json!({ "TopicConfigurations": [one, one] }), false),
            (serde_json::json!({ "QueueConfigurations": [queue] }), false),
            (
                serde_json::json!({ "TopicConfigurations": [one], "QueueConfigurations": [queue] }),
                false,
            ),
            (
                serde_json::json!({
                    "TopicConfigurations": [one], "EventBridgeConfiguration": {}
                }),
                false,
            ),
        ] {
            let probe = Probe::new(async |_, _| Ok(Some("id".to_owned())));
            let id = validated(&document(&json), probe).await.unwrap();
            assert_eq!(id.is_some(), shown, "{json}");
        }
    }
}
