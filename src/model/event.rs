//! What happened, in one form for every store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BucketName, EventType, ObjectKey, Sequencer};

/// One thing that happened to one object: only what Amazon documents, whatever the store sent, and
/// which store that was.
///
/// The derived JSON is the journal's form, never the wire's: `payload` writes that out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The store, in its own words; empty if it says nothing of itself. It tells events apart and
    /// is never sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// What happened.
    pub event_type: EventType,
    /// When the request finished.
    pub time: Timestamp,
    /// The object's bucket.
    pub bucket: BucketName,
    /// The object's key, raw.
    pub key: ObjectKey,
    /// The object's version; none in a bucket without versioning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The object's size in bytes, if the store sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The object's entity tag without quotes, if the store sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Orders the events of this key.
    pub sequencer: Sequencer,
    /// Who caused it, in the store's words; empty if unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub principal_id: String,
    /// The client's address; empty if the store does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_ip: String,
    /// The store's `x-amz-request-id`; empty if it sent none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// The store's `x-amz-id-2`; empty if it sent none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_id: String,
    /// The `X-Amzn-Trace-Id` of the request that brought the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What only some event types carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// The part of a record that depends on the event type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Details {
    /// `glacierEventData` of `ObjectRestore:Completed`.
    Restore(Restore),
    /// `replicationEventData` of `Replication:*`.
    Replication(Replication),
    /// `lifecycleEventData` of `LifecycleTransition`.
    Transition {
        /// The storage class that the object moved to.
        destination_storage_class: String,
    },
    /// `intelligentTieringEventData` of `IntelligentTiering`.
    Tiering {
        /// `ARCHIVE_ACCESS` or `DEEP_ARCHIVE_ACCESS`.
        destination_access_tier: String,
    },
    /// `objectRetentionEventData` of `ObjectRetention:Put`.
    Retention(Retention),
    /// `objectAnnotation` of `ObjectAnnotation:*`.
    Annotations(Vec<Annotation>),
}

/// A completed restore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    /// When the temporary copy expires.
    pub expiry_time: Timestamp,
    /// The storage class that the object was restored from.
    pub storage_class: String,
}

/// A replication that failed or was late. Amazon documents every field as an optional string.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replication {
    /// The id of the replication rule.
    pub rule_id: Option<String>,
    /// The ARN of the bucket that was replicated to.
    pub destination_bucket: Option<String>,
    /// `OBJECT_PUT` and the like.
    pub s3_operation: Option<String>,
    /// When the object was written, as sent.
    pub request_time: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// The threshold in minutes that was missed.
    pub threshold: Option<String>,
    /// When it was replicated after all, as sent.
    pub replication_time: Option<String>,
}

/// A retention that was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Until when the object is locked.
    pub retain_until: Timestamp,
    /// The event-based hold, if one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<RetentionHold>,
}

/// An event-based hold on an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionHold {
    /// `ON` or `OFF`.
    pub state: String,
    /// How long the object stays locked after the hold ends, in days.
    pub days: Option<u32>,
    /// How long the object stays locked after the hold ends, in years.
    pub years: Option<u32>,
}

/// One annotation of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// The annotation's name.
    pub name: String,
    /// Its size in bytes; none when it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its entity tag; none when it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}
