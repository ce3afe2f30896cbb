//! What stores write differently, and what only some event types have.

use serde_json::{Value, json};

use super::bodies::{body, changed, event, event_of, now, record};
use crate::model::{
    Annotation, Details, EventType, Replication, Restore, Retention, RetentionHold, Sequencer,
};

#[test]
fn only_ceph_sends_raw_keys() {
    for (source, key) in [
        ("aws:s3", "a b/ü"),
        ("minio:s3", "a b/ü"),
        ("rustfs:s3", "a b/ü"),
        ("garage:s3", "a b/ü"),
        ("", "a b/ü"),
        ("ceph:s3", "a+b%2F%C3%BC"),
    ] {
        let mut record = record("ObjectCreated:Put", "a+b%2F%C3%BC");
        record["eventSource"] = source.into();
        assert_eq!(event_of(record).key.as_str(), key, "{source}");
    }
}

#[test]
fn an_unreadable_sequencer_is_made_from_the_time() {
    let time = "2026-11-22T07:20:47.957Z".parse().unwrap();
    for sequencer in [json!("not hex"), json!(""), Value::Null] {
        let event = event_of(changed("/s3/object/sequencer", sequencer));
        assert_eq!(event.sequencer, Sequencer::from_time(time));
    }
    let mut record = changed("/eventSource", "ceph:s3".into());
    record["s3"]["object"]["sequencer"] = "0055AED6DCD90281E5".into();
    assert_eq!(event_of(record).sequencer, Sequencer::from_time(time));
}

#[test]
fn an_event_without_a_time_happened_now() {
    for time in [json!(""), Value::Null] {
        assert_eq!(event_of(changed("/eventTime", time)).time, now());
    }
    let mut record = record("ObjectCreated:Put", "a");
    record.as_object_mut().unwrap().remove("eventTime");
    assert_eq!(event_of(record).time, now());
}

#[test]
fn the_null_version_is_no_version() {
    let mut record = record("ObjectCreated:Put", "a");
    for (id, version_id) in [
        (json!(""), None),
        (json!("null"), None),
        (Value::Null, None),
        (json!("3HL4kqtJlcpXroDTDmJ"), Some("3HL4kqtJlcpXroDTDmJ")),
    ] {
        record["s3"]["object"]["versionId"] = id;
        assert_eq!(event_of(record.clone()).version_id.as_deref(), version_id);
    }
}

#[test]
fn a_size_is_a_whole_number_or_its_digits_or_absent() {
    for (sent, size) in [
        (json!(0), Some(0)),
        (json!("17"), Some(17)),
        (json!(u64::MAX), Some(u64::MAX)),
        (json!(""), None),
        (Value::Null, None),
        (json!(-1), None),
        (json!(12.0), None),
        (json!(1e30), None),
        (json!("18446744073709551616"), None),
        (json!("big"), None),
    ] {
        assert_eq!(event_of(changed("/s3/object/size", sent)).size, size);
    }
}

#[test]
fn an_entity_tag_loses_its_quotes() {
    for (sent, etag) in [("\"abc-2\"", Some("abc-2")), ("abc-2", Some("abc-2")), ("", None)] {
        assert_eq!(event_of(changed("/s3/object/eTag", sent.into())).etag.as_deref(), etag);
    }
}

#[test]
fn objects_that_are_null_or_absent_leave_their_fields_empty() {
    let object = json!({"bucket": {"name": "photos"}, "object": {"key": "a"}});
    let small = json!({"eventName": "ObjectCreated:Put", "s3": object});
    let null = json!({
        "eventName": "ObjectCreated:Put", "s3": object,
        "userIdentity": null, "requestParameters": null, "responseElements": null, "data": null,
    });
    let event = event_of(small);
    assert_eq!(event, event_of(null));
    assert!(event.principal_id.is_empty() && event.request_id.is_empty());
    assert_eq!((event.size, event.etag, event.details), (None, None, None));
}

#[test]
fn tagging_is_a_family_of_its_own() {
    for (name, event_type) in [
        ("s3:ObjectCreated:PutTagging", EventType::ObjectTaggingPut),
        ("ObjectCreated:DeleteTagging", EventType::ObjectTaggingDelete),
        ("s3:ObjectTagging:Delete", EventType::ObjectTaggingDelete),
        ("LifecycleTransition", EventType::LifecycleTransition),
    ] {
        assert_eq!(event_of(record(name, "a")).event_type, event_type);
    }
}

#[test]
fn escapes_in_the_json_are_undone() {
    let plain = body(&[record("ObjectCreated:Put", "a")]);
    let escaped = plain
        .replace("photos", "ph\\u006ftos")
        .replace("ObjectCreated:Put", "Object\\u0043reated:Put")
        .replace("\"Records\"", "\"\\u0052ecords\"")
        .replace("\"bucket\"", "\"\\u0062ucket\"");
    assert_eq!(event(&escaped), event(&plain));
}

/// The details of a record of this type that has this value at this path.
#[track_caller]
fn details(name: &str, path: &str, sent: Value) -> Option<Details> {
    let mut record = record(name, "a");
    let (parent, field) = path.rsplit_once('/').unwrap();
    record.pointer_mut(parent).unwrap()[field] = sent;
    event_of(record).details
}

fn glacier() -> Value {
    json!({"restoreEventData": {
        "lifecycleRestorationExpiryTime": "2026-12-01T00:00:00.000Z",
        "lifecycleRestoreStorageClass": "GLACIER",
    }})
}

#[test]
fn a_restore_tells_until_when() {
    let restore = Restore {
        expiry_time: "2026-12-01T00:00:00Z".parse().unwrap(),
        storage_class: "GLACIER".into(),
    };
    let read = details("ObjectRestore:Completed", "/glacierEventData", glacier());
    assert_eq!(read, Some(Details::Restore(restore)));
}

#[test]
fn a_replication_tells_all_it_may() {
    let sent = json!({
        "replicationRuleId": "r", "destinationBucket": "arn:aws:s3:::b", "s3Operation": "OBJECT_PUT",
        "requestTime": "t", "failureReason": "f", "threshold": "15", "replicationTime": "u",
    });
    let replication = Details::Replication(Replication {
        rule_id: Some("r".into()),
        destination_bucket: Some("arn:aws:s3:::b".into()),
        s3_operation: Some("OBJECT_PUT".into()),
        request_time: Some("t".into()),
        failure_reason: Some("f".into()),
        threshold: Some("15".into()),
        replication_time: Some("u".into()),
    });
    for event_type in EventType::ALL.iter().filter(|t| t.family() == Some("Replication")) {
        let read = details(event_type.name(), "/replicationEventData", sent.clone());
        assert_eq!(read.as_ref(), Some(&replication));
    }
}

#[test]
fn a_move_tells_where_to() {
    let sent = json!({"transitionEventData": {"destinationStorageClass": "GLACIER"}});
    let transition = Details::Transition { destination_storage_class: "GLACIER".into() };
    assert_eq!(details("LifecycleTransition", "/lifecycleEventData", sent), Some(transition));
    let sent = json!({"destinationAccessTier": "ARCHIVE_ACCESS"});
    let tiering = Details::Tiering { destination_access_tier: "ARCHIVE_ACCESS".into() };
    let read = details("IntelligentTiering", "/intelligentTieringEventData", sent);
    assert_eq!(read, Some(tiering));
}

#[test]
fn a_retention_tells_its_hold() {
    let sent = json!({
        "mode": "COMPLIANCE", "retainUntilDate": "2027-09-20T00:00:00.000Z",
        "eventHold": "ON", "eventHoldDuration": {"years": 2},
    });
    let retention = Retention {
        mode: "COMPLIANCE".into(),
        retain_until: "2027-09-20T00:00:00Z".parse().unwrap(),
        hold: Some(RetentionHold { state: "ON".into(), days: None, years: Some(2) }),
    };
    let read = details("ObjectRetention:Put", "/objectRetentionEventData", sent);
    assert_eq!(read, Some(Details::Retention(retention)));
}

#[test]
fn an_annotation_that_was_removed_has_a_name_only() {
    let sent = json!([{"name": "summary", "size": 42, "eTag": "e"}]);
    let read = |name| details(name, "/s3/objectAnnotation", sent.clone());
    let (size, etag) = (Some(42), Some("e".into()));
    let put = Annotation { name: "summary".into(), size, etag };
    assert_eq!(read("ObjectAnnotation:Put"), Some(Details::Annotations(vec![put])));
    let removed = Annotation { name: "summary".into(), size: None, etag: None };
    assert_eq!(read("ObjectAnnotation:Delete"), Some(Details::Annotations(vec![removed])));
}

#[test]
fn malformed_or_foreign_details_are_left_out() {
    assert_eq!(details("ObjectCreated:Put", "/glacierEventData", glacier()), None);
    for malformed in [json!({"restoreEventData": {}}), json!(5), json!("x"), Value::Null] {
        assert_eq!(details("ObjectRestore:Completed", "/glacierEventData", malformed), None);
    }
    assert_eq!(event_of(record("ObjectRestore:Completed", "a")).details, None);
}
