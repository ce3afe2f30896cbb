//! Limits, quotas, and what becomes of what is over them.

use std::{collections::BTreeSet, sync::atomic::Ordering::Relaxed, time::Duration};

use bytesize::ByteSize;

use super::{
    Bench, QUEUE, Scripted, append, denied, event, keys, poison, quick, texts, throttled,
    unavailable,
};
use crate::{
    deliver::{Config, DeadLetter, GivenUp, LaneState, Ordering, OverQuota, Remains, lane::Orders},
    model::Record,
    publish::Verdict,
};

fn of_bad(key: &str, failure: &Verdict) -> Verdict {
    if key == "bad" { failure.clone() } else { Verdict::Delivered }
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_message_is_a_dead_letter_after_so_many_attempts() {
    for failure in [unavailable(), throttled()] {
        let publisher =
            Scripted::by(move |_, keys| keys.iter().map(|key| of_bad(key, &failure)).collect());
        let config = Config { max_attempts: Some(4.try_into().unwrap()), ..quick() };
        let bench = Bench::new(&["a", "bad", "b"], publisher, config).await.drain().await;
        assert_eq!(bench.publisher.sent("bad"), 4);
        assert_eq!(bench.counts(), [2, 1, 0, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_old_is_a_dead_letter_even_if_the_destination_is_away() {
    for failure in [unavailable(), denied()] {
        let keys = keys(300);
        let (publisher, _) = Scripted::down(failure);
        let config = Config { max_age: Some(HOUR), ..Config::default() };
        let mut bench = Bench::new(&texts(&keys), publisher, config).await;
        let aged = bench.until(async |bench| {
            tokio::time::sleep(HOUR / 2).await;
            assert_eq!(bench.counts(), [0, 0, 0, 300]);
            append(&bench.journal, &["late"]).await;
            tokio::time::sleep(HOUR / 2 + Duration::from_secs(2)).await;
            bench.wait(|bench| bench.books().dead >= 300).await;
        });
        aged.await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_too_old_without_a_limit() {
    let (publisher, well) = Scripted::down(denied());
    let mut bench = Bench::new(&["a"], publisher, Config::default()).await;
    let aged = bench.until(async |bench| {
        tokio::time::sleep(3 * HOUR).await;
        assert_eq!(bench.counts(), [0, 0, 0, 1]);
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    aged.await;
    assert_eq!(bench.counts(), [1, 0, 0, 0]);
}

/// How many burials there were, by the times of the dead letters.
async fn burials(bench: &Bench) -> usize {
    let rows = bench.journal.dead_letters(None, None, 1000).await.unwrap();
    rows.iter().map(|row| row.time).collect::<BTreeSet<_>>().len()
}

/// `count` events of one object.
fn of_one_key(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("hot#{n}")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_events_of_one_object_that_are_too_old_are_buried_together() {
    let keys = of_one_key(300);
    let (publisher, _) = Scripted::down(denied());
    let config = Config { max_age: Some(HOUR), ordering: Ordering::PerKey, ..Config::default() };
    let mut bench = Bench::new(&texts(&keys), publisher, config).await;
    let aged = bench.until(async |bench| {
        tokio::time::sleep(HOUR).await;
        bench.wait(|bench| bench.books().dead == 300).await;
    });
    aged.await;
    let burials = burials(&bench).await;
    assert!(burials <= 10, "{burials}");
}

#[tokio::test]
async fn the_events_of_one_object_that_are_over_the_quota_are_buried_together() {
    let keys = of_one_key(300);
    let (publisher, well) = Scripted::down(denied());
    let config = Config { ordering: Ordering::PerKey, ..with_quota() };
    let mut bench = Bench::new(&texts(&keys), publisher, config).await;
    let over = bench.until(async |bench| {
        bench.wait(|bench| bench.books().pending_bytes <= 10 * 1024).await;
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    over.await;
    let (burials, dead) = (burials(&bench).await, bench.books().dead);
    assert!(burials <= 10 && dead > 200, "{burials} {dead}");
    let (sent, calls) = (bench.publisher.keys(), bench.publisher.calls().len());
    let last = sent.get(calls - 9..).unwrap();
    assert!(last.is_sorted() && last.contains(&vec!["hot#300".to_owned()]), "{last:?}");
}

fn with_quota() -> Config {
    let over_quota = OverQuota::DeadLetterOldest;
    Config { quota: Some(ByteSize::kib(10)), over_quota, ..quick() }
}

/// In real time: the journal's counts follow a commit, which paused time does not wait for.
#[tokio::test]
async fn the_oldest_events_above_a_quota_are_dead_letters_even_if_nothing_is_sent() {
    for config in [Config { paused: true, ..with_quota() }, with_quota()] {
        let keys = keys(500);
        let (publisher, well) = Scripted::down(denied());
        let mut bench = Bench::new(&texts(&keys), publisher, config.clone()).await;
        let over = bench.until(async |bench| {
            bench.wait(|bench| bench.books().pending_bytes <= 10 * 1024).await;
            well.store(true, Relaxed);
            if !config.paused {
                bench.wait(|bench| bench.books().pending == 0).await;
            }
        });
        over.await;
        let [delivered, dead, _, pending] = bench.counts();
        let kept = delivered + pending;
        assert!((10..=62).contains(&kept), "{kept} {dead}");
        for key in bench.publisher.keys().last().into_iter().flatten() {
            assert!(*key > keys[400], "the newest are kept: {key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_over_the_quota_is_refused_by_the_lane_where_new_events_are() {
    let (publisher, _) = Scripted::down(denied());
    let config = Config { over_quota: OverQuota::Reject, ..with_quota() };
    let keys = keys(500);
    let mut bench = Bench::new(&texts(&keys), publisher, config).await;
    bench.until(async |_| tokio::time::sleep(Duration::from_mins(1)).await).await;
    assert_eq!(bench.counts(), [0, 0, 0, 500]);
}

#[tokio::test]
async fn a_lane_gives_up_what_its_owner_tells_it_to() {
    let keys = keys(500);
    let config = Config { paused: true, ..Config::default() };
    let mut bench = Bench::new(&texts(&keys), Scripted::healthy(), config).await;
    let relieved = bench.until(async |bench| {
        bench.wait(|bench| bench.status.borrow().state == LaneState::Paused).await;
        let half = bench.books().pending_bytes / 2;
        bench.orders.send_replace(Orders { relieve_to: Some(half), ..Orders::default() });
        bench.wait(|bench| bench.books().pending_bytes <= half).await;
    });
    relieved.await;
    let [_, dead, ..] = bench.counts();
    assert!((240..=260).contains(&dead), "{dead}");
}

/// The summaries of the dead letters, and what is left of each.
async fn letters(bench: &Bench) -> Vec<(DeadLetter, Remains)> {
    let mut letters = Vec::new();
    for row in bench.journal.dead_letters(None, None, 10).await.unwrap() {
        let whole = bench.journal.dead_letter(&row.id).await.unwrap().unwrap();
        let letter = DeadLetter::decode(&row.summary).unwrap();
        letters.push((letter, Remains::decode(&whole.body).unwrap()));
    }
    letters
}

#[tokio::test]
async fn a_dead_letter_tells_what_was_tried_and_is_enough_to_send_it_again() {
    let script = [vec![Verdict::Delivered, unavailable()], vec![poison()]];
    let bench = Bench::new(&["a", "dir/b"], Scripted::answering(script), quick()).await;
    let bench = bench.drain().await;
    let [(letter, remains)] = &letters(&bench).await[..] else { panic!("there is one") };
    assert_eq!(&*letter.destination, QUEUE);
    assert_eq!(letter.bucket.as_deref(), Some("photos"));
    assert_eq!(letter.key.as_deref(), Some("dir/b"));
    assert_eq!(letter.event_type.as_deref(), Some("ObjectCreated:Put"));
    assert_eq!(letter.event_id, Some(event("dir/b").id().to_string()));
    assert_eq!(letter.rule_id.as_deref(), Some("rule-b"));
    assert_eq!(letter.given_up, Some(GivenUp::Refused));
    assert_eq!((&*letter.class, &*letter.code), ("poison", "InvalidMessageContents"));
    assert_eq!((&*letter.message, letter.attempts), ("scripted", 2));
    assert!(letter.accepted <= letter.first_failure.unwrap());
    assert!(letter.first_failure <= letter.last_failure);
    let payload = remains.payload.as_ref().unwrap();
    assert_eq!(payload.body.len() as u64, letter.bytes);
    assert!(payload.body.contains("dir/b"));
    let record = Record::decode(&remains.record).unwrap();
    assert_eq!((record.event, record.rules.len()), (event("dir/b"), 1));
}

/// What helps to mend it is what the destination said, whoever decided to give up.
#[tokio::test]
async fn a_dead_letter_says_why_it_was_given_up_and_what_the_destination_said_last() {
    let bad = |failure: Verdict| {
        Scripted::by(move |_, keys| keys.iter().map(|key| of_bad(key, &failure)).collect())
    };
    let often = Config { max_attempts: Some(2.try_into().unwrap()), ..quick() };
    let old = Config { max_age: Some(Duration::from_millis(300)), ..quick() };
    for (config, given_up) in [(often, GivenUp::MaxAttempts), (old, GivenUp::MaxAge)] {
        let bench = Bench::new(&["bad"], bad(unavailable()), config).await.drain().await;
        let [(letter, _)] = &letters(&bench).await[..] else { panic!("there is one") };
        let said = unavailable().cause().unwrap().clone();
        assert_eq!((letter.given_up, &*letter.code), (Some(given_up), &*said.code));
        assert!(letter.attempts > 0, "it was tried");
    }
}

#[tokio::test]
async fn a_dead_letter_of_a_record_that_cannot_be_read_keeps_its_bytes() {
    let mut bench = Bench::new(&[], Scripted::healthy(), quick()).await;
    let read = bench.until(async |bench| {
        super::append_all(&bench.journal, vec![super::raw(b"no json".to_vec())]).await;
        bench.wait(|bench| bench.books().dead == 1).await;
    });
    read.await;
    let [(letter, remains)] = &letters(&bench).await[..] else { panic!("there is one") };
    assert_eq!(letter.given_up, Some(GivenUp::Unreadable));
    assert_eq!((&*letter.class, &*letter.code), ("unreadable", "UnreadableRecord"));
    assert_eq!((&letter.key, letter.attempts), (&None, 0));
    assert_eq!((&remains.record[..], &remains.payload), (&b"no json"[..], &None));
}

/// Nothing is given up silently: what cannot be buried stays pending, and is not sent either.
#[tokio::test(start_paused = true)]
async fn a_message_stays_pending_while_the_dead_letters_are_full() {
    let publisher = Scripted::by(|_, keys| keys.iter().map(|key| of_bad(key, &poison())).collect());
    let mut bench = Bench::with_dead_letters(ByteSize::b(1), &["a", "bad", "b"], publisher).await;
    let full = bench.until(async |bench| {
        bench.wait(|bench| bench.books().delivered == 2).await;
        tokio::time::sleep(HOUR).await;
        append(&bench.journal, &["c"]).await;
        bench.wait(|bench| bench.books().delivered == 3).await;
    });
    full.await;
    assert_eq!(bench.counts(), [3, 0, 0, 1]);
    assert_eq!(bench.publisher.sent("bad"), 1);
}
