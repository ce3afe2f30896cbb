//! The parts of a record that only some event types have.
//!
//! They are read leniently: an event whose details are absent or malformed is still an event, so
//! it goes on without them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::Record;
use crate::model::{
    Annotation, Details, EventType, Replication, Restore, Retention, RetentionHold,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GlacierEventData {
    restore_event_data: RestoreEventData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestoreEventData {
    lifecycle_restoration_expiry_time: Timestamp,
    lifecycle_restore_storage_class: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplicationEventData {
    replication_rule_id: Option<String>,
    destination_bucket: Option<String>,
    #[serde(rename = "s3Operation")]
    s3_operation: Option<String>,
    request_time: Option<String>,
    failure_reason: Option<String>,
    threshold: Option<String>,
    replication_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LifecycleEventData {
    transition_event_data: TransitionEventData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransitionEventData {
    destination_storage_class: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntelligentTieringEventData {
    destination_access_tier: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRetentionEventData {
    mode: String,
    retain_until_date: Timestamp,
    event_hold: Option<String>,
    event_hold_duration: Option<HoldDuration>,
}

#[derive(Default, Deserialize)]
struct HoldDuration {
    days: Option<u32>,
    years: Option<u32>,
}

#[derive(Deserialize)]
struct ObjectAnnotation {
    name: String,
    size: Option<u64>,
    #[serde(rename = "eTag")]
    etag: Option<String>,
}

/// The details that a record of this type may have, if it has them.
pub(super) fn details(event_type: EventType, record: &Record<'_>) -> Option<Details> {
    Some(match event_type {
        EventType::ObjectRestoreCompleted => {
            let glacier: GlacierEventData = read(record.glacier_event_data)?;
            let RestoreEventData {
                lifecycle_restoration_expiry_time: expiry_time,
                lifecycle_restore_storage_class: storage_class,
            } = glacier.restore_event_data;
            Details::Restore(Restore { expiry_time, storage_class })
        }
        EventType::ReplicationOperationFailedReplication
        | EventType::ReplicationOperationMissedThreshold
        | EventType::ReplicationOperationReplicatedAfterThreshold
        | EventType::ReplicationOperationNotTracked => {
            Details::Replication(replication(read(record.replication_event_data)?))
        }
        EventType::LifecycleTransition => {
            let lifecycle: LifecycleEventData = read(record.lifecycle_event_data)?;
            let TransitionEventData { destination_storage_class } = lifecycle.transition_event_data;
            Details::Transition { destination_storage_class }
        }
        EventType::IntelligentTiering => {
            let IntelligentTieringEventData { destination_access_tier } =
                read(record.intelligent_tiering_event_data)?;
            Details::Tiering { destination_access_tier }
        }
        EventType::ObjectRetentionPut => {
            Details::Retention(retention(read(record.object_retention_event_data)?))
        }
        EventType::ObjectAnnotationPut => Details::Annotations(annotations(record)?),
        EventType::ObjectAnnotationDelete => {
            let removed = annotations(record)?.into_iter();
            let only_the_name = |annotation| Annotation { size: None, etag: None, ..annotation };
            Details::Annotations(removed.map(only_the_name).collect())
        }
        _ => return None,
    })
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

fn replication(sent: ReplicationEventData) -> Replication {
    Replication {
        rule_id: sent.replication_rule_id,
        destination_bucket: sent.destination_bucket,
        s3_operation: sent.s3_operation,
        request_time: sent.request_time,
        failure_reason: sent.failure_reason,
        threshold: sent.threshold,
        replication_time: sent.replication_time,
    }
}

fn retention(sent: ObjectRetentionEventData) -> Retention {
    let HoldDuration { days, years } = sent.event_hold_duration.unwrap_or_default();
    Retention {
        mode: sent.mode,
        retain_until: sent.retain_until_date,
        hold: sent.event_hold.map(|state| RetentionHold { state, days, years }),
    }
}

fn annotations(record: &Record<'_>) -> Option<Vec<Annotation>> {
    let sent: Vec<ObjectAnnotation> = read(record.s3.object_annotation)?;
    let annotation = |ObjectAnnotation { name, size, etag }| Annotation { name, size, etag };
    Some(sent.into_iter().map(annotation).collect())
}
