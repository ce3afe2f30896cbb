//! The `detail` that EventBridge gets; the envelope around it is EventBridge's own.
//!
//! The structs are the wire form; their fields stand in Amazon's order. The key is raw here.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>

use serde::Serialize;

use super::{
    EventVersion, Renderer,
    json::{Millis, Seconds, to_json},
    presence::{self, Fields, Origin},
    s3_event::{HoldDuration, SERVICE},
};
use crate::model::{Annotation, Details, Event, Retention};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Detail<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_version: Option<&'a str>,
    bucket: Bucket<'a>,
    object: Object<'a>,
    request_id: &'a str,
    requester: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_expiry_time: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_storage_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_storage_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_access_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_annotation: Option<ObjectAnnotation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_retention_event_data: Option<ObjectRetentionEventData<'a>>,
}

#[derive(Serialize)]
struct Bucket<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Object<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ObjectRetentionEventData<'a> {
    mode: &'a str,
    retain_until_date: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_hold: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_hold_duration: Option<HoldDuration>,
}

/// The event's detail-type and detail, or `None` if EventBridge never gets such events.
pub(super) fn render(renderer: &Renderer, event: &Event) -> Option<(&'static str, String)> {
    let kind = presence::event_bridge(event.event_type)?;
    let requested = presence::origin(event.event_type) == Origin::Request;
    // Amazon names the account that the request came from. A store tells only the principal, and
    // the most requests come from the owner's account.
    let owner = renderer.owners.of(&event.bucket).as_str();
    let source_ip = Some(&*event.source_ip).filter(|address| !address.is_empty());
    let mut detail = Detail {
        version: "0",
        event_version: match renderer.event_version {
            EventVersion::Classic => None,
            EventVersion::V2_6 => Some("1.2"),
        },
        bucket: Bucket { name: event.bucket.as_str() },
        object: object(event, kind.object),
        request_id: &event.request_id,
        requester: if requested { owner } else { SERVICE },
        source_ip_address: source_ip.filter(|_| requested),
        reason: kind.reason,
        deletion_type: kind.deletion_type,
        restore_expiry_time: None,
        source_storage_class: None,
        destination_storage_class: None,
        destination_access_tier: None,
        object_annotation: None,
        object_retention_event_data: None,
    };
    if let Some(details) = &event.details {
        detail.add(details);
    }
    Some((kind.detail_type, to_json(&detail)))
}

fn object(event: &Event, fields: Fields) -> Object<'_> {
    Object {
        key: event.key.as_str(),
        size: fields.size(event.size),
        etag: fields.etag(event.etag.as_deref()),
        version_id: event.version_id.as_deref(),
        sequencer: fields.sequencer.then(|| event.sequencer.as_str()),
    }
}

impl<'a> Detail<'a> {
    fn add(&mut self, details: &'a Details) {
        match details {
            Details::Restore(restore) => {
                self.restore_expiry_time = Some(Seconds(restore.expiry_time));
                self.source_storage_class = Some(&restore.storage_class);
            }
            Details::Transition { destination_storage_class } => {
                self.destination_storage_class = Some(destination_storage_class);
            }
            Details::Tiering { destination_access_tier } => {
                self.destination_access_tier = Some(destination_access_tier);
            }
            Details::Retention(retention) => {
                self.object_retention_event_data = Some(retention.into());
            }
            // A list in the other form, a single one here.
            Details::Annotations(annotations) => {
                self.object_annotation = annotations.first().map(Into::into);
            }
            // EventBridge gets no replication events.
            Details::Replication(_) => {}
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

impl<'a> From<&'a Annotation> for ObjectAnnotation<'a> {
    fn from(annotation: &'a Annotation) -> Self {
        let Annotation { name, size, etag } = annotation;
        Self { name, size: *size, etag: etag.as_deref() }
    }
}
