//! Prefix and suffix are two tests on the form-encoded key, as Amazon has them.

use serde_json::{Value, json};

use crate::harness::{Home, SOON, Sink, arrived, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:filtered";

/// A rule for all uploads with these filter rules, values as a user writes them.
fn filtered(filters: &[(&str, &str)]) -> Value {
    let mut rule = rule("filtered", QUEUE, &["s3:ObjectCreated:*"]);
    let filters = filters.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
    rule["Filter"] = json!({ "Key": { "FilterRules": filters.collect::<Vec<_>>() } });
    rule
}

/// Of these keys, those that arrive, in Amazon's encoding.
#[track_caller]
fn arriving(key_match: &str, filters: &[(&str, &str)], keys: &[&str]) -> Vec<String> {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink).set("rules", "key_match", key_match);
    home.document("photos", &rules(&[filtered(filters)]));
    let daemon = home.start();
    let mut matched = 0;
    for key in keys {
        let answer = daemon.accepts(&minio("ObjectCreated:Put", "photos", key)).json();
        matched += answer["matched"].as_u64().expect("the answer counts");
    }
    until("what matched arrives", SOON, || (sink.count() as u64 >= matched).then_some(()));
    arrived(&sink).into_iter().collect()
}

#[test]
fn both_ends_are_compared_with_the_encoded_key() {
    let arrived = arriving(
        "aws",
        &[("prefix", "dir+one/%C3%BC"), ("suffix", ".txt")],
        &["dir one/ü.txt", "dir one/ü.jpg", "dir one/u.txt", "dir+one/ü.txt", "x/dir one/ü.txt"],
    );
    assert_eq!(arrived, ["dir+one/%C3%BC.txt"]);
}

#[test]
fn the_name_of_a_filter_rule_is_taken_in_any_case() {
    let filters = [("Prefix", "in/"), ("SUFFIX", ".jpg")];
    assert_eq!(arriving("aws", &filters, &["in/a.jpg", "in/a.png"]), ["in/a.jpg"]);
}

#[test]
fn a_raw_equals_sign_never_matches() {
    let keys = ["test=abc/x"];
    assert_eq!(arriving("aws", &[("prefix", "test=abc/")], &keys), [] as [&str; 0]);
    assert_eq!(arriving("aws", &[("prefix", "test%3Dabc/")], &keys), ["test%3Dabc/x"]);
}

#[test]
fn lenient_rules_also_match_what_was_meant() {
    let keys = ["test=abc/x"];
    assert_eq!(arriving("lenient", &[("prefix", "test=abc/")], &keys), ["test%3Dabc/x"]);
}

#[test]
fn prefix_and_suffix_may_overlap_on_a_short_key() {
    let filters = [("prefix", "ab"), ("suffix", "bc")];
    assert_eq!(arriving("aws", &filters, &["abc", "ab", "bc", "abbc"]), ["abbc", "abc"]);
}

#[test]
fn a_star_is_a_star() {
    let keys = ["a*c", "abc"];
    assert_eq!(arriving("aws", &[("prefix", "a*")], &keys), ["a*c"]);
}
