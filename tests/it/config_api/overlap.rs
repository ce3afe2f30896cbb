//! The table of which rules may stand beside each other, as Amazon's user guide has it.

use serde_json::{Value, json};

use super::{CREATED, Client, QUEUE, TOPIC, filtered, invalid, with_keys};
use crate::harness::{Home, rule, rules};

/// Who has no filter is told this, who has one is told that.
const COMMON: &str =
    "Configurations overlap. Configurations on the same bucket cannot share a common event type.";
const AMBIGUOUS: &str = "Configuration is ambiguously defined. Cannot have overlapping suffixes in \
                         two rules if the prefixes are overlapping for the same event type.";

const PUT: &str = "s3:ObjectCreated:Put";
const REMOVED: &str = "s3:ObjectRemoved:*";

/// An event, and a filter.
type Half = (&'static str, &'static [(&'static str, &'static str)]);

const TABLE: [(Half, Half, Option<&str>); 12] = [
    ((CREATED, &[("prefix", "images/")]), (CREATED, &[("prefix", "logs/")]), None),
    ((CREATED, &[("suffix", ".jpg")]), (CREATED, &[("suffix", ".png")]), None),
    (
        (PUT, &[("prefix", "images"), ("suffix", ".jpg")]),
        (PUT, &[("prefix", "images"), ("suffix", ".png")]),
        None,
    ),
    ((PUT, &[("prefix", "image/")]), (REMOVED, &[("prefix", "image/")]), None),
    ((CREATED, &[]), (REMOVED, &[]), None),
    ((CREATED, &[]), (CREATED, &[("prefix", "images")]), Some(AMBIGUOUS)),
    ((CREATED, &[("suffix", "jpg")]), (PUT, &[("suffix", "pg")]), Some(AMBIGUOUS)),
    (
        (CREATED, &[("prefix", "images"), ("suffix", "jpg")]),
        (PUT, &[("suffix", "jpg")]),
        Some(AMBIGUOUS),
    ),
    ((CREATED, &[("prefix", "")]), (CREATED, &[("prefix", "images")]), Some(AMBIGUOUS)),
    ((CREATED, &[("prefix", "a%2Fb")]), (CREATED, &[("prefix", "a/b")]), Some(AMBIGUOUS)),
    ((CREATED, &[]), (PUT, &[]), Some(COMMON)),
    ((PUT, &[]), (PUT, &[]), Some(COMMON)),
];

fn half(id: &str, (event, filter): Half) -> Value {
    let rule = rule(id, QUEUE, &[event]);
    if filter.is_empty() { rule } else { filtered(rule, filter) }
}

/// Puts the document with validation and without; it is refused before anybody is asked.
#[track_caller]
fn refuses(client: &mut Client, document: &Value, message: &str) {
    for skip in [json!({}), json!({ "SkipDestinationValidation": true })] {
        let answer = client.put_with("photos", document, &skip);
        assert_eq!(answer.refused(), invalid(message, &[]), "{document}");
        assert_eq!(answer.raised()["Message"], message);
    }
}

#[test]
fn two_rules_for_the_same_event_of_the_same_key_are_refused() {
    let home = with_keys(Home::without_aws());
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for (first, second, refusal) in TABLE {
        // Which of them comes first, and where each sends to, makes no difference.
        let (a, b) = (half("a", first), half("b", second));
        let mut c = half("c", second);
        c.as_object_mut().expect("a rule has members").remove("QueueArn");
        c["TopicArn"] = TOPIC.into();
        for document in [
            rules(&[a.clone(), b.clone()]),
            rules(&[b, a.clone()]),
            json!({ "QueueConfigurations": [a], "TopicConfigurations": [c] }),
        ] {
            match refusal {
                Some(message) => refuses(client, &document, message),
                None => drop(client.put_unvalidated("photos", &document).accepted()),
            }
        }
    }
}

#[test]
fn an_event_is_listed_once_in_a_rule() {
    let home = with_keys(Home::without_aws());
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for events in [[PUT, PUT], [CREATED, PUT], [PUT, CREATED]] {
        refuses(client, &rules(&[rule("a", QUEUE, &events)]), COMMON);
        // With a filter, too: it is one rule.
        let document = rules(&[filtered(rule("a", QUEUE, &events), &[("prefix", "x")])]);
        refuses(client, &document, COMMON);
    }
}

#[test]
fn overlap_may_be_allowed() {
    let home = with_keys(Home::without_aws()).set("rules", "overlap", "allow");
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let document = rules(&[half("a", (CREATED, &[])), half("b", (CREATED, &[]))]);
    client.put_unvalidated("photos", &document).accepted();
    assert_eq!(client.get("photos"), document);
}
