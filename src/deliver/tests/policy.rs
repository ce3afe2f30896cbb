//! Every row of the table in `policy.rs`, as a lane acts on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    Bench, Scripted, append, asked, denied, failed, keys, poison, quick, texts, throttled,
    too_long, unavailable, unheard_of,
};
use crate::{
    deliver::{Config, LaneState},
    publish::Verdict::Delivered,
};

async fn drain(keys: &[&str], publisher: Scripted) -> Bench {
    Bench::new(keys, publisher, quick()).await.drain().await
}

#[tokio::test]
async fn only_the_part_that_was_not_delivered_is_sent_again() {
    for failure in [throttled(), unavailable(), denied(), unheard_of()] {
        let publisher = Scripted::answering([vec![Delivered, failure]]);
        let bench = drain(&["a", "b"], publisher).await;
        assert_eq!(bench.publisher.keys(), [vec!["a", "b"], vec!["b"]]);
        assert_eq!(bench.counts(), [2, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_message_that_the_answer_leaves_out_is_sent_again() {
    let unanswered = crate::publish::Verdict::unanswered();
    let bench = drain(&["a", "b"], Scripted::answering([vec![unanswered]])).await;
    assert_eq!(bench.publisher.keys(), [vec!["a", "b"], vec!["a"]]);
}

#[tokio::test]
async fn a_poisoned_message_is_a_dead_letter_at_once_and_holds_nothing_back() {
    let publisher = Scripted::answering([vec![Delivered, poison(), Delivered]]);
    let bench = drain(&["a", "b", "c"], publisher).await;
    assert_eq!(bench.publisher.keys(), [["a", "b", "c"]]);
    assert_eq!(bench.counts(), [2, 1, 0, 0]);
}

#[tokio::test]
async fn a_message_that_is_too_large_alone_is_a_dead_letter() {
    // As a publisher says it of a request of one.
    let cause = crate::publish::Cause::from_code("BatchRequestTooLong", Some(400), "");
    let alone = crate::publish::Verdict::of_request(1, None, cause);
    let bench = drain(&["a"], Scripted::answering([alone])).await;
    assert_eq!(bench.counts(), [0, 1, 0, 0]);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_split_and_so_are_later_ones() {
    let keys = keys(40);
    let publisher =
        Scripted::by(|_, keys| if keys.len() > 4 { vec![too_long(); keys.len()] } else { vec![] });
    let bench = drain(&texts(&keys), publisher).await;
    let sizes = bench.publisher.sizes();
    let refused = sizes.iter().filter(|size| **size > 4).count();
    assert!(refused <= 4 + 8, "only what was on the wire at once is too large: {sizes:?}");
    assert_eq!(bench.counts(), [40, 0, 0, 0]);
}

#[tokio::test]
async fn a_message_that_spoils_its_request_ends_up_alone_and_holds_nothing_back() {
    let keys = keys(10);
    let alone = AtomicUsize::new(0);
    let publisher = Scripted::by(move |_, keys| {
        let is_spoiled = keys.iter().any(|key| key == "key-00006");
        let times = alone.fetch_add(usize::from(is_spoiled && keys.len() == 1), Relaxed);
        if is_spoiled && times < 2 { vec![unheard_of(); keys.len()] } else { Vec::new() }
    });
    let bench = drain(&texts(&keys), publisher).await;
    for key in &keys {
        let alone = bench.publisher.keys().iter().filter(|keys| **keys == [key.as_str()]).count();
        assert_eq!(alone > 2, key == "key-00006", "{:?}", bench.publisher.keys());
    }
    assert_eq!(bench.counts(), [10, 0, 0, 0]);
}

#[tokio::test]
async fn an_unknown_refusal_of_a_message_alone_is_final_while_others_are_taken() {
    let publisher = Scripted::by(|_, keys| {
        let is_bad = keys.iter().any(|key| key == "bad");
        if is_bad { vec![unheard_of(); keys.len()] } else { Vec::new() }
    });
    let bench = drain(&["bad", "a", "b", "c"], publisher).await;
    assert_eq!(bench.counts(), [3, 1, 0, 0]);
    let alone = bench.publisher.keys().iter().filter(|keys| keys[..] == ["bad"]).count();
    assert_eq!(alone, 5);
}

#[tokio::test]
async fn an_unknown_refusal_is_not_final_while_nothing_is_taken() {
    let (publisher, well) = Scripted::down(unheard_of());
    let mut bench = Bench::new(&["a"], publisher, quick()).await;
    let refused = bench.until(async |bench| {
        bench.wait(|bench| bench.publisher.calls().len() > 20).await;
        assert_eq!(bench.counts(), [0, 0, 0, 1]);
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    refused.await;
    assert_eq!(bench.counts(), [1, 0, 0, 0]);
}

/// A proxy in front of the destination refuses everything: no message is at fault.
#[tokio::test]
async fn different_messages_refused_in_a_row_are_the_destinations_problem() {
    let keys = keys(200);
    let (publisher, well) = Scripted::down(unheard_of());
    let mut bench = Bench::new(&texts(&keys), publisher, quick()).await;
    let refused = bench.until(async |bench| {
        bench.wait(|bench| bench.status.borrow().state == LaneState::Broken).await;
        let before = bench.publisher.calls().len();
        bench.wait(|bench| bench.publisher.calls().len() > before + 40).await;
        assert_eq!(bench.counts(), [0, 0, 0, 200]);
        let probes = &bench.publisher.calls()[before..];
        assert!(probes.iter().all(|call| call.keys.len() == 1 && call.on_the_wire == 1));
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    refused.await;
    assert_eq!(bench.counts(), [200, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_destination_is_probed_by_one_message_and_loses_none() {
    let keys = keys(1_000);
    let (publisher, well) = Scripted::down(denied());
    let config = Config { max_attempts: Some(1.try_into().unwrap()), ..Config::default() };
    let mut bench = Bench::new(&texts(&keys), publisher, config).await;
    let broken = bench.until(async |bench| {
        bench.wait(|bench| bench.status.borrow().state == LaneState::Broken).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        let status = bench.status.borrow().clone();
        assert_eq!(&*status.last_error.unwrap().code, "AccessDenied");
        assert!(status.next_attempt.is_some());
        let (calls, first) = (bench.publisher.calls(), bench.publisher.calls()[0].at);
        let probes: Vec<_> = calls.iter().filter(|call| call.at > first).collect();
        // One every 27 to 33 seconds, and nothing else for an hour.
        assert!((105..=140).contains(&probes.len()), "{}", probes.len());
        assert!(probes.iter().all(|call| call.keys.len() == 1));
        assert_eq!(bench.counts(), [0, 0, 0, 1_000]);
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
        assert_eq!(bench.status.borrow().state, LaneState::Delivering);
    });
    broken.await;
    assert_eq!(bench.counts(), [1_000, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_fails_is_probed_ever_more_rarely() {
    let keys = keys(100);
    let (publisher, well) = Scripted::down(unavailable());
    let mut bench = Bench::new(&texts(&keys), publisher, Config::default()).await;
    let down = bench.until(async |bench| {
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(bench.status.borrow().state, LaneState::Retrying);
        let calls = bench.publisher.calls().len();
        assert!((60..=300).contains(&calls), "full jitter under a cap of a minute: {calls}");
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    down.await;
    assert_eq!(bench.counts(), [100, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_service_asks_for_is_kept() {
    let after = Some(Duration::from_secs(20));
    let script = [vec![asked("ServiceUnavailable", 503, after)]];
    let bench = Bench::new(&["a"], Scripted::answering(script), quick()).await;
    // The cap of these settings is shorter than that.
    let calls = bench.drain().await.publisher.calls();
    assert!(calls[1].at - calls[0].at < Duration::from_secs(1), "the cap is kept too");

    let script = [vec![asked("ServiceUnavailable", 503, after)]];
    let bench = Bench::new(&["a"], Scripted::answering(script), Config::default()).await;
    let calls = bench.drain().await.publisher.calls();
    let waited = calls[1].at - calls[0].at;
    assert!((20..=25).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn a_message_that_alone_is_denied_does_not_park_the_others() {
    let publisher = Scripted::by(|_, keys| {
        let denied_one = |key: &String| if key == "b" { denied() } else { Delivered };
        keys.iter().map(denied_one).collect()
    });
    let mut bench = Bench::new(&["a", "b", "c"], publisher, quick()).await;
    let denied = bench.until(async |bench| {
        for n in 0..50 {
            append(&bench.journal, &[&format!("more-{n}")]).await;
            bench.wait(|bench| bench.books().pending == 1).await;
        }
    });
    denied.await;
    assert_eq!(bench.counts(), [52, 0, 0, 1]);
}

/// Every message is refused as its own fault: then it is not.
#[tokio::test]
async fn a_destination_that_finds_fault_with_everything_gets_no_backlog_to_refuse() {
    let keys = keys(1_000);
    let (publisher, well) = Scripted::down(poison());
    let config = Config { probe_interval: Duration::from_hours(1), ..quick() };
    let mut bench = Bench::new(&texts(&keys), publisher, config).await;
    let refused = bench.until(async |bench| {
        bench.wait(|bench| bench.status.borrow().state == LaneState::Broken).await;
        bench.wait(|bench| bench.status.borrow().in_flight == 0).await;
        // They are buried in parts.
        bench.wait(|bench| bench.books().dead >= 100).await;
    });
    refused.await;
    drop(Arc::clone(&well));
    let [_, dead, _, pending] = bench.counts();
    assert!((100..=260).contains(&dead), "{dead}");
    assert_eq!(dead + pending, 1_000);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_a_dead_letter() {
    let mut bench = Bench::new(&["a"], Scripted::healthy(), quick()).await;
    let read = bench.until(async |bench| {
        super::append_all(&bench.journal, vec![super::raw(b"no json".to_vec())]).await;
        append(&bench.journal, &["b"]).await;
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    read.await;
    assert_eq!(bench.counts(), [2, 1, 0, 0]);
}

#[tokio::test]
async fn a_failure_in_words_is_in_the_status() {
    let bench = drain(&["a"], Scripted::answering([vec![failed("SlowDown", 400)]])).await;
    let last = bench.status.borrow().last_error.clone().unwrap();
    assert_eq!((last.class, &*last.code, &*last.message), ("throttled", "SlowDown", "scripted"));
}
