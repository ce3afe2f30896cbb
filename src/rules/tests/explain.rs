//! Why a rule wants an event or does not, against the rules as they are compiled.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{queues, read, read_with, rule};
use crate::{
    model::{Destination, EventPattern, EventType, ObjectKey},
    route,
    rules::{
        Config, Document, Explained, Explanation, InForce, KeyMatch, Overlap, Question, ReasonKind,
        Standing, explain, warnings,
    },
};

const CREATED: &str = "s3:ObjectCreated:*";

fn bus() -> Destination {
    "arn:aws:events:us-east-1:123456789012:event-bus/default".parse().unwrap()
}

fn lenient() -> Config {
    Config { key_match: KeyMatch::Lenient, overlap: Overlap::Allow, ..Config::default() }
}

fn explained(
    document: &Document,
    event_type: EventType,
    key: &str,
    config: &Config,
) -> Explanation {
    let (bucket, key) = ("photos".parse().unwrap(), key.parse().unwrap());
    let standing = Standing { document: Some(document), problem: None };
    explain(&Question { bucket, event_type, key }, standing, &bus(), config)
}

/// The reasons why a rule with these ends does not want an upload of the key.
#[track_caller]
fn why(config: &Config, prefix: &str, suffix: &str, key: &str) -> Vec<String> {
    let rule = rule("r", CREATED, Some(prefix), Some(suffix));
    let document = read_with(config, &queues(&[rule])).unwrap();
    let explanation = explained(&document, EventType::ObjectCreatedPut, key, config);
    let [rule] = explanation.rules.as_slice() else { panic!("{explanation:?}") };
    assert_eq!(rule.matched, rule.reasons.is_empty());
    rule.reasons.iter().map(|reason| reason.text.clone()).collect()
}

#[test]
fn every_reason_is_given_with_what_to_write() {
    let aws = Config::default();
    for (prefix, suffix, key, reasons) in [
        (
            "a=b/",
            "",
            "a=b/c",
            vec![
                "prefix `a=b/` never matches because Amazon compares the encoded key `a%3Db/…`: write `a%3Db/`",
            ],
        ),
        (
            "a=b/",
            "",
            "x",
            vec![
                "prefix `a=b/` never matches because Amazon compares the encoded key `x`: write `a%3Db/`, though this key does not begin so either",
            ],
        ),
        (
            "",
            "%3db",
            "a=b",
            vec![
                "suffix `%3db` never matches because Amazon compares the encoded key `…%3Db`: write `%3Db`",
            ],
        ),
        (
            "%FF",
            "",
            "x",
            vec!["prefix `%FF` never matches because its escapes are not whole UTF-8 characters"],
        ),
        (
            "logs/",
            ".gz",
            "images/a.jpg",
            vec![
                "prefix `logs/` does not fit: the encoded key begins with `image…`",
                "suffix `.gz` does not fit: the encoded key ends with `…jpg`",
            ],
        ),
        (
            "a+b",
            "",
            "a+b",
            vec!["prefix `a+b` does not fit: the encoded key begins with `a%2Bb`; write `a%2Bb`"],
        ),
        ("ab", "bc", "abc", vec![]),
    ] {
        assert_eq!(why(&aws, prefix, suffix, key), reasons);
    }
}

#[test]
fn a_lenient_rule_is_explained_by_both_readings() {
    assert_eq!(why(&lenient(), "a=b/", "", "a=b/c"), [""; 0]);
    let [reason] = why(&lenient(), "a%", "=", "a=").try_into().unwrap();
    assert!(reason.starts_with("one end of the filter fits the encoded key only"), "{reason}");
    assert_eq!(why(&lenient(), "a=b/", "%C3", "a=b/").len(), 2, "each end fits in no reading");
    assert!(why(&lenient(), "x=", "", "a=b")[0].contains("does not fit"));
}

#[test]
fn events_and_event_bridge_are_explained() {
    let mut document = queues(&[
        rule("created", CREATED, None, None),
        rule("lost", "s3:ReducedRedundancyLostObject", None, None),
    ]);
    document["EventBridgeConfiguration"] = json!({});
    let document = read(&document).unwrap();
    let config = Config::default();

    let created = explained(&document, EventType::ObjectCreatedPut, "a=b", &config);
    let outcome = |rule: &Explained| (rule.id.clone(), rule.matched);
    let outcomes: Vec<_> = created.rules.iter().map(outcome).collect();
    assert_eq!(
        outcomes,
        [(Some("created".into()), true), (Some("lost".into()), false), (None, true)]
    );
    assert_eq!(created.destinations, [super::QUEUE, bus().as_str()]);
    assert_eq!(
        (created.event.as_str(), created.encoded_key.as_str()),
        ("s3:ObjectCreated:Put", "a%3Db")
    );
    let reason = &created.rules[1].reasons[0];
    assert_eq!(reason.kind, ReasonKind::EventNotCovered);
    assert_eq!(
        reason.text,
        "the rule lists s3:ReducedRedundancyLostObject, not s3:ObjectCreated:Put"
    );

    let lost = explained(&document, EventType::ReducedRedundancyLostObject, "a", &config);
    assert_eq!(lost.rules[2].reasons[0].kind, ReasonKind::NotForEventBridge);
    assert_eq!(lost.destinations, [super::QUEUE]);
}

#[test]
fn a_bucket_without_a_usable_document_is_told_apart() {
    let document = read(&queues(&[rule("r", CREATED, None, None)])).unwrap();
    for (document, problem, in_force) in [
        (Some(&document), None, InForce::Current),
        (Some(&document), Some("broken"), InForce::LastGood),
        (None, None, InForce::Missing),
        (None, Some("broken"), InForce::Unreadable),
    ] {
        let question = Question {
            bucket: "photos".parse().unwrap(),
            event_type: EventType::ObjectCreatedPut,
            key: "a".parse().unwrap(),
        };
        let standing = Standing { document, problem };
        let explanation = explain(&question, standing, &bus(), &Config::default());
        assert_eq!(explanation.document, in_force);
        assert_eq!(explanation.rules.len(), usize::from(document.is_some()));
    }
}

#[test]
fn the_json_of_an_explanation_is_an_interface() {
    let document = read(&queues(&[rule("r", "s3:ObjectCreated:Put", Some("a=b"), None)])).unwrap();
    let config = Config::default();
    let explanation = explained(&document, EventType::ObjectCreatedPut, "a=b", &config);
    let expected = json!({
        "bucket": "photos",
        "event": "s3:ObjectCreated:Put",
        "key": "a=b",
        "encoded_key": "a%3Db",
        "document": "current",
        "rules": [{
            "id": "r",
            "destination": super::QUEUE,
            "matched": false,
            "reasons": [{
                "kind": "prefix_never_matches",
                "text": "prefix `a=b` never matches because Amazon compares the encoded key \
                         `a%3Db`: write `a%3Db`",
                "write": "a%3Db",
            }],
        }],
        "destinations": [],
    });
    assert_eq!(serde_json::to_value(&explanation).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Explanation>(expected).unwrap(), explanation);
}

/// Pieces of keys, encoded or not, and of what only looks so.
fn text() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a", "b", "/", "=", "+", " ", "%", "ü", "3D", "D", "2", "%2", "%20", "%2F", "%3D", "%3d",
        "%C3", "%BC", "%C3%BC", "%2B", "?", "*",
    ]);
    proptest::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

fn config() -> impl Strategy<Value = Config> {
    prop_oneof![Just(Config { overlap: Overlap::Allow, ..Config::default() }), Just(lenient())]
}

fn a_document() -> impl Strategy<Value = Value> {
    let events = proptest::sample::select(EventPattern::all());
    let ends = (proptest::option::of(text()), proptest::option::of(text()));
    let rules = proptest::collection::vec((events, ends), 0..6).prop_map(|rules| {
        let rules = rules.iter().enumerate().map(|(index, (event, (prefix, suffix)))| {
            let (id, event) = (index.to_string(), event.to_string());
            rule(&id, &event, prefix.as_deref(), suffix.as_deref())
        });
        queues(&rules.collect::<Vec<_>>())
    });
    (rules, any::<bool>()).prop_map(|(mut document, event_bridge)| {
        if event_bridge {
            document["EventBridgeConfiguration"] = json!({});
        }
        document
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_rule_is_explained_as_matched_where_the_compiled_rules_match(
        document in a_document(),
        config in config(),
        event_type in proptest::sample::select(EventType::ALL),
        created in any::<bool>(),
        key in text(),
    ) {
        prop_assume!(!key.is_empty());
        let event_type = if created { EventType::ObjectCreatedPut } else { event_type };
        let document = read_with(&config, &document).unwrap();
        let explanation = explained(&document, event_type, &key, &config);
        let claimed: Vec<_> = explanation
            .rules
            .iter()
            .filter(|rule| rule.matched)
            .map(|rule| (rule.id.clone(), rule.destination.clone()))
            .collect();

        let key: ObjectKey = key.parse().unwrap();
        let compiled = route::compile(&document, &bus(), config.key_match);
        let mut found = route::Found::default();
        compiled.find(event_type, &key, &mut found);
        found.sort();
        let matching: Vec<_> = compiled
            .matches(&found)
            .map(|rule| (rule.id.map(ToString::to_string), rule.lane.to_string()))
            .collect();
        prop_assert_eq!(claimed, matching);
    }

    #[test]
    fn a_value_that_never_matches_matches_no_key_that_looks_like_it(
        (prefix, suffix) in (text(), text()),
        config in config(),
        around in "[ab=ü3D ]{0,2}",
    ) {
        let document = queues(&[rule("r", CREATED, Some(&prefix), Some(&suffix))]);
        let document = read_with(&config, &document).unwrap();
        let never = warnings(&document, &config)
            .iter()
            .any(|warning| warning.message().contains("can never match"));
        let decoded = |value| crate::model::decode_form(value).unwrap_or_default();
        let (begin, end) = (decoded(&prefix), decoded(&suffix));
        let keys = [
            format!("{prefix}{suffix}"),
            format!("{prefix}{around}{suffix}"),
            format!("{begin}{end}"),
            format!("{begin}{around}{end}"),
            around.clone(),
        ];
        let mut matched = false;
        for key in keys.iter().filter(|key| !key.is_empty()) {
            let explanation = explained(&document, EventType::ObjectCreatedPut, key, &config);
            let [rule] = explanation.rules.as_slice() else { panic!("{explanation:?}") };
            matched |= rule.matched;
            // The two ways of saying it agree.
            let said = rule.reasons.iter().any(|reason| reason.text.contains("never matches"));
            prop_assert!(!said || never, "{:?}", rule);
        }
        prop_assert!(!(never && matched), "{prefix} {suffix}");
    }
}
