//! What the stage promises: every type in both forms as in `tests/data/payload`, byte for byte,
//! and the rules for what a store did not send.

use std::{fs, path::Path};

use super::*;
use crate::model::{
    AccountId, Annotation, Details, Event, EventType, Message, Owners, Region, Replication,
    Restore, Retention, RetentionHold, Sequencer,
};

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/payload").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An event of which a store sent everything, also what its type never shows.
fn event(event_type: EventType) -> Event {
    Event {
        source: "minio:s3/never-sent".into(),
        event_type,
        time: "2026-09-20T07:44:33.123987Z".parse().unwrap(),
        bucket: "photos".parse().unwrap(),
        key: "fixed/space + percent% unicode-é".parse().unwrap(),
        version_id: Some("3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY".into()),
        size: Some(9),
        etag: Some("437b930db84b8079c2dd804a71936b5f".into()),
        sequencer: Sequencer::from_hex("006AAF8EE146BB4920").unwrap(),
        principal_id: "AWS:AIDAEXAMPLE".into(),
        source_ip: "203.0.113.7".into(),
        request_id: "C3D13FE58DE4C810".into(),
        host_id: "wR0YkR8mV3AqmZ2nS9LkJw==".into(),
        trace_id: Some("Root=1-5f84c7a9-0123456789abcdef01234567".into()),
        details: details(event_type),
    }
}

fn details(event_type: EventType) -> Option<Details> {
    let replication = Replication {
        rule_id: Some("to-dr".into()),
        destination_bucket: Some("arn:aws:s3:::photos-dr".into()),
        s3_operation: Some("OBJECT_PUT".into()),
        request_time: Some("2026-09-20T07:29:33.123Z".into()),
        ..Replication::default()
    };
    let threshold = Some("15".into());
    Some(match event_type {
        EventType::ObjectRestoreCompleted => Details::Restore(Restore {
            expiry_time: "2026-11-13T00:00:00Z".parse().unwrap(),
            storage_class: "GLACIER".into(),
        }),
        EventType::ReplicationOperationFailedReplication => Details::Replication(Replication {
            failure_reason: Some("DstBucketNotFound".into()),
            ..replication
        }),
        EventType::ReplicationOperationMissedThreshold => {
            Details::Replication(Replication { threshold, ..replication })
        }
        EventType::ReplicationOperationReplicatedAfterThreshold => {
            let replication_time = Some("2026-09-20T07:44:33.000Z".into());
            Details::Replication(Replication { threshold, replication_time, ..replication })
        }
        EventType::ReplicationOperationNotTracked => Details::Replication(replication),
        EventType::LifecycleTransition => {
            Details::Transition { destination_storage_class: "GLACIER".into() }
        }
        EventType::IntelligentTiering => {
            Details::Tiering { destination_access_tier: "ARCHIVE_ACCESS".into() }
        }
        EventType::ObjectRetentionPut => Details::Retention(Retention {
            mode: "COMPLIANCE".into(),
            retain_until: "2027-09-20T00:00:00Z".parse().unwrap(),
            hold: Some(RetentionHold { state: "ON".into(), days: Some(30), years: None }),
        }),
        EventType::ObjectAnnotationPut => Details::Annotations(vec![Annotation {
            name: "summary".into(),
            size: Some(42),
            etag: Some("0cc175b9c0f1b6a831c399e269772661".into()),
        }]),
        EventType::ObjectAnnotationDelete => Details::Annotations(vec![Annotation {
            name: "summary".into(),
            size: None,
            etag: None,
        }]),
        _ => return None,
    })
}

/// Who owns every bucket in the golden files.
const OWNER: &str = "111122223333";

fn in_region(region: &str, event_version: EventVersion) -> Renderer {
    for_owners(account(OWNER).into(), region, event_version)
}

fn for_owners(owners: Owners, region: &str, event_version: EventVersion) -> Renderer {
    let region = Region::try_from(region.to_owned()).unwrap();
    Renderer::new(region, owners, &Config { event_version })
}

fn account(digits: &str) -> AccountId {
    AccountId::try_from(digits.to_owned()).unwrap()
}

fn render(form: Form, event: &Event) -> Message {
    let rule = "thumbnails".parse().unwrap();
    let rule = (form == Form::S3Event).then_some(&rule);
    in_region("eu-central-1", EventVersion::Classic).message(form, event, rule).unwrap()
}

fn body(form: Form, event: &Event) -> serde_json::Value {
    serde_json::from_str(&render(form, event).body).unwrap()
}

fn object(event: &Event) -> serde_json::Value {
    body(Form::S3Event, event)["Records"][0]["s3"]["object"].clone()
}

fn with(event_type: EventType, change: impl FnOnce(&mut Event)) -> Event {
    let mut event = event(event_type);
    change(&mut event);
    event
}

#[test]
fn every_type_is_written_as_its_golden_file() {
    for &event_type in EventType::ALL {
        let name = format!("{}.s3_event.json", event_type.name().replace(':', "_"));
        let message = render(Form::S3Event, &event(event_type));
        assert_eq!(message.body + "\n", golden(&name), "{name}");
        assert_eq!(message.subject, "Amazon S3 Notification");
    }
}

#[test]
fn every_type_that_event_bridge_gets_is_written_as_its_golden_file() {
    let renderer = in_region("eu-central-1", EventVersion::Classic);
    for &event_type in EventType::ALL {
        let message = renderer.message(Form::EventBridge, &event(event_type), None);
        assert_eq!(message.is_some(), event_type.goes_to_event_bridge(), "{event_type}");
        let Some(message) = message else { continue };
        let name = format!("{}.event_bridge.json", event_type.name().replace(':', "_"));
        assert_eq!(message.body + "\n", golden(&name), "{name}");
    }
}

#[test]
fn a_bucket_s_own_owner_stands_wherever_its_golden_file_names_the_owner() {
    let theirs = "444455556666";
    let photos = "photos".parse().unwrap();
    let owners = Owners::new(account(OWNER), [(photos, account(theirs))]);
    let renderer = for_owners(owners, "eu-central-1", EventVersion::Classic);
    let rule = "thumbnails".parse().unwrap();
    let forms =
        [(Form::S3Event, "s3_event", Some(&rule)), (Form::EventBridge, "event_bridge", None)];
    for (&event_type, (form, extension, rule)) in
        EventType::ALL.iter().flat_map(|event_type| forms.map(|form| (event_type, form)))
    {
        let Some(message) = renderer.message(form, &event(event_type), rule) else { continue };
        let name = format!("{}.{extension}.json", event_type.name().replace(':', "_"));
        assert_eq!(message.body + "\n", golden(&name).replace(OWNER, theirs), "{name}");
    }
    let other = with(EventType::ObjectRestoreCompleted, |event| {
        event.bucket = "videos".parse().unwrap();
    });
    let message = renderer.message(Form::S3Event, &other, None).unwrap();
    let record: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    let record = &record["Records"][0];
    assert_eq!(record["s3"]["bucket"]["ownerIdentity"]["principalId"], OWNER);
    assert_eq!(record["userIdentity"]["principalId"], format!("AmazonCustomer:{OWNER}"));
}

#[test]
fn event_bridge_calls_each_type_by_its_own_name() {
    for (event_type, detail_type) in [
        (EventType::ObjectCreatedPut, "Object Created"),
        (EventType::ObjectCreatedPost, "Object Created"),
        (EventType::ObjectCreatedCopy, "Object Created"),
        (EventType::ObjectCreatedCompleteMultipartUpload, "Object Created"),
        (EventType::ObjectRemovedDelete, "Object Deleted"),
        (EventType::ObjectRemovedDeleteMarkerCreated, "Object Deleted"),
        (EventType::ObjectRestorePost, "Object Restore Initiated"),
        (EventType::ObjectRestoreCompleted, "Object Restore Completed"),
        (EventType::ObjectRestoreDelete, "Object Restore Expired"),
        (EventType::LifecycleExpirationDelete, "Object Deleted"),
        (EventType::LifecycleExpirationDeleteMarkerCreated, "Object Deleted"),
        (EventType::ObjectTaggingPut, "Object Tags Added"),
        (EventType::ObjectTaggingDelete, "Object Tags Deleted"),
        (EventType::ObjectAnnotationPut, "Object Annotation Created"),
        (EventType::ObjectAnnotationDelete, "Object Annotation Removed"),
        (EventType::ObjectRetentionPut, "Object Retention Updated"),
        (EventType::ObjectAclPut, "Object ACL Updated"),
        (EventType::LifecycleTransition, "Object Storage Class Changed"),
        (EventType::IntelligentTiering, "Object Access Tier Changed"),
    ] {
        let message = render(Form::EventBridge, &event(event_type));
        assert_eq!(message.subject, detail_type, "{event_type}");
    }
}

#[test]
fn the_message_carries_what_the_envelopes_need() {
    let event = event(EventType::ObjectCreatedPut);
    for form in [Form::S3Event, Form::EventBridge] {
        let message = render(form, &event);
        assert_eq!(message.time, event.time);
        assert_eq!(message.bucket_arn, "arn:aws:s3:::photos");
        assert_eq!(message.trace_id, event.trace_id);
        assert_eq!((message.event_id, message.group), (event.id(), event.group()));
    }
}

#[test]
fn the_test_event_has_amazon_s_keys_and_no_records() {
    let host_id = "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE";
    let time = "2014-10-13T15:57:02.089Z".parse().unwrap();
    let renderer = in_region("us-east-1", EventVersion::Classic);
    let bucket = "b".parse().unwrap();
    let message = renderer.test_event(&bucket, time, "5582815E1AEA5ADF", host_id);
    assert_eq!(message.subject, "Amazon S3 Notification");
    assert_eq!(message.body + "\n", golden("TestEvent.json"));
}

#[test]
fn an_object_without_versions_has_no_version_id() {
    let event = with(EventType::ObjectCreatedPut, |event| event.version_id = None);
    assert_eq!(object(&event).get("versionId"), None);
    assert_eq!(body(Form::EventBridge, &event)["object"].get("version-id"), None);
}

#[test]
fn a_required_size_that_was_not_sent_is_zero() {
    let event = with(EventType::ObjectCreatedPut, |event| event.size = None);
    assert_eq!(object(&event)["size"], 0);
    assert_eq!(body(Form::EventBridge, &event)["object"]["size"], 0);
}

#[test]
fn a_size_that_amazon_does_not_document_is_not_made_up() {
    for event_type in [EventType::ReducedRedundancyLostObject, EventType::LifecycleTransition] {
        assert_eq!(object(&event(event_type))["size"], 9);
        let event = with(event_type, |event| event.size = None);
        assert_eq!(object(&event).get("size"), None);
    }
}

#[test]
fn an_entity_tag_that_was_not_sent_is_not_made_up() {
    let event = with(EventType::ObjectCreatedPut, |event| event.etag = None);
    assert_eq!(object(&event).get("eTag"), None);
    assert_eq!(body(Form::EventBridge, &event)["object"].get("etag"), None);
}

#[test]
fn a_delete_marker_always_has_the_entity_tag_of_nothing() {
    let event = with(EventType::ObjectRemovedDeleteMarkerCreated, |event| event.etag = None);
    assert_eq!(object(&event)["eTag"], "d41d8cd98f00b204e9800998ecf8427e");
}

#[test]
fn event_bridge_gets_an_address_only_if_there_is_one() {
    let event = with(EventType::ObjectCreatedPut, |event| event.source_ip = String::new());
    assert_eq!(body(Form::EventBridge, &event).get("source-ip-address"), None);
    let request = &body(Form::S3Event, &event)["Records"][0]["requestParameters"];
    assert_eq!(request["sourceIPAddress"], "");
}

#[test]
fn a_retention_without_a_hold_says_nothing_of_one() {
    let event = with(EventType::ObjectRetentionPut, |event| {
        let retain_until = "2027-09-20T00:00:00Z".parse().unwrap();
        let retention = Retention { mode: "GOVERNANCE".into(), retain_until, hold: None };
        event.details = Some(Details::Retention(retention));
    });
    let record = &body(Form::S3Event, &event)["Records"][0];
    let written = serde_json::json!({
        "mode": "GOVERNANCE", "retainUntilDate": "2027-09-20T00:00:00.000Z",
    });
    assert_eq!(record["objectRetentionEventData"], written);
}

#[test]
fn version_2_6_is_the_same_for_every_type() {
    let renderer = in_region("eu-central-1", EventVersion::V2_6);
    for &event_type in EventType::ALL {
        let message = renderer.message(Form::S3Event, &event(event_type), None).unwrap();
        assert!(message.body.starts_with(r#"{"Records":[{"eventVersion":"2.6","eventSource""#));
        let Some(detail) = renderer.message(Form::EventBridge, &event(event_type), None) else {
            continue;
        };
        let start = r#"{"version":"0","event-version":"1.2","bucket":{"name":"photos"},"#;
        assert!(detail.body.starts_with(start), "{}", detail.body);
    }
}

#[test]
fn the_partition_follows_the_region() {
    for (region, arn) in [
        ("us-east-1", "arn:aws:s3:::photos"),
        ("default", "arn:aws:s3:::photos"),
        ("cn-north-1", "arn:aws-cn:s3:::photos"),
        ("us-gov-west-1", "arn:aws-us-gov:s3:::photos"),
    ] {
        let renderer = in_region(region, EventVersion::Classic);
        let event = event(EventType::ObjectCreatedPut);
        let message = renderer.message(Form::S3Event, &event, None).unwrap();
        assert_eq!(message.bucket_arn, arn);
        let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(body["Records"][0]["s3"]["bucket"]["arn"], arn);
        assert_eq!(body["Records"][0]["awsRegion"], region);
    }
}

#[test]
fn a_key_is_encoded_for_the_one_form_and_raw_in_the_other() {
    let event = with(EventType::ObjectCreatedPut, |event| {
        event.key = "a b+ü/\u{FFFF}\"".parse().unwrap();
    });
    assert_eq!(object(&event)["key"], "a+b%2B%C3%BC/%EF%BF%BF%22");
    let detail = render(Form::EventBridge, &event).body;
    assert!(detail.contains(r#""key":"a b+ü/\uffff\"""#), "{detail}");
}

/// SQS refuses a message with one of these, and a key or a principal may have it.
#[test]
fn no_message_holds_a_character_that_a_queue_refuses() {
    let refused = "\u{FFFE}\u{FFFF}\u{0}\u{B}\u{1F}";
    let event = with(EventType::ObjectCreatedPut, |event| {
        event.key = refused.parse().unwrap();
        event.principal_id = refused.into();
        event.etag = Some(refused.into());
        event.version_id = Some(refused.into());
    });
    for form in [Form::S3Event, Form::EventBridge] {
        let body = render(form, &event).body;
        assert!(!body.chars().any(|c| refused.contains(c)), "{body}");
    }
    let record = &body(Form::S3Event, &event)["Records"][0];
    assert_eq!(record["userIdentity"]["principalId"], refused);
    let renderer = in_region("us-east-1", EventVersion::Classic);
    let test = renderer.test_event(&event.bucket, event.time, refused, refused);
    assert!(!test.body.chars().any(|c| refused.contains(c)), "{}", test.body);
}
