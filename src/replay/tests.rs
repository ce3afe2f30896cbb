//! Which events a replay sends again, and where to.

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Order, Through,
    select::{Selected, Selector},
};
use crate::{
    journal::{NewRecord, Origin, Past},
    model::{Destination, Event, EventPattern, EventType, Record, RuleId, Sequencer},
    route::{Bucket, Rule, Shared, Table},
    rules::KeyMatch,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";
const OTHER: &str = "arn:aws:sqs:us-east-1:000000000000:other";

/// Rules of the bucket `photos` for new objects: id, destination, prefix.
fn rules(rules: &[(&str, &str, &str)]) -> Shared {
    let destinations: Vec<Destination> =
        rules.iter().map(|(_, arn, _)| arn.parse().unwrap()).collect();
    let rule = |((id, _, prefix), destination)| {
        let (id, prefix): (&str, &str) = (id, prefix);
        Rule {
            id: Some(id.parse().unwrap()),
            destination,
            event_types: "s3:ObjectCreated:*".parse::<EventPattern>().unwrap().types(),
            prefix,
            suffix: "",
            conditions: None,
        }
    };
    let bucket = Bucket::new(rules.iter().copied().zip(&destinations).map(rule), KeyMatch::Aws);
    let routes = Shared::default();
    let mut table = Table::new(routes.clone());
    table.replace("photos".parse().unwrap(), bucket);
    routes
}

fn event(bucket: &str, key: &str) -> Event {
    let time = "2026-11-22T07:20:47Z".parse().unwrap();
    Event {
        source: String::new(),
        event_type: EventType::ObjectCreatedPut,
        time,
        bucket: bucket.parse().unwrap(),
        key: key.parse().unwrap(),
        version_id: None,
        size: Some(1),
        etag: None,
        sequencer: Sequencer::from_time(time),
        principal_id: String::new(),
        source_ip: String::new(),
        request_id: String::new(),
        host_id: String::new(),
        trace_id: None,
        details: None,
    }
}

fn past(seq: u64, event: Event, rule: Option<&str>, origin: Origin) -> Past {
    let rule: Option<RuleId> = rule.map(|rule| rule.parse().unwrap());
    let body = Record { event, rules: vec![rule] }.encode().into();
    Past { seq, time: Timestamp::UNIX_EPOCH, lanes: vec![QUEUE.into()], origin, body }
}

fn stored(seq: u64, bucket: &str, key: &str) -> Past {
    past(seq, event(bucket, key), Some("then"), Origin::Store)
}

fn order(json: &str) -> Order {
    let json = format!(r#"{{"since":"2026-01-01T00:00:00Z"{json}}}"#);
    serde_json::from_str(&json).unwrap()
}

/// Lane, rule and key of each message.
fn messages(selected: &Selected) -> Vec<(String, String, String)> {
    let of = |record: &NewRecord| {
        assert_eq!(record.origin, Origin::Replay);
        let Record { event, rules } = Record::decode(&record.body).unwrap();
        let key = event.key.as_str().to_owned();
        let rules = rules.into_iter().map(|rule| rule.map_or(String::new(), |r| r.to_string()));
        let lanes = record.lanes.iter().map(ToString::to_string);
        lanes.zip(rules).map(|(lane, rule)| (lane, rule, key.clone())).collect::<Vec<_>>()
    };
    selected.records.iter().flat_map(of).collect()
}

fn owned(messages: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = |(a, b, c): &(&str, &str, &str)| ((*a).into(), (*b).into(), (*c).into());
    messages.iter().map(owned).collect()
}

#[test]
fn an_event_goes_where_the_rules_of_today_send_it() {
    let mut selector = Selector::new(rules(&[("q", QUEUE, "a"), ("t", TOPIC, "")]));
    let history = vec![stored(1, "photos", "a1"), stored(2, "photos", "b1"), stored(5, "x", "a")];
    let selected = selector.select(history, &order(""), Through::Rules);
    let expected = owned(&[(QUEUE, "q", "a1"), (TOPIC, "t", "a1"), (TOPIC, "t", "b1")]);
    assert_eq!(messages(&selected), expected);
    assert_eq!((selected.events, selected.read), (2, 3));
    assert_eq!(selected.last, Some((5, Timestamp::UNIX_EPOCH)));
}

#[test]
fn only_what_a_store_sent_is_sent_again() {
    let mut selector = Selector::new(rules(&[("q", QUEUE, "")]));
    let history = vec![
        past(1, event("photos", "replayed"), Some("q"), Origin::Replay),
        past(2, event("photos", "redriven"), Some("q"), Origin::Redrive),
        stored(3, "photos", "sent"),
    ];
    let selected = selector.select(history, &order(""), Through::Rules);
    assert_eq!(messages(&selected), owned(&[(QUEUE, "q", "sent")]));
    assert_eq!(selected.read, 3);
}

#[test]
fn an_event_with_several_records_is_one_event() {
    let mut selector = Selector::new(rules(&[("one", QUEUE, ""), ("two", QUEUE, "")]));
    let two = |key| {
        ["one", "two"].map(|rule| past(1, event("photos", key), Some(rule), Origin::Store)).to_vec()
    };
    let selected = selector.select(two("a"), &order(""), Through::Rules);
    assert_eq!(messages(&selected), owned(&[(QUEUE, "two", "a"), (QUEUE, "one", "a")]));
    let [first, second] = two("b").try_into().unwrap();
    let first = selector.select(vec![first], &order(""), Through::Rules);
    let second = selector.select(vec![second], &order(""), Through::Rules);
    assert_eq!((first.events, second.events), (1, 0), "not in two parts either");
}

#[test]
fn bucket_and_prefix_and_destination_are_heeded() {
    let mut selector = Selector::new(rules(&[("q", QUEUE, ""), ("t", TOPIC, "")]));
    let mut select = |asked: &str, through| {
        let history =
            vec![stored(1, "photos", "a/1"), stored(2, "photos", "b/2"), stored(3, "x", "a/3")];
        messages(&selector.select(history, &order(asked), through))
    };
    let to_topic = format!(r#","destination":"{TOPIC}","prefix":"a/""#);
    assert_eq!(select(&to_topic, Through::Rules), owned(&[(TOPIC, "t", "a/1")]));
    assert_eq!(select(r#","bucket":"x""#, Through::Rules), []);
    let to_other = format!(r#","destination":"{OTHER}""#);
    assert_eq!(select(&to_other, Through::Rules), []);
    let everything = [(OTHER, "then", "a/1"), (OTHER, "then", "b/2"), (OTHER, "then", "a/3")];
    assert_eq!(select(&to_other, Through::Everything), owned(&everything));
}

#[test]
fn a_record_that_cannot_be_read_is_left_out_and_told() {
    let mut selector = Selector::new(rules(&[("q", QUEUE, "")]));
    let broken = Past { body: Bytes::from_static(b"{"), ..stored(1, "photos", "a") };
    let history = vec![broken, stored(2, "photos", "b")];
    let selected = selector.select(history, &order(""), Through::Rules);
    assert_eq!(messages(&selected), owned(&[(QUEUE, "q", "b")]));
    assert_eq!(selected.unreadable.map(|(seq, _)| seq), Some(1));
}
