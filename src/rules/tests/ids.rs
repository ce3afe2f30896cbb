//! Ids: those of the document, and those made up for entries without one.

use std::slice;

use serde_json::json;

use super::{queues, read, read_for, read_with, rule};
use crate::rules::{Config, Document, Overlap};

fn ids(document: &Document) -> Vec<&str> {
    document.rules().iter().map(|rule| rule.id.as_str()).collect()
}

#[test]
fn an_id_that_is_made_up_stays_the_same_and_has_amazon_s_form() {
    let document = queues(&[rule("", "s3:ObjectCreated:*", Some("a/"), None)]);
    let first = read(&document).unwrap();
    assert_eq!(ids(&first), ["NGE4YWY4NDMtNzliZi01MmZjLTljM2UtN2VkZjFjNWZlYTVk"]);
    assert_eq!(first, read(&document).unwrap());
}

#[test]
fn bucket_place_destination_events_and_filter_each_make_another_id() {
    let created = "s3:ObjectCreated:*";
    let first = rule("", created, Some("a"), None);
    let variants = [
        queues(slice::from_ref(&first)),
        queues(&[rule("", "s3:ObjectRemoved:*", Some("a"), None)]),
        queues(&[rule("", created, Some("b"), None)]),
        queues(&[rule("", created, None, Some("a"))]),
        queues(&[rule("", created, None, None)]),
    ];
    let mut made: Vec<String> = variants.iter().map(|d| ids(&read(d).unwrap()).concat()).collect();
    let elsewhere =
        read_for("films", &Config::default(), &queues(slice::from_ref(&first))).unwrap();
    made.push(ids(&elsewhere).concat());
    let allowing = Config { overlap: Overlap::Allow, ..Config::default() };
    let twice = read_with(&allowing, &queues(&[first.clone(), first])).unwrap();
    made.push(ids(&twice)[1].to_owned());
    let total = made.len();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), total, "{made:?}");
}

/// Someone saves what a GET showed and puts the rule, without its id, in front of itself.
#[test]
fn an_id_that_is_made_up_avoids_those_of_the_document() {
    let anonymous = rule("", "s3:ObjectCreated:*", Some("a"), None);
    let alone = read(&queues(slice::from_ref(&anonymous))).unwrap();
    let saved = rule(ids(&alone)[0], "s3:ObjectRemoved:*", None, None);
    let both = read(&queues(&[anonymous, saved])).unwrap();
    assert_ne!(ids(&both)[0], ids(&alone)[0]);
    assert_eq!(ids(&both)[1], ids(&alone)[0]);
}

#[test]
fn an_empty_document_asks_for_nothing() {
    assert!(read(&json!({})).unwrap().is_empty());
    assert!(!read(&json!({ "EventBridgeConfiguration": {} })).unwrap().is_empty());
}
