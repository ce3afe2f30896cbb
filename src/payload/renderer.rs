//! The face of the stage: an event and a form in, a message out.

use jiff::Timestamp;

use super::{Config, EventVersion, event_bridge, s3_event, test_event};
use crate::model::{BucketName, Event, EventId, GroupId, Message, Owners, Region, RuleId};

/// The two forms in which Amazon S3 tells of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{"Records":[…]}` with one record: SQS, SNS and Lambda.
    S3Event,
    /// The `detail` of an EventBridge event.
    EventBridge,
}

/// Writes events, all of them stamped with one region, each with the owner of its bucket.
#[derive(Clone, Debug)]
pub struct Renderer {
    pub(super) region: Region,
    pub(super) owners: Owners,
    pub(super) event_version: EventVersion,
}

impl Renderer {
    /// A renderer for buckets in this region that these accounts own.
    pub fn new(region: Region, owners: Owners, config: &Config) -> Self {
        Self { region, owners, event_version: config.event_version }
    }

    /// The event in this form, or `None` if that form does not exist for its type
    /// ([`EventType::goes_to_event_bridge`]).
    ///
    /// `rule` becomes the record's `configurationId`; EventBridge's form has none.
    ///
    /// [`EventType::goes_to_event_bridge`]: crate::model::EventType::goes_to_event_bridge
    pub fn message(&self, form: Form, event: &Event, rule: Option<&RuleId>) -> Option<Message> {
        let bucket_arn = self.bucket_arn(&event.bucket);
        let (subject, body) = match form {
            Form::S3Event => (s3_event::SUBJECT, s3_event::render(self, event, rule, &bucket_arn)),
            Form::EventBridge => event_bridge::render(self, event)?,
        };
        let (event_id, group, trace_id) = (event.id(), event.group(), event.trace_id.clone());
        let (rule, time, again) = (rule.cloned(), event.time, None);
        Some(Message { subject, body, time, bucket_arn, event_id, rule, group, again, trace_id })
    }

    /// The message that S3 sends a queue or a topic when a configuration names it.
    ///
    /// `request_id` is the `x-amz-request-id` of the request that set the configuration.
    pub fn test_event(
        &self,
        bucket: &BucketName,
        time: Timestamp,
        request_id: &str,
        host_id: &str,
    ) -> Message {
        let body = test_event::render(bucket, time, request_id, host_id);
        let (subject, bucket_arn) = (s3_event::SUBJECT, self.bucket_arn(bucket));
        let (event_id, group) = (EventId::of_test(bucket, request_id), GroupId::of_bucket(bucket));
        let (rule, again, trace_id) = (None, None, None);
        Message { subject, body, time, bucket_arn, event_id, rule, group, again, trace_id }
    }

    fn bucket_arn(&self, bucket: &BucketName) -> String {
        let partition = self.region.partition();
        format!("arn:{partition}:s3:::{bucket}")
    }
}
