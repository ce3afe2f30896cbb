//! Events that nobody asks for any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Bench, Scripted, append, append_all, denied, keys, quick, record, texts};
use crate::{
    deliver::{Config, LaneState, Removal},
    journal::{NewRecord, Origin},
};

const MINUTE: Duration = Duration::from_mins(1);

/// A lane whose events are asked for while the switch is on.
async fn bench(keys: &[&str], publisher: Scripted, config: Config) -> (Bench, Arc<AtomicBool>) {
    let wanted = Arc::new(AtomicBool::new(true));
    let is_wanted = Arc::clone(&wanted);
    (Bench::asking(keys, publisher, config, move |_| is_wanted.load(Relaxed)).await, wanted)
}

#[tokio::test(start_paused = true)]
async fn by_default_it_is_delivered() {
    let (bench, wanted) = bench(&["a", "b"], Scripted::healthy(), quick()).await;
    wanted.store(false, Relaxed);
    assert_eq!(bench.drain().await.counts(), [2, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn it_becomes_a_dead_letter_or_is_discarded_where_that_is_asked_for() {
    for (removal, counts) in [(Removal::DeadLetter, [0, 2, 0, 0]), (Removal::Discard, [0, 0, 2, 0])]
    {
        let config = Config { removal, ..quick() };
        let (bench, wanted) = bench(&["a", "b"], Scripted::healthy(), config).await;
        wanted.store(false, Relaxed);
        assert_eq!(bench.drain().await.counts(), counts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_of_absence_loses_nothing() {
    let config = Config { removal: Removal::Discard, ..quick() };
    let (mut bench, wanted) = bench(&["a"], Scripted::healthy(), config).await;
    let replaced = bench.until(async |bench| {
        for n in 0..20 {
            wanted.store(false, Relaxed);
            append(&bench.journal, &[&format!("b-{n}")]).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            wanted.store(true, Relaxed);
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    replaced.await;
    assert_eq!(bench.counts(), [21, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_sends_again_is_delivered_all_the_same() {
    let config = Config { removal: Removal::Discard, ..quick() };
    let (bench, wanted) = bench(&["a"], Scripted::healthy(), config).await;
    wanted.store(false, Relaxed);
    let again = NewRecord { origin: Origin::Replay, ..record("b") };
    append_all(&bench.journal, vec![again]).await;
    assert_eq!(bench.drain().await.counts(), [1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_sends_nothing_gives_up_its_whole_backlog() {
    for paused in [true, false] {
        let keys = keys(1_000);
        let config = Config { removal: Removal::Discard, paused, ..Config::default() };
        let (publisher, _) = Scripted::down(denied());
        let (mut bench, wanted) = bench(&texts(&keys), publisher, config).await;
        let parked = bench.until(async |bench| {
            let parked = [LaneState::Paused, LaneState::Broken];
            bench.wait(|bench| parked.contains(&bench.status.borrow().state)).await;
            tokio::time::sleep(MINUTE).await;
            assert_eq!(bench.counts(), [0, 0, 0, 1_000]);
            wanted.store(false, Relaxed);
            bench.documents.send_replace(());
            bench.wait(|bench| bench.books().pending == 0).await;
        });
        parked.await;
        assert_eq!(bench.counts(), [0, 0, 1_000, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_parked_lane_gives_up_only_what_is_not_asked_for() {
    let keys = keys(100);
    let config = Config { removal: Removal::DeadLetter, ..Config::default() };
    let (publisher, well) = Scripted::down(denied());
    let is_wanted = |key: &str| !key.ends_with('7');
    let mut bench = Bench::asking(&texts(&keys), publisher, config, is_wanted).await;
    let parked = bench.until(async |bench| {
        bench.wait(|bench| bench.books().dead == 10).await;
        well.store(true, Relaxed);
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    parked.await;
    assert_eq!(bench.counts(), [90, 10, 0, 0]);
}
