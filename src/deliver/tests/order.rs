//! The order of a key, through failures, dead letters and retries; and that nothing is lost.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use proptest::prelude::*;

use super::{Bench, Scripted, denied, poison, quick, throttled, too_long, unavailable, unheard_of};
use crate::{
    deliver::{Config, Ordering},
    publish::Verdict::{self, Delivered},
};

fn in_order() -> Config {
    Config { ordering: Ordering::PerKey, ..quick() }
}

#[tokio::test]
async fn one_message_of_a_key_is_on_its_way_at_a_time() {
    let keys = ["a", "a", "b", "a", "b"];
    let bench = Bench::new(&keys, Scripted::healthy(), in_order()).await.drain().await;
    for request in bench.publisher.keys() {
        let mut once = request.clone();
        once.dedup();
        assert_eq!(once, request, "no request holds a key twice");
    }
    assert_eq!((bench.publisher.sent("a"), bench.publisher.sent("b")), (3, 2));
    assert_eq!(bench.counts(), [5, 0, 0, 0]);
}

#[tokio::test]
async fn a_failed_head_holds_back_its_own_key_only() {
    let publisher = Scripted::by(|call, keys| {
        let verdict =
            |key: &String| if key == "a" && call < 10 { unavailable() } else { Delivered };
        keys.iter().map(verdict).collect()
    });
    let keys = ["a", "b", "a", "b", "a", "b", "b", "b", "b", "b", "b", "b", "b"];
    let bench = Bench::new(&keys, publisher, in_order()).await.drain().await;
    let place = |key: &str, nth: usize| {
        let sent = bench.publisher.keys();
        let mut sent = sent.iter().enumerate().filter(|(_, keys)| keys.iter().any(|k| k == key));
        sent.nth(nth).unwrap().0
    };
    assert!(place("b", 2) < 10, "the other key went on: {:?}", bench.publisher.keys());
    assert_eq!(bench.counts(), [13, 0, 0, 0]);
}

#[tokio::test]
async fn a_head_that_became_a_dead_letter_lets_the_next_one_go() {
    let publisher = Scripted::answering([vec![poison()]]);
    let bench = Bench::new(&["a", "a", "a"], publisher, in_order()).await.drain().await;
    assert_eq!(bench.publisher.keys(), [["a"], ["a"], ["a"]]);
    assert_eq!(bench.counts(), [2, 1, 0, 0]);
}

/// What becomes of each event, told apart by its number.
#[derive(Debug, Default)]
struct Seen {
    /// The events of each key in the order in which they were delivered or refused for good.
    ended: HashMap<String, Vec<u64>>,
    delivered: BTreeMap<u64, usize>,
}

/// Which verdict a message gets, by chance.
fn verdict(chance: u8) -> Verdict {
    match chance {
        0..=9 => throttled(),
        10..=19 => unavailable(),
        20..=23 => denied(),
        24..=27 => poison(),
        28..=31 => unheard_of(),
        32..=35 => Verdict::unanswered(),
        _ => Delivered,
    }
}

/// Answers by chance: the whole request alike, or each of its messages.
fn answers(chances: &[u8], call: usize, len: usize) -> Vec<Verdict> {
    let chance = |n: usize| chances.get((call * 7 + n) % chances.len()).copied().unwrap_or(255);
    match chance(0) % 8 {
        0 if len > 1 => vec![too_long(); len],
        1 => vec![verdict(chance(1)); len],
        _ => (0..len).map(|n| verdict(chance(n + 1))).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_a_key_is_that_of_its_appends_and_nothing_is_lost_or_doubled(
        events in prop::collection::vec(0_u8..12, 1..120),
        chances in prop::collection::vec(any::<u8>(), 11..60),
        keep in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let ordering = if keep { Ordering::PerKey } else { Ordering::None };
        runtime.block_on(one_run(&events, chances, ordering));
    }
}

async fn one_run(events: &[u8], mut chances: Vec<u8>, ordering: Ordering) {
    // Something is delivered now and then, or nothing ever ends.
    chances.push(255);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let names: Vec<String> =
        events.iter().enumerate().map(|(n, key)| format!("{key}#{}", n + 1)).collect();
    let seen_by_it = Arc::clone(&seen);
    let publisher = Scripted::by(move |call, keys| {
        let verdicts = answers(&chances, call, keys.len());
        let mut seen = seen_by_it.lock().unwrap();
        for (name, verdict) in keys.iter().zip(&verdicts) {
            let (key, number) = name.split_once('#').unwrap();
            let number = number.parse().unwrap();
            if let Delivered = verdict {
                *seen.delivered.entry(number).or_default() += 1;
                seen.ended.entry(key.to_owned()).or_default().push(number);
            }
        }
        verdicts
    });
    let config = Config { ordering, ..quick() };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::new(&names, publisher, config).await.drain().await;
    let [delivered, dead, discarded, pending] = bench.counts();
    assert_eq!((delivered + dead, discarded, pending), (events.len() as u64, 0, 0));
    let seen = seen.lock().unwrap();
    assert!(seen.delivered.values().all(|times| *times == 1), "nothing is delivered twice");
    assert_eq!(seen.delivered.len() as u64, delivered, "what counts as delivered was delivered");
    if ordering == Ordering::PerKey {
        for (key, ended) in &seen.ended {
            assert!(ended.is_sorted(), "{key}: {ended:?}");
        }
    }
}
