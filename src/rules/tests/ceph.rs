//! Ceph's filters: refused as Amazon refuses them, or allowed and shown as Ceph shows them.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{messages, queues, read, read_with, rule};
use crate::{
    model::{BucketName, EventType},
    rules::{
        Config, Context, Document, Extension, Overlap, Pattern, Problems, Question, ReasonKind,
        Standing, explain, warnings,
    },
};

const CREATED: &str = "s3:ObjectCreated:*";

fn allowing() -> Config {
    let [regex, metadata, tags] = [Extension::Allow; 3];
    Config { regex, metadata, tags, ..Config::default() }
}

fn filter_rule(name: &str, value: &str) -> Value {
    json!({ "Name": name, "Value": value })
}

/// A document of one rule with this filter.
fn filtered(filter: &Value) -> Value {
    let mut rule = rule("r", CREATED, None, None);
    rule["Filter"] = filter.clone();
    queues(&[rule])
}

fn keyed(rules: &[Value]) -> Value {
    filtered(&json!({ "Key": { "FilterRules": rules } }))
}

fn from_xml(config: &Config, text: &str) -> Result<Document, Problems> {
    let bucket: BucketName = "photos".parse().unwrap();
    Document::from_xml(text.as_bytes(), &Context { bucket: &bucket, region: "us-east-1", config })
}

/// All of Ceph's filters, in the order in which Ceph shows them.
fn everything() -> Value {
    filtered(&json!({
        "Key": { "FilterRules": [filter_rule("Prefix", "in/"), filter_rule("regex", "in/[0-9]+<&>")] },
        "Metadata": { "FilterRules": [filter_rule("x-amz-meta-color", "red")] },
        "Tags": { "FilterRules": [filter_rule("k", "v"), filter_rule("l", "")] },
    }))
}

#[test]
fn without_being_allowed_they_get_amazon_s_errors() {
    let problems = read(&keyed(&[filter_rule("regex", "a.*")])).unwrap_err();
    let first = problems.first();
    assert_eq!(first.code(), "InvalidArgument");
    assert_eq!(first.message(), "filter rule name must be either prefix or suffix");
    assert_eq!(first.arguments(), Some(("FilterRule.Name", "regex")));
    assert!(first.remedy().contains("`regex = \"allow\"`"), "{}", first.remedy());
    for (member, key) in [("Metadata", "metadata"), ("Tags", "tags")] {
        let filter = json!({ member: { "FilterRules": [filter_rule("k", "v")] } });
        let problems = read(&filtered(&filter)).unwrap_err();
        let line = problems.to_string();
        assert_eq!(problems.first().code(), "MalformedXML");
        assert!(problems.first().message().starts_with("The XML you provided"), "{line}");
        assert!(line.contains(&format!("`{key} = \"allow\"`")), "{line}");
        assert!(line.contains("QueueConfiguration 1"), "{line}");
    }
}

#[test]
fn each_is_allowed_by_a_key_of_its_own() {
    let xml = read_with(&allowing(), &everything()).unwrap().to_xml();
    let refuse = Extension::Refuse;
    for config in [
        Config { regex: refuse, ..allowing() },
        Config { metadata: refuse, ..allowing() },
        Config { tags: refuse, ..allowing() },
    ] {
        assert!(read_with(&config, &everything()).is_err() && from_xml(&config, &xml).is_err());
    }
}

#[test]
fn they_are_shown_as_ceph_shows_them_and_read_back() {
    let document = read_with(&allowing(), &everything()).unwrap();
    let filter = "<Filter><S3Key>\
        <FilterRule><Name>Prefix</Name><Value>in/</Value></FilterRule>\
        <FilterRule><Name>regex</Name><Value>in/[0-9]+&lt;&amp;&gt;</Value></FilterRule></S3Key>\
        <S3Metadata><FilterRule><Name>x-amz-meta-color</Name><Value>red</Value></FilterRule></S3Metadata>\
        <S3Tags><FilterRule><Name>k</Name><Value>v</Value></FilterRule>\
        <FilterRule><Name>l</Name><Value></Value></FilterRule></S3Tags></Filter>";
    let xml = document.to_xml();
    assert!(xml.contains(filter), "{xml}");
    assert_eq!(from_xml(&allowing(), &xml).unwrap(), document);
    let json: Value = serde_json::from_str(&document.to_json()).unwrap();
    assert_eq!(
        json["QueueConfigurations"][0]["Filter"],
        everything()["QueueConfigurations"][0]["Filter"]
    );
    assert_eq!(read_with(&allowing(), &json).unwrap(), document);
    assert_eq!(warnings(&document, &allowing()), []);
}

#[test]
fn a_filter_may_be_ceph_s_alone_but_not_empty() {
    let only = |filter| read_with(&allowing(), &filtered(&filter));
    let tags = json!({ "Tags": { "FilterRules": [filter_rule("k", "v")] } });
    let document = only(tags).unwrap();
    assert_eq!(from_xml(&allowing(), &document.to_xml()).unwrap(), document);
    for empty in [json!({}), json!({ "Tags": null }), json!({ "Tags": { "FilterRules": [] } })] {
        assert_eq!(only(empty).unwrap_err().first().code(), "MalformedXML");
    }
    let empty = "<S3Metadata/>";
    let xml = document.to_xml().replace("<Filter>", &format!("<Filter>{empty}"));
    assert_eq!(from_xml(&allowing(), &xml).unwrap_err().first().code(), "MalformedXML");
}

#[test]
fn ids_that_are_made_up_tell_filters_apart() {
    let id = |filter: &Value| {
        let mut document = filtered(filter);
        document["QueueConfigurations"][0].as_object_mut().unwrap().remove("Id");
        read_with(&allowing(), &document).unwrap().rules()[0].id.to_string()
    };
    let pair = json!({ "FilterRules": [filter_rule("prefix", "v")] });
    let ids = ["Key", "Metadata", "Tags"].map(|member| id(&json!({ member: pair })));
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[test]
fn a_regex_is_checked_when_it_is_sent() {
    let refused = |rules: &[Value]| read_with(&allowing(), &keyed(rules)).unwrap_err();
    let problems = refused(&[filter_rule("Regex", "a(?=b)")]);
    let first = problems.first();
    assert_eq!(
        (first.code(), first.arguments()),
        ("InvalidArgument", Some(("FilterRule.Value", "a(?=b)")))
    );
    assert!(first.remedy().contains("look-around"), "{}", first.remedy());
    let huge = refused(&[filter_rule("regex", "(a{1000}){1000}")]);
    assert!(huge.first().remedy().contains("12288 bytes"), "{huge}");
    let two = refused(&[filter_rule("regex", "a"), filter_rule("regex", &"a".repeat(1025))]);
    assert_eq!(
        messages(Err(two)),
        [
            "Cannot specify more than one regex rule in a filter.",
            "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
        ]
    );
    let several = refused(&[filter_rule("glob", "a"), filter_rule("regex", "(")]);
    assert_eq!(several.iter().count(), 2, "every fault is told: {several}");
}

#[test]
fn patterns_and_pairs_have_a_number() {
    let config = Config { overlap: Overlap::Allow, ..allowing() };
    let many = Config { per_bucket_max: NonZeroUsize::new(1000).unwrap(), ..config };
    let patterns = |count: usize| {
        let rules = (0..count).map(|n| {
            let mut rule = rule(&format!("r{n}"), CREATED, None, None);
            rule["Filter"] = json!({ "Key": { "FilterRules": [filter_rule("regex", "a")] } });
            rule
        });
        queues(&rules.collect::<Vec<_>>())
    };
    read_with(&many, &patterns(100)).unwrap();
    let problems = read_with(&many, &patterns(101)).unwrap_err();
    assert_eq!((problems.first().code(), problems.iter().count()), ("InvalidRequest", 1));

    let pairs = |count: usize, value: &str| {
        let rules: Vec<_> = (0..count).map(|n| filter_rule(&format!("k{n}"), value)).collect();
        read_with(&many, &filtered(&json!({ "Metadata": { "FilterRules": rules } })))
    };
    pairs(50, &"v".repeat(1024)).unwrap();
    assert!(messages(pairs(51, "v")).concat().contains("more than 50 rules"));
    assert!(messages(pairs(1, &"v".repeat(1025))).concat().contains("1024 bytes"));
}

#[test]
fn rules_that_only_a_regex_keeps_apart_overlap() {
    let regex = |id: &str, regex: &str| {
        let mut rule = rule(id, CREATED, None, None);
        rule["Filter"] = json!({ "Key": { "FilterRules": [filter_rule("regex", regex)] } });
        rule
    };
    let document = queues(&[regex("a", "a.*"), regex("b", "b.*")]);
    let problems = read_with(&allowing(), &document).unwrap_err();
    let line = problems.to_string();
    assert!(line.contains("ambiguously defined") && line.contains("`a` and `b` overlap"), "{line}");
    let config = Config { overlap: Overlap::Allow, ..allowing() };
    assert_eq!(read_with(&config, &document).unwrap().rules().len(), 2);
}

#[test]
fn every_reason_is_explained() {
    let document = read_with(&allowing(), &everything()).unwrap();
    let question = Question {
        bucket: "photos".parse().unwrap(),
        event_type: EventType::ObjectCreatedPut,
        key: "in/x".parse().unwrap(),
    };
    let standing = Standing { document: Some(&document), problem: None };
    let bus = "arn:aws:events:us-east-1:123456789012:event-bus/default".parse().unwrap();
    let explanation = explain(&question, standing, &bus, &allowing());
    let reasons = &explanation.rules[0].reasons;
    let kinds: Vec<_> = reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [ReasonKind::RegexDiffers, ReasonKind::NoMetadata, ReasonKind::NoTags]);
    assert_eq!(reasons[0].text, "regex `in/[0-9]+<&>` does not fit the whole key `in/x`");
    assert!(reasons[1].text.contains("if the store sends no metadata"), "{}", reasons[1].text);
    assert!(reasons[2].text.contains("`k` = `v`, `l` = ``"), "{}", reasons[2].text);
}

/// What a hostile document can buy: 100 of the worst patterns that 1,024 bytes hold.
#[test]
fn no_pattern_takes_long_to_be_compiled_or_refused() {
    let deep = format!("{}a{}", "(".repeat(249), ")*".repeat(249));
    for pattern in [
        "(a{1000}){1000}",
        "((a{30}){30}){30}",
        "((((){1000}){1000}){1000}){1000}",
        ".{0,1000}[^a]{0,1000}",
        &"a?".repeat(512),
        &"(a*)*".repeat(204),
        &"(.*a)".repeat(204),
        &"(a|aa)+".repeat(146),
        &"(?i)[a-z]".repeat(113),
        &"a|b|".repeat(256),
        &format!("(?iu){}", r"\pL".repeat(339)),
        &format!("(?iu){}", r"[^\pL&&\w--\d]".repeat(72)),
        &deep,
    ] {
        assert!(pattern.len() <= 1024);
        let begin = Instant::now();
        drop(Pattern::compile(pattern));
        let took = begin.elapsed();
        // Far above the few milliseconds of a build without optimisation, far below what hurts.
        assert!(took < Duration::from_millis(500), "{took:?}: {pattern}");
    }
}

#[test]
fn a_filter_says_in_words_what_it_asks_for() {
    let words = |document: &Value| {
        let document = read_with(&allowing(), document).unwrap();
        document.rules()[0].filter.to_string()
    };
    let ends = |prefix, suffix| words(&queues(&[rule("r", CREATED, prefix, suffix)]));
    assert_eq!(ends(None, None), "every object");
    assert_eq!(ends(Some(""), Some("")), "every object");
    assert_eq!(ends(Some("a b/"), None), r#"key begins with "a b/""#);
    assert_eq!(ends(Some("in/"), Some(".jpg")), r#"key begins with "in/" and ends with ".jpg""#);
    assert_eq!(
        words(&everything()),
        "key begins with \"in/\" and fits \"in/[0-9]+<&>\" and metadata \"x-amz-meta-color\" is \
         \"red\" and tag \"k\" is \"v\" and tag \"l\" is \"\""
    );
}
