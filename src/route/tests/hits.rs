//! How often rules wanted an event, and the buckets in numbers.

use crate::{
    model::{BucketName, Destination, EventType, EventTypeSet},
    route::{Bucket, Found, Rule, Shared, Standing, Summary, Table, Tally, Totals},
    rules::KeyMatch,
};

/// Rules for new objects whose keys begin so.
fn by_prefix(prefixes: &[&str]) -> Bucket {
    let queue: Destination = "arn:aws:sqs:us-east-1:000000000000:q".parse().unwrap();
    let rules = prefixes.iter().map(|prefix| Rule {
        id: Some(format!("rule {prefix}").parse().unwrap()),
        destination: &queue,
        event_types: EventTypeSet::of(EventType::ObjectCreatedPut),
        prefix,
        suffix: "",
        conditions: None,
    });
    Bucket::new(rules, KeyMatch::Aws)
}

fn name(bucket: &str) -> BucketName {
    bucket.parse().unwrap()
}

/// Accepts new objects of these buckets and keys at once.
fn accept(shared: &Shared, objects: &[(&str, &str)]) {
    let (reader, mut found, mut tally) = (shared.reader(), Found::default(), Tally::default());
    for (bucket, key) in objects {
        if let Some(Standing::Rules(rules)) = reader.bucket(&name(bucket)) {
            rules.find(EventType::ObjectCreatedPut, &key.parse().unwrap(), &mut found);
            tally.add(rules, &found);
        } else {
            tally.add_stray(&name(bucket));
        }
    }
    tally.count(shared);
}

/// The events of a bucket, those that were wanted, and those that each of its rules wanted.
fn counts(shared: &Shared, bucket: &str) -> (u64, u64, Vec<u64>) {
    let reader = shared.reader();
    let Some(Standing::Rules(rules)) = reader.bucket(&name(bucket)) else { panic!("no rules") };
    let by_rule = rules.matched_by_rule().map(|(_, matched)| matched).collect();
    (rules.events(), rules.matched(), by_rule)
}

#[test]
fn each_rule_counts_what_it_wanted_and_the_bucket_each_event_once() {
    let shared = Shared::default();
    let mut table = Table::new(shared.clone());
    table.replace(name("photos"), by_prefix(&["", "a", "ab"]));
    table.replace(name("logs"), by_prefix(&["x", "y"]));
    let objects =
        [("photos", "abc"), ("logs", "x1"), ("logs", "z"), ("photos", "a"), ("none", "a")];
    accept(&shared, &objects);
    accept(&shared, &[("logs", "y1")]);
    assert_eq!(counts(&shared, "photos"), (2, 2, vec![2, 2, 1]));
    assert_eq!(counts(&shared, "logs"), (3, 2, vec![1, 1]));
    assert_eq!(shared.strays(), (1, Some(name("none"))));
}

#[test]
fn what_is_only_asked_or_not_accepted_is_not_counted() {
    let shared = Shared::default();
    Table::new(shared.clone()).replace(name("photos"), by_prefix(&[""]));
    let (reader, mut found, mut tally) = (shared.reader(), Found::default(), Tally::default());
    let Some(Standing::Rules(rules)) = reader.bucket(&name("photos")) else { panic!("no rules") };
    rules.find(EventType::ObjectCreatedPut, &"k".parse().unwrap(), &mut found);
    tally.add(rules, &found);
    drop(tally);
    assert_eq!(counts(&shared, "photos"), (0, 0, vec![0]));
}

#[test]
fn new_rules_begin_anew_and_those_of_other_buckets_go_on() {
    let shared = Shared::default();
    let mut table = Table::new(shared.clone());
    table.replace(name("photos"), by_prefix(&[""]));
    table.replace(name("logs"), by_prefix(&[""]));
    accept(&shared, &[("photos", "a"), ("logs", "a")]);
    table.replace(name("photos"), by_prefix(&["", "b"]));
    assert_eq!(counts(&shared, "photos"), (0, 0, vec![0, 0]));
    assert_eq!(counts(&shared, "logs"), (1, 1, vec![1]));
}

#[test]
fn buckets_are_listed_page_by_page_and_the_busiest_first() {
    let shared = Shared::default();
    let mut table = Table::new(shared.clone());
    for bucket in ["echo", "alpha", "delta", "charlie", "bravo"] {
        table.replace(name(bucket), by_prefix(&["a", "b"]));
    }
    table.set_undecided(name("foxtrot"));
    let named = |page: Vec<Summary>| -> Vec<String> {
        page.into_iter().map(|summary| summary.bucket.to_string()).collect()
    };
    assert_eq!(named(shared.page(None, 2)), ["alpha", "bravo"]);
    assert_eq!(named(shared.page(Some(&name("bravo")), 2)), ["charlie", "delta"]);
    assert_eq!(named(shared.page(Some(&name("delta")), 2)), ["echo"]);
    assert_eq!(named(shared.page(None, 0)), [""; 0]);

    accept(&shared, &[("delta", "a"), ("delta", "c"), ("bravo", "a")]);
    let (totals, busiest) = shared.busiest(3);
    assert_eq!(totals, Totals { buckets: 5, rules: 10, events: 3, matched: 2 });
    let delta = Summary { bucket: name("delta"), rules: 2, events: 2, matched: 1 };
    assert_eq!(busiest.first(), Some(&delta));
    assert_eq!(named(busiest), ["delta", "bravo", "alpha"]);
}
