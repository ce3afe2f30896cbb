//! What a rule wants, on examples and against the naive scan.

use proptest::prelude::*;

use super::{Bucket, KeyFilter, Rule, Table};
use crate::{
    model::{EventPattern, EventType, EventTypeSet, ObjectKey},
    rules::KeyMatch,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";

fn accepts(key_match: KeyMatch, prefix: &str, suffix: &str, key: &str) -> bool {
    KeyFilter::new(prefix, suffix, key_match).accepts(&key.parse().unwrap())
}

#[test]
fn the_two_ends_may_overlap_in_a_short_key() {
    assert!(accepts(KeyMatch::Aws, "ab", "bc", "abc"));
    assert!(accepts(KeyMatch::Aws, "a", "a", "a"));
    assert!(!accepts(KeyMatch::Aws, "ab", "bc", "bc"));
}

#[test]
fn a_star_is_a_star() {
    assert!(!accepts(KeyMatch::Aws, "images/*", "", "images/1.jpg"));
    assert!(accepts(KeyMatch::Aws, "images/*", "", "images/*.jpg"));
}

#[test]
fn a_value_is_compared_with_the_encoded_key() {
    assert!(accepts(KeyMatch::Aws, "a%3Db/", "", "a=b/c"));
    assert!(!accepts(KeyMatch::Aws, "a=b/", "", "a=b/c"));
    assert!(accepts(KeyMatch::Aws, "dir+one/", "%C3%BC.txt", "dir one/ü.txt"));
    assert!(!accepts(KeyMatch::Aws, "dir one/", "", "dir one/ü.txt"));
    assert!(!accepts(KeyMatch::Aws, "a%3db/", "", "a=b/c"), "Amazon writes upper-case hex");
}

#[test]
fn a_suffix_may_be_the_rest_of_an_escape() {
    for key in ["a=", "a3D", "3D"] {
        assert!(accepts(KeyMatch::Aws, "", "3D", key), "{key}");
    }
    assert!(accepts(KeyMatch::Aws, "a%", "D", "a="));
    assert!(!accepts(KeyMatch::Aws, "", "%3D", "a3D"));
}

#[test]
fn lenient_also_compares_the_decoded_value_with_the_raw_key() {
    for prefix in ["a%3Db/", "a=b/", "a%3db/"] {
        assert!(accepts(KeyMatch::Lenient, prefix, "", "a=b/c"), "{prefix}");
    }
    assert!(!accepts(KeyMatch::Lenient, "a=c/", "", "a=b/c"));
}

#[test]
fn a_table_answers_in_the_order_of_the_document_and_for_its_bucket_only() {
    let mut table = Table::default();
    let rules = vec![
        rule("first", "s3:ObjectCreated:*", "a", ""),
        rule("second", "s3:ObjectCreated:Put", "", "b"),
    ];
    table.replace("photos".parse().unwrap(), Bucket::new(rules));
    let ids = |bucket: &str, event_type, key: &str| -> Vec<String> {
        let (bucket, key) = (bucket.parse().unwrap(), key.parse().unwrap());
        let rules = table.matching(&bucket, event_type, &key);
        rules.map(|rule| rule.id.as_ref().unwrap().to_string()).collect()
    };
    assert_eq!(ids("photos", EventType::ObjectCreatedPut, "ab"), ["first", "second"]);
    assert_eq!(ids("photos", EventType::ObjectCreatedCopy, "ab"), ["first"]);
    assert_eq!(ids("photos", EventType::ObjectRemovedDelete, "ab"), [""; 0]);
    assert_eq!(ids("logs", EventType::ObjectCreatedPut, "ab"), [""; 0]);
}

fn rule(id: &str, events: &str, prefix: &str, suffix: &str) -> Rule {
    Rule {
        id: Some(id.parse().unwrap()),
        destination: QUEUE.parse().unwrap(),
        lane: QUEUE.into(),
        event_types: events.parse::<EventPattern>().unwrap().types(),
        filter: KeyFilter::new(prefix, suffix, KeyMatch::Aws),
    }
}

/// A few characters that the encoding changes and a few that it does not, so that ends often meet.
fn text(lengths: &str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[ab=/ %3D\u{0}ü+]{lengths}")).unwrap()
}

fn a_rule() -> impl Strategy<Value = (EventTypeSet, String, String)> {
    let patterns = proptest::sample::select(EventPattern::all());
    (patterns.prop_map(EventPattern::types), text("{0,4}"), text("{0,4}"))
}

proptest! {
    #[test]
    fn the_table_equals_the_naive_scan(
        rules in proptest::collection::vec(a_rule(), 0..12),
        event_type in proptest::sample::select(EventType::ALL),
        key in text("{1,8}"),
    ) {
        let key: ObjectKey = key.parse().unwrap();
        let form = key.to_form();
        let naive: Vec<String> = rules
            .iter()
            .enumerate()
            .filter(|(_, (types, prefix, suffix))| {
                types.contains(event_type) && form.starts_with(prefix) && form.ends_with(suffix)
            })
            .map(|(index, _)| index.to_string())
            .collect();
        let compiled = rules.iter().enumerate().map(|(index, (types, prefix, suffix))| Rule {
            event_types: *types,
            ..rule(&index.to_string(), "s3:ObjectCreated:Put", prefix, suffix)
        });
        let bucket = Bucket::new(compiled.collect());
        let found: Vec<String> = bucket
            .matching(event_type, &key)
            .map(|rule| rule.id.as_ref().unwrap().to_string())
            .collect();
        prop_assert_eq!(found, naive);
    }
}
