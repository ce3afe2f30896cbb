//! Acceptance on a real journal.

use std::{thread, time::Duration};

use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::Value;

use super::{Accepted, Acceptor, Encoding, Quarantine, Retried, decode};
use crate::{
    journal::{self, AppendError, Aside, Journal},
    model::{Destination, EventPattern, Record},
    route::{self, Bucket, Rule, Shared, Standing, Table},
    rules::{Config, Context, Document, Extension, KeyMatch},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

/// Rules for new objects: id, destination, prefix.
fn compiled(rules: &[(&str, &str, &str)]) -> Bucket {
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
    Bucket::new(rules.iter().copied().zip(&destinations).map(rule), KeyMatch::Aws)
}

fn put(bucket: &str, key: &str) -> String {
    format!(
        r#"{{"eventName":"ObjectCreated:Put","eventTime":"2026-11-22T07:20:47Z","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}"#
    )
}

/// Accepts a request by these rules and answers what each lane then has: rule ids and keys.
async fn accepted(
    directory: &std::path::Path,
    rules: &[(&str, &str, &str)],
    records: &[String],
) -> (Journal, Accepted) {
    accepted_by(directory, compiled(rules), records).await
}

async fn accepted_by(
    directory: &std::path::Path,
    rules: Bucket,
    records: &[String],
) -> (Journal, Accepted) {
    let journal = journal_in(directory, None);
    let acceptor = acceptor(&journal, rules);
    (journal, accept(&acceptor, records).await)
}

fn journal_in(directory: &std::path::Path, dedupe_window: Option<Duration>) -> Journal {
    let config = journal::Config {
        directory: directory.into(),
        dedupe_window,
        ..journal::Config::default()
    };
    let (journal, writer, _) = journal::open(&config).unwrap();
    drop(thread::spawn(move || writer.run()));
    journal
}

fn acceptor(journal: &Journal, rules: Bucket) -> Acceptor {
    acceptor_and_table(journal, rules).0
}

fn acceptor_and_table(journal: &Journal, rules: Bucket) -> (Acceptor, Table) {
    let routes = Shared::default();
    let mut table = Table::new(routes.clone());
    table.replace("photos".parse().unwrap(), rules);
    table.set_undecided("unsure".parse().unwrap());
    (Acceptor::new(routes, journal.clone()), table)
}

async fn accept(acceptor: &Acceptor, records: &[String]) -> Accepted {
    let body = format!(r#"{{"Records":[{}]}}"#, records.join(","));
    let received = decode(body.as_bytes(), Encoding::Json, Timestamp::UNIX_EPOCH).unwrap();
    acceptor.accept(received, Some("Root=1")).await.unwrap()
}

async fn in_lane(journal: &Journal, lane: &str) -> Vec<(String, String)> {
    let mut reader = journal.reader(&lane.into()).await.unwrap();
    let fetched = reader.fetch(100, 1 << 20).await.unwrap();
    let named = |fetched: &journal::Fetched| {
        let record = Record::decode(&fetched.body).unwrap();
        assert_eq!(record.event.trace_id.as_deref(), Some("Root=1"));
        let rule = record.rules[fetched.ordinal].as_ref().unwrap().to_string();
        (rule, record.event.key.to_string())
    };
    fetched.iter().map(named).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(rule, key)| ((*rule).to_owned(), (*key).to_owned())).collect()
}

#[tokio::test]
async fn each_destination_gets_what_its_rule_wants_under_that_rule_s_id() {
    let directory = tempfile::tempdir().unwrap();
    let rules = [("q", QUEUE, "a"), ("t", TOPIC, "")];
    let records = [put("photos", "a1"), put("photos", "b1"), put("elsewhere", "a1")];
    let (journal, answer) = accepted(directory.path(), &rules, &records).await;
    assert_eq!(answer, Accepted { received: 3, matched: 2, duplicates: 0, quarantined: 0 });
    assert_eq!(in_lane(&journal, QUEUE).await, owned(&[("q", "a1")]));
    assert_eq!(in_lane(&journal, TOPIC).await, owned(&[("t", "a1"), ("t", "b1")]));
}

#[tokio::test]
async fn metadata_and_tags_decide_who_gets_an_event_and_are_not_in_it() {
    let filter = |name: &str, value: &str| {
        format!("<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>")
    };
    let document = format!(
        "<a><QueueConfiguration><Id>q</Id><Queue>{QUEUE}</Queue><Event>s3:ObjectCreated:*</Event>\
         <Filter><S3Metadata>{}</S3Metadata><S3Tags>{}</S3Tags></Filter></QueueConfiguration></a>",
        filter("x-amz-meta-color", "secret-red"),
        filter("k", "v"),
    );
    let config = Config { metadata: Extension::Allow, tags: Extension::Allow, ..Config::default() };
    let (bucket, region) = ("photos".parse().unwrap(), "us-east-1");
    let context = Context { bucket: &bucket, region, config: &config };
    let document = Document::from_xml(document.as_bytes(), &context).unwrap();
    let rules = route::compile(&document, &TOPIC.parse().unwrap(), KeyMatch::Aws);

    let sent =
        |key: &str, members: &str| put("photos", key).replace("}}}", &format!(",{members}}}}}}}"));
    let color = r#"{"key":"x-amz-meta-color","val":"secret-red"}"#;
    let tag = r#"{"key":"k","val":"v"}"#;
    let records = [
        sent("ceph", &format!(r#""metadata":[{color}],"tags":[{tag}]"#)),
        sent("rustfs", r#""userMetadata":{"color":"secret-red","x-amz-tagging":"k=v"}"#),
        sent("minio", r#""userMetadata":{"X-Amz-Meta-Color":"secret-red"}"#),
        sent("other", &format!(r#""metadata":[{tag}],"tags":[{color}]"#)),
        put("photos", "amazon"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let (journal, answer) = accepted_by(directory.path(), rules, &records).await;
    assert_eq!(answer, Accepted { received: 5, matched: 2, duplicates: 0, quarantined: 0 });
    assert_eq!(in_lane(&journal, QUEUE).await, owned(&[("q", "ceph"), ("q", "rustfs")]));
    let mut reader = journal.reader(&QUEUE.into()).await.unwrap();
    for fetched in reader.fetch(100, 1 << 20).await.unwrap() {
        let body = String::from_utf8_lossy(&fetched.body).into_owned();
        assert!(!body.contains("secret") && !body.contains("color"), "{body}");
    }
}

#[tokio::test]
async fn two_rules_with_one_destination_are_two_messages() {
    let directory = tempfile::tempdir().unwrap();
    let rules = [("one", QUEUE, ""), ("two", QUEUE, "a")];
    let (journal, answer) = accepted(directory.path(), &rules, &[put("photos", "a1")]).await;
    assert_eq!(answer, Accepted { received: 1, matched: 1, duplicates: 0, quarantined: 0 });
    assert_eq!(answer.to_string(), r#"{"received":1,"matched":1}"#);
    let mut lane = in_lane(&journal, QUEUE).await;
    lane.sort();
    assert_eq!(lane, owned(&[("one", "a1"), ("two", "a1")]));
}

#[tokio::test]
async fn within_the_window_a_copy_is_dropped_counted_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), Some(Duration::from_mins(1)));
    let acceptor = acceptor(&journal, compiled(&[("one", QUEUE, ""), ("two", QUEUE, "a")]));
    let (a, b) = (put("photos", "a1"), put("photos", "b1"));
    let first = accept(&acceptor, &[a.clone(), a.clone()]).await;
    assert_eq!(first, Accepted { received: 2, matched: 2, duplicates: 1, quarantined: 0 });
    let second = accept(&acceptor, &[a.clone(), b, a, put("elsewhere", "a1")]).await;
    assert_eq!(second, Accepted { received: 4, matched: 3, duplicates: 2, quarantined: 0 });
    assert_eq!(second.to_string(), r#"{"received":4,"matched":3,"duplicates":2}"#);
    let mut lane = in_lane(&journal, QUEUE).await;
    lane.sort();
    assert_eq!(lane, owned(&[("one", "a1"), ("one", "b1"), ("two", "a1")]));
}

#[tokio::test]
async fn without_a_window_every_copy_is_an_event() {
    let directory = tempfile::tempdir().unwrap();
    let records = [put("photos", "a1"), put("photos", "a1")];
    let (journal, answer) = accepted(directory.path(), &[("q", QUEUE, "")], &records).await;
    assert_eq!(answer, Accepted { received: 2, matched: 2, duplicates: 0, quarantined: 0 });
    assert_eq!(in_lane(&journal, QUEUE).await.len(), 2);
}

#[tokio::test]
async fn what_is_no_event_and_what_nobody_can_decide_is_kept_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let records = [put("unsure", "k"), r#"{"hello":"world"}"#.to_owned()];
    let (journal, answer) = accepted(directory.path(), &[], &records).await;
    assert_eq!(answer.to_string(), r#"{"received":2,"matched":0,"quarantined":2}"#);
    let kept = journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap();
    let reasons: Vec<_> = kept.iter().map(|row| &*row.reason).collect();
    assert!(
        reasons.iter().any(|reason| reason.contains("bucket unsure was never readable")),
        "{reasons:?}"
    );
    assert!(kept.iter().any(|row| *row.body == *br#"{"hello":"world"}"#), "{reasons:?}");
}

#[tokio::test]
async fn a_great_many_undecided_events_are_kept_together() {
    let directory = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..1000).map(|key| put("unsure", &key.to_string())).collect();
    let (journal, answer) = accepted(directory.path(), &[], &records).await;
    assert_eq!(answer, Accepted { received: 1000, matched: 0, duplicates: 0, quarantined: 1000 });
    let kept = journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap();
    assert_eq!(kept.len(), 101);
    let lines = kept.iter().flat_map(|row| row.body.split(|&byte| byte == b'\n'));
    let keys: Vec<_> = lines.map(|line| Record::decode(line).unwrap().event.key).collect();
    let sent: Vec<_> = (0..1000).map(|key| key.to_string().parse().unwrap()).collect();
    assert_eq!(keys, sent);
    assert!(kept[100].reason.contains("the first of 900"), "{}", kept[100].reason);
}

#[tokio::test]
async fn the_rules_count_what_was_accepted_and_nothing_that_was_refused() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let (routes, name) = (Shared::default(), "photos".parse().unwrap());
    let rules = compiled(&[("q", QUEUE, "a"), ("t", TOPIC, "")]);
    Table::new(routes.clone()).replace("photos".parse().unwrap(), rules);
    let acceptor = Acceptor::new(routes.clone(), journal.clone());
    let counts = || {
        let reader = routes.reader();
        let Some(Standing::Rules(rules)) = reader.bucket(&name) else { panic!("no rules") };
        let by_rule: Vec<_> = rules.matched_by_rule().map(|(_, matched)| matched).collect();
        (rules.events(), rules.matched(), by_rule)
    };
    accept(&acceptor, &[put("photos", "a1"), put("photos", "b1")]).await;
    assert_eq!(counts(), (2, 2, vec![1, 2]));

    let elsewhere = tempfile::tempdir().unwrap();
    let config = journal::Config { directory: elsewhere.path().into(), ..Default::default() };
    let none = journal::Quotas::new(|_| Some(0));
    let (journal, writer, _) = journal::open_with_quotas(&config, none).unwrap();
    drop(thread::spawn(move || writer.run()));
    let acceptor = Acceptor::new(routes.clone(), journal);
    accept(&acceptor, &[put("photos", "a2")]).await;
    assert_eq!(counts(), (3, 3, vec![2, 3]), "a lane that is new has no quota yet");
    let body = format!(r#"{{"Records":[{}]}}"#, put("photos", "a3"));
    let received = decode(body.as_bytes(), Encoding::Json, Timestamp::UNIX_EPOCH).unwrap();
    acceptor.accept(received, None).await.unwrap_err();
    assert_eq!(counts(), (3, 3, vec![2, 3]));
}

async fn everything(quarantine: &Quarantine) -> Vec<u64> {
    quarantine.list(None, usize::MAX).await.unwrap().iter().map(|row| row.id).collect()
}

/// How many rows are gone after all were retried, and how many events were accepted.
async fn retried(quarantine: &Quarantine) -> (u64, u64) {
    let ids = everything(quarantine).await;
    let Retried { rows, accepted, refused } = quarantine.retry(&ids).await.unwrap();
    assert!(refused.is_none(), "{refused:?}");
    (rows, accepted)
}

fn aside(body: &str) -> Aside {
    Aside { reason: "nobody understood it".into(), body: body.to_owned().into() }
}

#[tokio::test]
async fn undecided_events_go_by_the_document_once_it_is_mended() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let (acceptor, mut table) = acceptor_and_table(&journal, compiled(&[]));
    let quarantine = Quarantine::new(journal.clone(), acceptor.clone());
    let records: Vec<_> = (0..150).map(|n| put("unsure", &format!("{}/{n}", n % 2))).collect();
    accept(&acceptor, &records).await;
    assert_eq!(everything(&quarantine).await.len(), 101);
    assert_eq!(retried(&quarantine).await, (0, 0), "nobody knows more yet");
    assert_eq!(everything(&quarantine).await.len(), 101);

    table.replace("unsure".parse().unwrap(), compiled(&[("q", QUEUE, "1/")]));
    assert_eq!(retried(&quarantine).await, (101, 75));
    assert_eq!(everything(&quarantine).await, Vec::<u64>::new());
    let expected = (0..150).filter(|n| n % 2 == 1).map(|n| ("q".into(), format!("1/{n}")));
    assert_eq!(in_lane(&journal, QUEUE).await, expected.collect::<Vec<(String, String)>>());
}

#[tokio::test]
async fn what_an_undecided_event_came_with_decides_later() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let (acceptor, mut table) = acceptor_and_table(&journal, compiled(&[]));
    let quarantine = Quarantine::new(journal.clone(), acceptor.clone());
    let color = |color: &str| format!(r#","userMetadata":{{"color":"{color}"}}}}}}}}"#);
    let records = ["red", "blue"].map(|name| put("unsure", name).replace("}}}", &color(name)));
    accept(&acceptor, &records).await;

    let document = format!(
        "<a><QueueConfiguration><Id>q</Id><Queue>{QUEUE}</Queue><Event>s3:ObjectCreated:*</Event>\
         <Filter><S3Metadata><FilterRule><Name>x-amz-meta-color</Name><Value>red</Value>\
         </FilterRule></S3Metadata></Filter></QueueConfiguration></a>",
    );
    let config = Config { metadata: Extension::Allow, ..Config::default() };
    let (bucket, region) = ("unsure".parse().unwrap(), "us-east-1");
    let context = Context { bucket: &bucket, region, config: &config };
    let document = Document::from_xml(document.as_bytes(), &context).unwrap();
    let rules = route::compile(&document, &TOPIC.parse().unwrap(), KeyMatch::Aws);
    table.replace(bucket, rules);
    assert_eq!(retried(&quarantine).await, (2, 1));
    assert_eq!(in_lane(&journal, QUEUE).await, owned(&[("q", "red")]));
}

#[tokio::test]
async fn what_a_later_version_understands_is_accepted_and_the_rest_stays() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let quarantine =
        Quarantine::new(journal.clone(), acceptor(&journal, compiled(&[("q", QUEUE, "")])));
    let traced = |key: &str| {
        let mut event = decode(
            format!(r#"{{"Records":[{}]}}"#, put("photos", key)).as_bytes(),
            Encoding::Json,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap()
        .events
        .remove(0);
        event.event.trace_id = Some("Root=1".into());
        String::from_utf8(event.encode()).unwrap()
    };
    let unnamed = r#"{"s3":{}}"#;
    let undecided = put("unsure", "k");
    journal
        .quarantine(vec![
            aside(&traced("event")),
            aside(unnamed),
            aside(&format!("{unnamed}\n{}\n{undecided}\n[1]", traced("one of many"))),
            aside(r#"{"Records":[{"eventName":"s3:ObjectAccessed:Get"}]}"#),
            aside("{"),
        ])
        .await
        .unwrap();
    assert_eq!(retried(&quarantine).await, (2, 2));
    assert_eq!(in_lane(&journal, QUEUE).await, owned(&[("q", "event"), ("q", "one of many")]));
    let kept = journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|row| (row.key, &*row.reason, &*row.body)).collect();
    assert_eq!(kept[0], (2, "nobody understood it", unnamed.as_bytes()));
    assert_eq!((kept[2].0, kept[2].2, kept.len()), (5, &b"{"[..], 3));
    let (key, reason, body) = kept[1];
    let told = "the record has no `eventName` (that is the first of 3 that are kept together)";
    assert_eq!((key, reason), (3, told));
    let lines: Vec<_> = body.split(|&byte| byte == b'\n').collect();
    assert_eq!((lines[0], lines[1]), (unnamed.as_bytes(), &b"[1]"[..]));
    assert_eq!(Record::decode(lines[2]).unwrap().event.key.as_str(), "k");

    // What stays is tried again as it is.
    assert_eq!(retried(&quarantine).await, (0, 0));
}

#[tokio::test]
async fn records_and_whole_documents_are_both_known_and_keep_their_time() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let quarantine =
        Quarantine::new(journal.clone(), acceptor(&journal, compiled(&[("q", QUEUE, "")])));
    let timeless = put("photos", "timeless").replace("2026-11-22T07:20:47Z", "");
    let document = format!("{{ \"Records\" :\n[{},\n{}] }}", put("photos", "a"), timeless);
    journal.quarantine(vec![aside(&document), aside(&put("photos", "b"))]).await.unwrap();
    let came = quarantine.show(1).await.unwrap().unwrap().0.time;
    assert_eq!(retried(&quarantine).await, (2, 3));
    let mut reader = journal.reader(&QUEUE.into()).await.unwrap();
    let fetched = reader.fetch(100, 1 << 20).await.unwrap();
    let events = fetched.iter().map(|fetched| Record::decode(&fetched.body).unwrap().event);
    let times: Vec<_> = events.map(|event| (event.key.to_string(), event.time)).collect();
    let told = "2026-11-22T07:20:47Z".parse().unwrap();
    let expected = [("a", told), ("timeless", came), ("b", told)];
    assert_eq!(times, expected.map(|(key, time)| (key.to_owned(), time)));
}

#[tokio::test]
async fn a_retry_that_nobody_waits_for_any_more_still_ends_and_accepts_once() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let quarantine =
        Quarantine::new(journal.clone(), acceptor(&journal, compiled(&[("q", QUEUE, "")])));
    journal.quarantine(vec![aside(&put("photos", "a"))]).await.unwrap();
    assert!(quarantine.retry(&[1]).now_or_never().is_none(), "whoever asked leaves");
    let Retried { rows, accepted, .. } = quarantine.retry(&[1]).await.unwrap();
    assert_eq!((rows, accepted), (0, 0), "the first one had its turn");
    assert_eq!(journal.lanes()[0].accepted, 1);
}

#[tokio::test]
async fn a_destination_over_its_quota_keeps_only_its_own_rows_in_quarantine() {
    let directory = tempfile::tempdir().unwrap();
    let config = journal::Config { directory: directory.path().into(), ..Default::default() };
    let none = journal::Quotas::new(|lane| (lane == TOPIC).then_some(0));
    let (journal, writer, _) = journal::open_with_quotas(&config, none).unwrap();
    drop(thread::spawn(move || writer.run()));
    let acceptor = acceptor(&journal, compiled(&[("q", QUEUE, "q/"), ("t", TOPIC, "t/")]));
    let quarantine = Quarantine::new(journal.clone(), acceptor.clone());
    accept(&acceptor, &[put("photos", "t/new")]).await;
    let asides = ["q/1", "t/1", "q/2", "t/2"].map(|key| aside(&put("photos", key)));
    journal.quarantine(asides.to_vec()).await.unwrap();
    let Retried { rows, accepted, refused } = quarantine.retry(&[1, 2, 3, 4]).await.unwrap();
    assert_eq!((rows, accepted), (2, 2));
    assert!(matches!(refused, Some(AppendError::OverQuota { lane, .. }) if *lane == *TOPIC));
    assert_eq!(everything(&quarantine).await, [2, 4]);
    let quota = quarantine.retry(&[2]).await.unwrap().refused;
    assert!(quota.is_some(), "alone, too");
}

/// RustFS writes its client's request headers into its events.
#[tokio::test]
async fn what_is_shown_of_a_row_has_no_credentials_and_what_is_kept_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), None);
    let quarantine = Quarantine::new(journal.clone(), acceptor(&journal, compiled(&[])));
    let capture =
        include_str!("../../tests/data/captures/rustfs-1.0.0-beta.7-ObjectTagging_Put.json");
    let capture: Value = serde_json::from_str(capture).unwrap();
    let sent = capture["body"].to_string().replace("s3:ObjectTagging:Put", "s3:Nothing Known");
    journal.quarantine(vec![aside(&sent)]).await.unwrap();
    let (row, shown) = quarantine.show(1).await.unwrap().unwrap();
    assert_eq!(row.bytes, sent.len() as u64);
    let mut expected: Value = serde_json::from_str(&sent).unwrap();
    expected["Records"][0]["requestParameters"]["authorization"] = "(hidden)".into();
    assert_eq!(serde_json::from_slice::<Value>(&shown).unwrap(), expected);
    assert_eq!(retried(&quarantine).await, (0, 0));
    let kept = journal.quarantined(None, 1, usize::MAX).await.unwrap();
    assert_eq!(kept[0].body, sent);
}

#[tokio::test]
async fn within_the_window_a_retried_copy_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal_in(directory.path(), Some(Duration::from_mins(1)));
    let acceptor = acceptor(&journal, compiled(&[("q", QUEUE, "")]));
    let quarantine = Quarantine::new(journal.clone(), acceptor.clone());
    accept(&acceptor, &[put("photos", "a")]).await;
    let asides = ["a", "b", "b"].map(|key| aside(&put("photos", key)));
    journal.quarantine(asides.to_vec()).await.unwrap();
    assert_eq!(retried(&quarantine).await, (3, 1));
    assert_eq!(journal.lanes()[0].accepted, 2);
}
