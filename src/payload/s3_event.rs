//! The record that SQS, SNS and Lambda get: `{"Records":[…]}`, always with a single record.
//!
//! The structs are the wire form; their fields stand in Amazon's order.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use serde::Serialize;

use super::{
    EventVersion, Renderer,
    json::{Millis, to_json},
    presence::{self, Origin},
};
use crate::model::{Annotation, Details, Event, Replication, Restore, Retention, RuleId};

/// The subject that Amazon S3 gives its messages to SNS.
pub(super) const SUBJECT: &str = "Amazon S3 Notification";

/// The principal and the address of what the store does on its own.
pub(super) const SERVICE: &str = "s3.amazonaws.com";

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "Records")]
    records: [Record<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'a str,
    event_source: &'a str,
    aws_region: &'a str,
    event_time: Millis,
    event_name: &'a str,
    user_identity: Identity<'a>,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements<'a>,
    s3: S3<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    glacier_event_data: Option<GlacierEventData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_event_data: Option<ReplicationEventData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intelligent_tiering_event_data: Option<IntelligentTieringEventData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_event_data: Option<LifecycleEventData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_retention_event_data: Option<ObjectRetentionEventData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    principal_id: &'a str,
}

#[derive(Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip: &'a str,
}

#[derive(Serialize)]
struct ResponseElements<'a> {
    #[serde(rename = "x-amz-request-id")]
    request_id: &'a str,
    #[serde(rename = "x-amz-id-2")]
    host_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct S3<'a> {
    #[serde(rename = "s3SchemaVersion")]
    schema_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_id: Option<&'a str>,
    bucket: Bucket<'a>,
    object: Object<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_annotation: Option<Vec<ObjectAnnotation<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket<'a> {
    name: &'a str,
    owner_identity: Identity<'a>,
    arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "eTag", skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequencer: Option<&'a str>,
}

#[derive(Serialize)]
struct ObjectAnnotation<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "eTag", skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GlacierEventData<'a> {
    restore_event_data: RestoreEventData<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoreEventData<'a> {
    lifecycle_restoration_expiry_time: Millis,
    lifecycle_restore_storage_class: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplicationEventData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_rule_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_bucket: Option<&'a str>,
    #[serde(rename = "s3Operation", skip_serializing_if = "Option::is_none")]
    s3_operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_time: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IntelligentTieringEventData<'a> {
    destination_access_tier: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LifecycleEventData<'a> {
    transition_event_data: TransitionEventData<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransitionEventData<'a> {
    destination_storage_class: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRetentionEventData<'a> {
    mode: &'a str,
    retain_until_date: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_hold: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_hold_duration: Option<HoldDuration>,
}

/// How long an object stays locked after its hold ends; the same in both forms.
#[derive(Serialize)]
pub(super) struct HoldDuration {
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    years: Option<u32>,
}

/// The body of the event's message.
pub(super) fn render(
    renderer: &Renderer,
    event: &Event,
    rule: Option<&RuleId>,
    bucket_arn: &str,
) -> String {
    let owner = renderer.owners.of(&event.bucket).as_str();
    let on_behalf;
    let (principal_id, source_ip) = match presence::origin(event.event_type) {
        Origin::Request => (&*event.principal_id, &*event.source_ip),
        Origin::Service => (SERVICE, SERVICE),
        Origin::Restore => {
            on_behalf = format!("AmazonCustomer:{owner}");
            (&*on_behalf, SERVICE)
        }
    };
    let s3 = S3 {
        schema_version: "1.0",
        configuration_id: rule.map(RuleId::as_str),
        bucket: Bucket {
            name: event.bucket.as_str(),
            owner_identity: Identity { principal_id: owner },
            arn: bucket_arn,
        },
        object: object(event),
        object_annotation: None,
    };
    let mut record = Record {
        event_version: version(renderer, event),
        event_source: "aws:s3",
        aws_region: renderer.region.as_str(),
        event_time: Millis(event.time),
        event_name: event.event_type.name(),
        user_identity: Identity { principal_id },
        request_parameters: RequestParameters { source_ip },
        response_elements: ResponseElements {
            request_id: &event.request_id,
            host_id: &event.host_id,
        },
        s3,
        glacier_event_data: None,
        replication_event_data: None,
        intelligent_tiering_event_data: None,
        lifecycle_event_data: None,
        object_retention_event_data: None,
    };
    if let Some(details) = &event.details {
        record.add(details);
    }
    to_json(&Body { records: [record] })
}

fn version(renderer: &Renderer, event: &Event) -> &'static str {
    match renderer.event_version {
        EventVersion::Classic => presence::classic_version(event.event_type),
        EventVersion::V2_6 => "2.6",
    }
}

fn object(event: &Event) -> Object<'_> {
    let fields = presence::s3_event(event.event_type);
    Object {
        key: event.key.to_form(),
        size: fields.size(event.size),
        etag: fields.etag(event.etag.as_deref()),
        version_id: event.version_id.as_deref(),
        sequencer: fields.sequencer.then(|| event.sequencer.as_str()),
    }
}

impl<'a> Record<'a> {
    fn add(&mut self, details: &'a Details) {
        match details {
            Details::Restore(restore) => self.glacier_event_data = Some(restore.into()),
            Details::Replication(replication) => {
                self.replication_event_data = Some(replication.into());
            }
            Details::Tiering { destination_access_tier } => {
                self.intelligent_tiering_event_data =
                    Some(IntelligentTieringEventData { destination_access_tier });
            }
            Details::Transition { destination_storage_class } => {
                let transition_event_data = TransitionEventData { destination_storage_class };
                self.lifecycle_event_data = Some(LifecycleEventData { transition_event_data });
            }
            Details::Retention(retention) => {
                self.object_retention_event_data = Some(retention.into());
            }
            Details::Annotations(annotations) => {
                let written = annotations.iter().map(ObjectAnnotation::from).collect();
                self.s3.object_annotation = Some(written);
            }
        }
    }
}

impl<'a> From<&'a Restore> for GlacierEventData<'a> {
    fn from(restore: &'a Restore) -> Self {
        let restore_event_data = RestoreEventData {
            lifecycle_restoration_expiry_time: Millis(restore.expiry_time),
            lifecycle_restore_storage_class: &restore.storage_class,
        };
        Self { restore_event_data }
    }
}

impl<'a> From<&'a Replication> for ReplicationEventData<'a> {
    fn from(replication: &'a Replication) -> Self {
        Self {
            replication_rule_id: replication.rule_id.as_deref(),
            destination_bucket: replication.destination_bucket.as_deref(),
            s3_operation: replication.s3_operation.as_deref(),
            request_time: replication.request_time.as_deref(),
            failure_reason: replication.failure_reason.as_deref(),
            threshold: replication.threshold.as_deref(),
            replication_time: replication.replication_time.as_deref(),
        }
    }
}

impl<'a> From<&'a Retention> for ObjectRetentionEventData<'a> {
    fn from(retention: &'a Retention) -> Self {
        Self {
            mode: &retention.mode,
            retain_until_date: Millis(retention.retain_until),
            event_hold: retention.hold.as_ref().map(|hold| &*hold.state),
            event_hold_duration: HoldDuration::of(retention),
        }
    }
}

impl HoldDuration {
    /// The duration of the hold, if there is a hold and it has one.
    pub(super) fn of(retention: &Retention) -> Option<Self> {
        let hold = retention.hold.as_ref()?;
        let known = hold.days.is_some() || hold.years.is_some();
        known.then_some(Self { days: hold.days, years: hold.years })
    }
}

impl<'a> From<&'a Annotation> for ObjectAnnotation<'a> {
    fn from(annotation: &'a Annotation) -> Self {
        let Annotation { name, size, etag } = annotation;
        Self { name, size: *size, etag: etag.as_deref() }
    }
}
