//! What a filter matches, on examples and against the comparison that it stands for.

use proptest::prelude::*;

use crate::{
    model::{Destination, EventPattern, EventType, EventTypeSet, ObjectKey, decode_form},
    route::{Bucket, Found, Rule},
    rules::KeyMatch,
};

fn accepts(key_match: KeyMatch, prefix: &str, suffix: &str, key: &str) -> bool {
    let types = EventTypeSet::of(EventType::ObjectCreatedPut);
    let rules = [(types, prefix.to_owned(), suffix.to_owned())];
    found(key_match, &rules, EventType::ObjectCreatedPut, key) == [0]
}

/// The rules that want the event, by their place.
fn found(
    key_match: KeyMatch,
    rules: &[(EventTypeSet, String, String)],
    event_type: EventType,
    key: &str,
) -> Vec<usize> {
    let destination: Destination = "arn:aws:sqs:us-east-1:000000000000:q".parse().unwrap();
    let rule = |number: usize| {
        let (event_types, prefix, suffix) = &rules[number];
        let id = Some(number.to_string().parse().unwrap());
        Rule {
            id,
            destination: &destination,
            event_types: *event_types,
            prefix,
            suffix,
            conditions: None,
        }
    };
    let bucket = Bucket::new((0..rules.len()).map(rule), key_match);
    let mut found = Found::default();
    bucket.find(event_type, &key.parse().unwrap(), &mut found);
    found.sort();
    bucket.matches(&found).map(|rule| rule.id.unwrap().as_str().parse().unwrap()).collect()
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
fn a_value_may_cut_an_escape_or_a_character() {
    for key in ["a=", "a3D", "3D"] {
        assert!(accepts(KeyMatch::Aws, "", "3D", key), "{key}");
    }
    assert!(accepts(KeyMatch::Aws, "a%", "D", "a="));
    assert!(accepts(KeyMatch::Aws, "a%2", "", "a+"));
    assert!(!accepts(KeyMatch::Aws, "a%2", "", "a="));
    assert!(!accepts(KeyMatch::Aws, "", "%3D", "a3D"));
    assert!(accepts(KeyMatch::Aws, "%C3", "%BC", "ü"));
}

#[test]
fn lenient_also_compares_the_decoded_value_with_the_raw_key() {
    for prefix in ["a%3Db/", "a=b/", "a%3db/"] {
        assert!(accepts(KeyMatch::Lenient, prefix, "", "a=b/c"), "{prefix}");
    }
    assert!(!accepts(KeyMatch::Lenient, "a=c/", "", "a=b/c"));
    assert!(accepts(KeyMatch::Lenient, "", "3D", "a3D"), "found both ways, answered once");
}

/// A few characters that the encoding changes and a few that it does not, so that ends often meet.
fn text(lengths: &str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[ab=/ %23D\u{0}ü+]{lengths}")).unwrap()
}

fn a_rule() -> impl Strategy<Value = (EventTypeSet, String, String)> {
    let patterns = proptest::sample::select(EventPattern::all());
    (patterns.prop_map(EventPattern::types), text("{0,4}"), text("{0,4}"))
}

fn wants(key_match: KeyMatch, key: &ObjectKey, prefix: &str, suffix: &str) -> bool {
    let (raw, form) = (key.as_str(), key.to_form());
    let is_lenient = key_match == KeyMatch::Lenient;
    let decoded = decode_form(prefix).zip(decode_form(suffix)).filter(|_| is_lenient);
    (form.starts_with(prefix) && form.ends_with(suffix))
        || decoded
            .is_some_and(|(prefix, suffix)| raw.starts_with(&prefix) && raw.ends_with(&suffix))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_bucket_equals_the_comparison_with_the_encoded_key(
        rules in proptest::collection::vec(a_rule(), 0..40),
        event_type in proptest::sample::select(EventType::ALL),
        key in text("{1,8}"),
        key_match in proptest::sample::select(vec![KeyMatch::Aws, KeyMatch::Lenient]),
    ) {
        let parsed: ObjectKey = key.parse().unwrap();
        let wanted = |(_, (types, prefix, suffix)): &(usize, &(EventTypeSet, String, String))| {
            types.contains(event_type) && wants(key_match, &parsed, prefix, suffix)
        };
        let naive: Vec<usize> =
            rules.iter().enumerate().filter(wanted).map(|(index, _)| index).collect();
        prop_assert_eq!(found(key_match, &rules, event_type, &key), naive);
    }
}
