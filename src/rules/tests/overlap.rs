//! The overlap check: Amazon's table, and the brute force over all short keys.

use std::num::NonZeroUsize;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::Value;

use super::{messages, queues, read, read_with, rule};
use crate::{
    model::ObjectKey,
    rules::{Config, Filter, KeyMatch, Overlap},
};

const UNFILTERED: &str = "Configurations overlap. Configurations on the same bucket cannot share a \
                          common event type.";
const FILTERED: &str = "Configuration is ambiguously defined. Cannot have overlapping suffixes in \
                        two rules if the prefixes are overlapping for the same event type.";

fn both(one: (&str, Option<&str>, Option<&str>), two: (&str, Option<&str>, Option<&str>)) -> Value {
    queues(&[rule("one", one.0, one.1, one.2), rule("two", two.0, two.1, two.2)])
}

/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html>
#[test]
fn rules_overlap_as_in_the_table_of_amazon() {
    let (created, put, removed) =
        ("s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*");
    for (one, two, expected) in [
        ((created, Some("images/"), None), (created, Some("logs/"), None), None),
        ((created, None, Some(".jpg")), (created, None, Some(".png")), None),
        ((put, Some("images"), Some(".jpg")), (put, Some("images"), Some(".png")), None),
        ((put, Some("image/"), None), (removed, Some("image/"), None), None),
        ((created, None, None), (created, Some("images"), None), Some(FILTERED)),
        ((created, None, Some("jpg")), (put, None, Some("pg")), Some(FILTERED)),
        ((created, Some("images"), Some("jpg")), (put, None, Some("jpg")), Some(FILTERED)),
        ((created, Some(""), None), (created, None, None), Some(FILTERED)),
        ((created, None, None), (put, None, None), Some(UNFILTERED)),
        ((created, Some("a=b"), None), (put, Some("a%3Db/c"), None), Some(FILTERED)),
    ] {
        for document in [both(one, two), both(two, one)] {
            assert_eq!(messages(read(&document)), Vec::from_iter(expected), "{document}");
        }
    }
}

#[test]
fn overlap_names_both_rules_and_a_key_that_both_match() {
    let document = both(
        ("s3:ObjectCreated:*", Some("a%3Db/"), None),
        ("s3:ObjectCreated:Put", Some("a"), Some("%C3%BC+x.jpg")),
    );
    let problems = read(&document).unwrap_err();
    let remedy = problems.first().remedy();
    assert!(
        remedy.starts_with("`one` and `two` would both match the key `a=b/ü x.jpg`"),
        "{remedy}"
    );
}

#[test]
fn allowing_overlap_spares_different_rules_only() {
    let allowing = Config { overlap: Overlap::Allow, ..Config::default() };
    let created = ("s3:ObjectCreated:*", None, None);
    assert_eq!(read_with(&allowing, &both(created, created)).unwrap().rules().len(), 2);

    let mut document = both(created, created);
    document["QueueConfigurations"][1]["Events"] =
        ["s3:ObjectCreated:*", "s3:ObjectCreated:Put"].as_slice().into();
    let problems = read_with(&allowing, &document).unwrap_err();
    assert_eq!((problems.first().rule(), problems.iter().count()), (Some("two"), 1));
}

#[test]
fn warnings_of_encoding_are_for_amazon_s_way_of_matching() {
    let config = Config { key_match: KeyMatch::Lenient, ..Config::default() };
    let document = queues(&[rule("raw", "s3:ObjectCreated:*", Some("year=2026/"), None)]);
    let document = read_with(&config, &document).unwrap();
    assert_eq!(crate::rules::warnings(&document, &config), []);
    assert_eq!(crate::rules::warnings(&document, &Config::default()).len(), 1);
}

/// Every key of up to five letters, in few enough letters that short filters often nest.
fn short_keys() -> Vec<ObjectKey> {
    let mut keys = vec![String::new()];
    let mut longest = keys.clone();
    for _ in 0..5 {
        let longer = |key: &String| ["a", "b", "="].map(|letter| format!("{key}{letter}"));
        longest = longest.iter().flat_map(longer).collect();
        keys.extend(longest.iter().cloned());
    }
    keys.iter().filter_map(|key| key.parse().ok()).collect()
}

fn matches(filter: &Filter, key: &ObjectKey) -> bool {
    let form = key.to_form();
    form.starts_with(filter.prefix().unwrap_or_default())
        && form.ends_with(filter.suffix().unwrap_or_default())
}

fn value() -> impl Strategy<Value = Option<String>> {
    let piece = select(vec!["a", "b", "%3D", "=", "%3d", "%"]);
    option::of(vec(piece, 0..=2).prop_map(|pieces| pieces.concat()))
}

/// More rules than are compared pair by pair.
#[test]
fn one_clash_among_very_many_rules_is_found() {
    let config = Config { per_bucket_max: NonZeroUsize::new(10_000).unwrap(), ..Config::default() };
    let created = "s3:ObjectCreated:*";
    let id = |n: usize| format!("r{n}");
    let mut rules: Vec<_> =
        (0..3000).map(|n| rule(&id(n), created, Some(&format!("{n}/")), Some(".jpg"))).collect();
    read_with(&config, &queues(&rules)).unwrap();
    rules.push(rule("late", "s3:ObjectCreated:Put", Some("1700/x"), Some("pg")));
    let problems = read_with(&config, &queues(&rules)).unwrap_err();
    assert_eq!(problems.iter().count(), 1);
    assert_eq!(
        (problems.first().rule(), problems.first().message().as_str()),
        (Some("r1700"), FILTERED)
    );
    assert!(problems.first().remedy().contains("late"), "{problems}");
}

proptest! {
    #[test]
    fn overlap_is_what_trying_every_key_would_find(
        prefixes in [value(), value()],
        suffixes in [value(), value()],
    ) {
        let created = "s3:ObjectCreated:*";
        let one = (created, prefixes[0].as_deref(), suffixes[0].as_deref());
        let two = (created, prefixes[1].as_deref(), suffixes[1].as_deref());
        let document = both(one, two);

        let allowing = Config { overlap: Overlap::Allow, ..Config::default() };
        let allowed = read_with(&allowing, &document).unwrap();
        let filters: Vec<_> = allowed.rules().iter().map(|rule| &rule.filter).collect();
        let keys = short_keys();
        let taken_twice = keys.iter().find(|key| filters.iter().all(|f| matches(f, key)));
        let outcome = read(&document);

        if let Some(key) = taken_twice {
            prop_assert!(outcome.is_err(), "both match `{}`", key);
        } else if let Err(problems) = outcome {
            // The values clash as texts, so one of them has to be a value that no key can have.
            let never = |filter: &&Filter| !keys.iter().any(|key| matches(filter, key));
            prop_assert!(filters.iter().any(never), "{}", problems);
        }
    }
}
