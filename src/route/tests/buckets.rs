//! The rules of many buckets, replaced one by one.

use std::{collections::HashMap, thread};

use crate::{
    model::{Destination, EventType, EventTypeSet},
    route::{Bucket, Found, Rule, Shared, Standing, Table},
    rules::KeyMatch,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

/// Rules for every new object: one for each destination, with the destination for an id.
fn to(arns: &[&str]) -> Bucket {
    let destinations: Vec<Destination> = arns.iter().map(|arn| arn.parse().unwrap()).collect();
    let rules = destinations.iter().map(|destination| Rule {
        id: Some(destination.as_str().parse().unwrap()),
        destination,
        event_types: EventTypeSet::of(EventType::ObjectCreatedPut),
        prefix: "",
        suffix: "",
        conditions: None,
    });
    Bucket::new(rules, KeyMatch::Aws)
}

/// The lanes that want a new object in this bucket, in the order of its rules.
fn wanted(shared: &Shared, bucket: &str) -> Vec<String> {
    let (reader, mut found) = (shared.reader(), Found::default());
    match reader.bucket(&bucket.parse().unwrap()) {
        Some(Standing::Rules(rules)) => {
            rules.find(EventType::ObjectCreatedPut, &"k".parse().unwrap(), &mut found);
            found.sort();
            rules.matches(&found).map(|rule| rule.lane.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_bucket_has_its_own_rules_and_no_other() {
    let shared = Shared::default();
    let mut table = Table::new(shared.clone());
    table.replace("photos".parse().unwrap(), to(&[QUEUE, TOPIC]));
    table.replace("logs".parse().unwrap(), to(&[TOPIC]));
    assert_eq!(wanted(&shared, "photos"), [QUEUE, TOPIC]);
    table.replace("photos".parse().unwrap(), to(&[QUEUE]));
    assert_eq!(wanted(&shared, "photos"), [QUEUE]);
    assert_eq!(wanted(&shared, "logs"), [TOPIC]);
    table.set_undecided("photos".parse().unwrap());
    assert_eq!(wanted(&shared, "photos"), [""; 0]);
    table.replace("photos".parse().unwrap(), to(&[]));
    assert!(shared.reader().bucket(&"photos".parse().unwrap()).is_none());
}

#[test]
fn a_bucket_names_a_destination_by_its_rule_and_by_no_other() {
    let (rules, [queue, topic]) =
        (to(&[QUEUE, TOPIC]), [QUEUE, TOPIC].map(|arn| arn.parse().unwrap()));
    let id = |text: &str| text.parse().unwrap();
    assert!(rules.names(Some(&id(QUEUE)), &queue) && rules.names(Some(&id(TOPIC)), &topic));
    assert!(!rules.names(Some(&id(QUEUE)), &topic));
    assert!(!rules.names(Some(&id("gone")), &queue));
    assert!(!rules.names(None, &queue), "that is EventBridge");
}

#[test]
fn a_destination_is_announced_with_its_first_bucket_and_withdrawn_with_its_last() {
    let mut table = Table::default();
    let mut announced = HashMap::new();
    let mut names = |table: &mut Table| {
        let is_changed = table.announce(&mut announced);
        let mut names: Vec<String> = announced.keys().map(ToString::to_string).collect();
        names.sort();
        (is_changed, names)
    };
    table.replace("photos".parse().unwrap(), to(&[QUEUE, TOPIC]));
    assert_eq!(names(&mut table), (true, vec![TOPIC.to_owned(), QUEUE.to_owned()]));
    table.replace("logs".parse().unwrap(), to(&[TOPIC, TOPIC]));
    table.replace("photos".parse().unwrap(), to(&[TOPIC]));
    table.replace("photos".parse().unwrap(), to(&[QUEUE]));
    assert!(!names(&mut table).0, "it came and went between two announcements");
    table.replace("logs".parse().unwrap(), to(&[]));
    assert_eq!(names(&mut table), (true, vec![QUEUE.to_owned()]));
    table.set_undecided("photos".parse().unwrap());
    assert_eq!(names(&mut table), (true, Vec::new()));
}

#[test]
fn a_reader_sees_one_document_or_the_other_and_keeps_what_it_looked_up() {
    let shared = Shared::default();
    let mut table = Table::new(shared.clone());
    table.replace("photos".parse().unwrap(), to(&[QUEUE; 3]));
    let reader = shared.reader();
    let before = reader.bucket(&"photos".parse().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..1000 {
                let wanted = wanted(&shared, "photos");
                assert!(wanted == [QUEUE; 3] || wanted == [TOPIC; 2], "{wanted:?}");
            }
        });
        for _ in 0..500 {
            table.replace("photos".parse().unwrap(), to(&[TOPIC; 2]));
            table.replace("photos".parse().unwrap(), to(&[QUEUE; 3]));
        }
    });
    let Some(Standing::Rules(before)) = before else { panic!("it had rules") };
    let mut found = Found::default();
    before.find(EventType::ObjectCreatedPut, &"k".parse().unwrap(), &mut found);
    assert_eq!(found.len(), 3);
}
