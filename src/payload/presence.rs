//! The tables: which fields a message of each event type has. Nothing else decides that.
//!
//! Where neither Amazon's guide nor a capture tells (README, limits), a field is written if the
//! store sent it, and the sequencer is written as for the rest of its family.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>

use crate::model::EventType;

/// The entity tag of nothing (the MD5 of no bytes), which Amazon gives every delete marker.
pub(super) const EMPTY_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Which fields an object has besides its key, and its version id if it has one.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) size: Size,
    pub(super) etag: Etag,
    pub(super) sequencer: bool,
}

/// Whether an object has a size.
#[derive(Clone, Copy)]
pub(super) enum Size {
    Never,
    IfSent,
    /// 0 if the store did not send it: MinIO omits the size of an empty object.
    Always,
}

/// Whether an object has an entity tag.
#[derive(Clone, Copy)]
pub(super) enum Etag {
    Never,
    IfSent,
    /// [`EMPTY_ETAG`], whatever the store sent.
    Marker,
}

/// Who made an event happen, which decides the identities in it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// A client's request.
    Request,
    /// The store itself.
    Service,
    /// The store itself, on behalf of the bucket's owner.
    Restore,
}

/// What only EventBridge's form has.
pub(super) struct Kind {
    pub(super) detail_type: &'static str,
    pub(super) reason: Option<&'static str>,
    pub(super) deletion_type: Option<&'static str>,
    pub(super) object: Fields,
}

const WHOLE: Fields = Fields { size: Size::Always, etag: Etag::IfSent, sequencer: true };
const WHOLE_IF_SENT: Fields = Fields { size: Size::IfSent, ..WHOLE };
const DELETED: Fields = Fields { size: Size::Never, etag: Etag::Never, sequencer: true };
const MARKER: Fields = Fields { size: Size::Never, etag: Etag::Marker, sequencer: true };
const ANNOTATED: Fields = Fields { size: Size::Never, etag: Etag::IfSent, sequencer: true };
const TAGGED: Fields = Fields { sequencer: false, ..ANNOTATED };
const RETAINED: Fields = Fields { sequencer: false, ..WHOLE };

/// Who causes events of this type.
pub(super) fn origin(event_type: EventType) -> Origin {
    use EventType as E;
    match event_type {
        E::ObjectCreatedPut
        | E::ObjectCreatedPost
        | E::ObjectCreatedCopy
        | E::ObjectCreatedCompleteMultipartUpload
        | E::ObjectRemovedDelete
        | E::ObjectRemovedDeleteMarkerCreated
        | E::ObjectRestorePost
        | E::ObjectTaggingPut
        | E::ObjectTaggingDelete
        | E::ObjectAnnotationPut
        | E::ObjectAnnotationDelete
        | E::ObjectRetentionPut
        | E::ObjectAclPut => Origin::Request,
        E::ObjectRestoreCompleted => Origin::Restore,
        E::ObjectRestoreDelete
        | E::ReplicationOperationFailedReplication
        | E::ReplicationOperationMissedThreshold
        | E::ReplicationOperationReplicatedAfterThreshold
        | E::ReplicationOperationNotTracked
        | E::LifecycleExpirationDelete
        | E::LifecycleExpirationDeleteMarkerCreated
        | E::LifecycleTransition
        | E::IntelligentTiering
        | E::ReducedRedundancyLostObject => Origin::Service,
    }
}

/// The record version that the type had from 2023 to 2025. A type that is younger has the version
/// that brought it.
pub(super) fn classic_version(event_type: EventType) -> &'static str {
    use EventType as E;
    match event_type {
        E::ObjectCreatedPut
        | E::ObjectCreatedPost
        | E::ObjectCreatedCopy
        | E::ObjectCreatedCompleteMultipartUpload
        | E::ObjectRemovedDelete
        | E::ObjectRemovedDeleteMarkerCreated
        | E::ObjectRestorePost
        | E::ObjectRestoreCompleted
        | E::ReducedRedundancyLostObject => "2.1",
        E::ReplicationOperationFailedReplication
        | E::ReplicationOperationMissedThreshold
        | E::ReplicationOperationReplicatedAfterThreshold
        | E::ReplicationOperationNotTracked => "2.2",
        E::ObjectRestoreDelete
        | E::LifecycleExpirationDelete
        | E::LifecycleExpirationDeleteMarkerCreated
        | E::ObjectTaggingPut
        | E::ObjectTaggingDelete
        | E::ObjectAclPut
        | E::LifecycleTransition
        | E::IntelligentTiering => "2.3",
        E::ObjectAnnotationPut | E::ObjectAnnotationDelete => "2.5",
        E::ObjectRetentionPut => "2.6",
    }
}

/// The object's fields in a record for SQS, SNS and Lambda.
pub(super) fn s3_event(event_type: EventType) -> Fields {
    use EventType as E;
    match event_type {
        E::ObjectCreatedPut
        | E::ObjectCreatedPost
        | E::ObjectCreatedCopy
        | E::ObjectCreatedCompleteMultipartUpload
        | E::ObjectRestorePost
        | E::ObjectRestoreCompleted
        | E::ReplicationOperationFailedReplication
        | E::ReplicationOperationMissedThreshold
        | E::ReplicationOperationReplicatedAfterThreshold
        | E::ReplicationOperationNotTracked
        | E::IntelligentTiering => WHOLE,
        E::ObjectRestoreDelete
        | E::ObjectAnnotationPut
        | E::ObjectAnnotationDelete
        | E::LifecycleTransition
        | E::ReducedRedundancyLostObject => WHOLE_IF_SENT,
        E::ObjectRemovedDelete | E::LifecycleExpirationDelete => DELETED,
        E::ObjectRemovedDeleteMarkerCreated | E::LifecycleExpirationDeleteMarkerCreated => MARKER,
        E::ObjectTaggingPut | E::ObjectTaggingDelete | E::ObjectAclPut => TAGGED,
        E::ObjectRetentionPut => RETAINED,
    }
}

/// What EventBridge gets of this type; `None` for the types it never gets.
pub(super) fn event_bridge(event_type: EventType) -> Option<Kind> {
    use EventType as E;
    let detail = |detail_type, reason, object| {
        Some(Kind { detail_type, reason, deletion_type: None, object })
    };
    let created = |reason| detail("Object Created", Some(reason), WHOLE);
    let deleted = |reason, deletion_type, object| {
        let detail_type = "Object Deleted";
        let (reason, deletion_type) = (Some(reason), Some(deletion_type));
        Some(Kind { detail_type, reason, deletion_type, object })
    };
    // A restore has no sequencer here, although its record for the other services has one.
    let unordered = Fields { sequencer: false, ..WHOLE_IF_SENT };
    match event_type {
        E::ObjectCreatedPut => created("PutObject"),
        E::ObjectCreatedPost => created("POST Object"),
        E::ObjectCreatedCopy => created("CopyObject"),
        E::ObjectCreatedCompleteMultipartUpload => created("CompleteMultipartUpload"),
        E::ObjectRemovedDelete => deleted("DeleteObject", "Permanently Deleted", DELETED),
        E::ObjectRemovedDeleteMarkerCreated => {
            deleted("DeleteObject", "Delete Marker Created", MARKER)
        }
        E::LifecycleExpirationDelete => {
            deleted("Lifecycle Expiration", "Permanently Deleted", DELETED)
        }
        E::LifecycleExpirationDeleteMarkerCreated => {
            deleted("Lifecycle Expiration", "Delete Marker Created", MARKER)
        }
        E::ObjectRestorePost => detail("Object Restore Initiated", None, RETAINED),
        E::ObjectRestoreCompleted => detail("Object Restore Completed", None, RETAINED),
        E::ObjectRestoreDelete => detail("Object Restore Expired", None, unordered),
        E::LifecycleTransition => detail("Object Storage Class Changed", None, unordered),
        E::IntelligentTiering => detail("Object Access Tier Changed", None, unordered),
        E::ObjectAclPut => detail("Object ACL Updated", None, TAGGED),
        E::ObjectTaggingPut => detail("Object Tags Added", None, TAGGED),
        E::ObjectTaggingDelete => detail("Object Tags Deleted", None, TAGGED),
        E::ObjectAnnotationPut => {
            detail("Object Annotation Created", Some("PutObjectAnnotation"), ANNOTATED)
        }
        E::ObjectAnnotationDelete => {
            detail("Object Annotation Removed", Some("DeleteObjectAnnotation"), ANNOTATED)
        }
        E::ObjectRetentionPut => detail("Object Retention Updated", None, RETAINED),
        E::ReplicationOperationFailedReplication
        | E::ReplicationOperationMissedThreshold
        | E::ReplicationOperationReplicatedAfterThreshold
        | E::ReplicationOperationNotTracked
        | E::ReducedRedundancyLostObject => None,
    }
}

impl Fields {
    /// The size to write.
    pub(super) fn size(self, sent: Option<u64>) -> Option<u64> {
        match self.size {
            Size::Never => None,
            Size::IfSent => sent,
            Size::Always => Some(sent.unwrap_or(0)),
        }
    }

    /// The entity tag to write. One that is required but was not sent stays away: any value
    /// would be false.
    pub(super) fn etag(self, sent: Option<&str>) -> Option<&str> {
        match self.etag {
            Etag::Never => None,
            Etag::IfSent => sent,
            Etag::Marker => Some(EMPTY_ETAG),
        }
    }
}
