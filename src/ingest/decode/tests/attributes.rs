//! Metadata and tags, as stores send them.

use serde_json::{Value, json};

use super::bodies::{body, capture, changed, received};
use crate::model::Attributes;

fn attributes(body: &str) -> Attributes {
    received(body).events[0].sent.attributes()
}

/// What is sent of an object that has these members.
fn of_object(members: &Value) -> Attributes {
    let mut object = json!({ "key": "a" });
    object.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    attributes(&body(&[changed("/s3/object", object)]))
}

#[track_caller]
fn has(pairs: Option<&Vec<(String, String)>>, name: &str, value: &str) {
    let wanted = (name.to_owned(), value.to_owned());
    assert!(pairs.is_some_and(|pairs| pairs.contains(&wanted)), "{name}: {pairs:?}");
}

#[test]
fn ceph_sends_lists_of_pairs() {
    let name = "ceph-rgw-16.2.15-sync-ObjectRemoved_Delete-unver.json";
    let Attributes { metadata, tags } = attributes(&capture(name).to_string());
    has(metadata.as_ref(), "x-amz-meta-color", "red");
    assert_eq!(tags, Some(vec![("k".to_owned(), "v".to_owned())]));
}

#[test]
fn rustfs_sends_metadata_without_its_prefix_and_tags_in_it() {
    let name = "rustfs-1.0.0-beta.7-ObjectCreated_Put.json";
    let Attributes { metadata, tags } = attributes(&capture(name).to_string());
    has(metadata.as_ref(), "color", "red");
    has(metadata.as_ref(), "note", "a b");
    assert_eq!(tags, Some(vec![("k1".to_owned(), "v1".to_owned())]));
    let tagged = of_object(&json!({"userMetadata": {"X-Amz-Tagging": "a+b=%C3%BC%3D&c"}}));
    has(tagged.tags.as_ref(), "a b", "ü=");
    has(tagged.tags.as_ref(), "c", "");
}

#[test]
fn minio_sends_metadata_and_no_tags() {
    let sent = of_object(&json!({"userMetadata": {"X-Amz-Meta-Color": "red", "n": 1}}));
    assert_eq!(sent.metadata, Some(vec![("X-Amz-Meta-Color".to_owned(), "red".to_owned())]));
    assert_eq!(sent.tags, None);
}

#[test]
fn amazon_sends_neither_and_nothing_else_is_taken_for_them() {
    assert_eq!(of_object(&json!({})), Attributes::default());
    for odd in [json!(null), json!(1), json!("color=red"), json!([["color", "red"]]), json!([{}])] {
        let sent = of_object(&json!({"metadata": odd, "tags": odd}));
        assert_eq!(sent, Attributes::default(), "{odd}");
    }
}
