//! Rules with patterns, against a scan that asks every rule, and what they cost.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    model::{
        Attributes, Destination, EventPattern, EventType, EventTypeSet, ObjectKey, decode_form,
    },
    route::{Bucket, Found, Rule},
    rules::{Conditions, KeyMatch, Pair, Pattern},
};

const PUT: EventType = EventType::ObjectCreatedPut;

/// A rule that owns its parts.
#[derive(Clone, Debug)]
struct Owned {
    events: EventTypeSet,
    prefix: String,
    suffix: String,
    conditions: Option<Arc<Conditions>>,
}

fn with(prefix: &str, suffix: &str, pattern: &str) -> Owned {
    let conditions = Conditions::new(Some(Pattern::compile(pattern).unwrap()), [], []);
    Owned {
        events: EventTypeSet::of(PUT),
        prefix: prefix.into(),
        suffix: suffix.into(),
        conditions: conditions.map(Arc::new),
    }
}

fn compiled(rules: &[Owned], key_match: KeyMatch) -> Bucket {
    let destination: Destination = "arn:aws:sqs:us-east-1:000000000000:q".parse().unwrap();
    let rules = rules.iter().enumerate().map(|(number, owned)| Rule {
        id: Some(number.to_string().parse().unwrap()),
        destination: &destination,
        event_types: owned.events,
        prefix: &owned.prefix,
        suffix: &owned.suffix,
        conditions: owned.conditions.as_ref(),
    });
    Bucket::new(rules, key_match)
}

fn numbers(bucket: &Bucket, found: &mut Found) -> Vec<usize> {
    found.sort();
    bucket.matches(found).map(|rule| rule.id.unwrap().as_str().parse().unwrap()).collect()
}

fn found(rules: &[Owned], key_match: KeyMatch, event_type: EventType, key: &str) -> Vec<usize> {
    let (bucket, mut found) = (compiled(rules, key_match), Found::default());
    bucket.find(event_type, &key.parse().unwrap(), &mut found);
    numbers(&bucket, &mut found)
}

#[test]
fn a_pattern_adds_to_the_two_ends() {
    let rules = [
        with("in/", ".jpg", "in/[0-9]+[.]jpg"),
        with("", "", ".*/17[.].*"),
        with("out/", "", "in/.*"),
        with("", "", ""),
        with("a%3Db", "", "a=b.*"),
    ];
    for key_match in [KeyMatch::Aws, KeyMatch::Lenient] {
        assert_eq!(found(&rules, key_match, PUT, "in/17.jpg"), [0, 1, 3]);
        assert_eq!(found(&rules, key_match, PUT, "in/1x.jpg"), [3]);
        assert_eq!(found(&rules, key_match, PUT, "a=b/c"), [3, 4], "patterns see the raw key");
        assert_eq!(found(&rules, key_match, PUT, "a%3Db/c"), [3]);
    }
}

#[test]
fn attributes_are_read_only_if_a_rule_that_fits_asks_for_them() {
    let mut asking = with("in/", "", "in/.*");
    let pattern = asking.conditions.as_ref().unwrap().pattern().cloned();
    let conditions = Conditions::new(pattern, [Pair::new("color", "red")], []);
    asking.conditions = conditions.map(Arc::new);
    let bucket = compiled(&[asking, with("", "", ".*")], KeyMatch::Aws);
    let search = |key: &str, value: &str| {
        let (mut found, mut reads) = (Found::default(), 0);
        let attributes = || {
            reads += 1;
            Attributes { metadata: Some(vec![("color".into(), value.into())]), tags: None }
        };
        bucket.find_with(PUT, &key.parse().unwrap(), attributes, &mut found);
        (numbers(&bucket, &mut found), reads)
    };
    assert_eq!(search("in/a", "red"), (vec![0, 1], 1));
    assert_eq!(search("in/a", "blue"), (vec![1], 1));
    assert_eq!(search("out/a", "red"), (vec![1], 0));
}

#[test]
fn a_pattern_allocates_nothing_once_a_thread_has_used_it() {
    let rules: Vec<Owned> =
        (0..100).map(|n| with("", "", &format!("logs/{n:02}/[0-9]{{4}}/.*[.]gz"))).collect();
    let bucket = compiled(&rules, KeyMatch::Aws);
    let key: ObjectKey = "logs/42/2026/a.gz".parse().unwrap();
    let mut found = Found::default();
    let mut search = || {
        bucket.find(PUT, &key, &mut found);
        found.len()
    };
    let first = allocation_counter::measure(|| assert_eq!(search(), 1));
    let second = allocation_counter::measure(|| assert_eq!(search(), 1));
    assert_eq!(second.count_total, 0, "at first {first:?}");
}

/// Characters that the encoding changes and characters that it does not.
fn text(lengths: &str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[ab=/ %3Dü]{lengths}")).unwrap()
}

/// Pieces of patterns; those that make none are left out.
fn pattern() -> impl Strategy<Value = Option<Pattern>> {
    let pieces = vec![
        "a", "b", "=", "/", "ab", "ü", "3D", ".", ".*", "a*", "b+", "(ab)?", "[ab]", "(a|b/)",
        "(a|ab|b)", "|", "a{2}", "(?i)", "^", "$", r"\xC3", "(?s:.)", "[^a]", "b?", "(?:)",
    ];
    let pieces = proptest::collection::vec(proptest::sample::select(pieces), 0..6);
    pieces.prop_map(|pieces| Pattern::compile(&pieces.concat()).ok())
}

fn a_rule() -> impl Strategy<Value = Owned> {
    let types = proptest::sample::select(EventPattern::all()).prop_map(EventPattern::types);
    (types, text("{0,2}"), text("{0,2}"), pattern()).prop_map(
        |(events, prefix, suffix, pattern)| Owned {
            events,
            prefix,
            suffix,
            conditions: Conditions::new(pattern, [], []).map(Arc::new),
        },
    )
}

fn wants(rule: &Owned, key_match: KeyMatch, key: &ObjectKey) -> bool {
    let (raw, form) = (key.as_str(), key.to_form());
    let (prefix, suffix) = (&*rule.prefix, &*rule.suffix);
    let decoded = decode_form(prefix).zip(decode_form(suffix));
    let decoded = decoded.filter(|_| key_match == KeyMatch::Lenient);
    let ends = (form.starts_with(prefix) && form.ends_with(suffix))
        || decoded
            .is_some_and(|(prefix, suffix)| raw.starts_with(&prefix) && raw.ends_with(&suffix));
    let pattern = rule.conditions.as_ref().and_then(|conditions| conditions.pattern());
    ends && pattern.is_none_or(|pattern| {
        let whole = format!("^(?:{})$", pattern.as_str());
        let regex = regex::bytes::RegexBuilder::new(&whole).unicode(false).build().unwrap();
        pattern.as_str().is_empty() || regex.is_match(raw.as_bytes())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rules_with_patterns_are_found_as_by_a_scan(
        rules in proptest::collection::vec(a_rule(), 0..24),
        event_type in proptest::sample::select(EventType::ALL),
        key in text("{1,5}"),
        key_match in proptest::sample::select(vec![KeyMatch::Aws, KeyMatch::Lenient]),
    ) {
        let parsed: ObjectKey = key.parse().unwrap();
        let wanted = |(_, rule): &(usize, &Owned)| {
            rule.events.contains(event_type) && wants(rule, key_match, &parsed)
        };
        let naive: Vec<usize> =
            rules.iter().enumerate().filter(wanted).map(|(index, _)| index).collect();
        prop_assert_eq!(found(&rules, key_match, event_type, &key), naive);
    }
}
