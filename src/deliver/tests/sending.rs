//! Requests: how they are filled, how many there are, and when they go.

use std::time::Duration;

use bytesize::ByteSize;
use tokio::time::Instant;

use super::{Bench, Scripted, append, keys, quick, texts, throttled};
use crate::deliver::{Config, LaneState};

#[tokio::test]
async fn what_is_ready_goes_in_requests_of_ten() {
    let keys = keys(11);
    let bench = Bench::new(&texts(&keys), Scripted::healthy(), quick()).await.drain().await;
    assert_eq!(bench.publisher.keys(), [keys[..10].to_vec(), keys[10..].to_vec()]);
    assert_eq!(bench.counts(), [11, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn sixty_four_requests_are_on_the_wire_within_half_a_second() {
    let keys = keys(10_000);
    let publisher = Scripted::healthy().taking(Duration::from_millis(20));
    let bench = Bench::new(&texts(&keys), publisher, quick()).await.drain().await;
    let calls = bench.publisher.calls();
    let full = calls.iter().find(|call| call.on_the_wire == 64).expect("the bound is reached");
    assert!(full.at - calls[0].at < Duration::from_millis(500));
    assert!(calls.iter().all(|call| call.on_the_wire <= 64));
}

#[tokio::test]
async fn concurrency_stays_below_its_bound() {
    let keys = keys(500);
    let config = Config { concurrency_max: 3.try_into().unwrap(), ..quick() };
    let bench = Bench::new(&texts(&keys), Scripted::healthy(), config).await.drain().await;
    let most = bench.publisher.calls().iter().map(|call| call.on_the_wire).max();
    assert_eq!(most, Some(3));
}

#[tokio::test]
async fn throttles_make_it_send_less_at_once() {
    let keys = keys(4_000);
    let publisher =
        Scripted::by(
            |call, keys| {
                if call % 4 == 0 { vec![throttled(); keys.len()] } else { Vec::new() }
            },
        );
    let bench = Bench::new(&texts(&keys), publisher, quick()).await.drain().await;
    let most = bench.publisher.calls().iter().map(|call| call.on_the_wire).max().unwrap();
    assert!(most <= 8, "{most}");
    assert_eq!(bench.counts(), [4_000, 0, 0, 0]);
}

/// What is held is what is ready and what is on the wire.
#[tokio::test]
async fn the_bytes_held_are_bounded() {
    let keys = keys(200);
    let config = Config { in_flight_bytes: ByteSize::kib(2), ..quick() };
    let publisher = Scripted::healthy();
    let bench = Bench::new(&texts(&keys), publisher, config).await.drain().await;
    // A message has some 700 bytes, and a record half of it.
    assert!(bench.publisher.sizes().iter().all(|size| *size <= 6), "{:?}", bench.publisher.sizes());
    assert_eq!(bench.counts(), [200, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_for_company_only_as_long_as_it_is_told_to() {
    let config = Config { linger: Duration::from_secs(5), ..quick() };
    let mut bench = Bench::new(&[], Scripted::healthy(), config).await;
    let began = Instant::now();
    let lingering = bench.until(async |bench| {
        append(&bench.journal, &["a"]).await;
        append(&bench.journal, &["b"]).await;
        bench.wait(|bench| bench.books().pending == 0).await;
    });
    lingering.await;
    assert_eq!(bench.publisher.keys(), [["a", "b"]]);
    assert!(bench.publisher.calls()[0].at - began >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_full_request_does_not_wait_for_company() {
    let keys = keys(20);
    let config = Config { linger: Duration::from_hours(72), ..quick() };
    let bench = Bench::new(&texts(&keys), Scripted::healthy(), config).await.drain().await;
    assert_eq!(bench.publisher.sizes(), [10, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_lane_sends_nothing_and_says_so() {
    let config = Config { paused: true, ..quick() };
    let mut bench = Bench::new(&["a"], Scripted::healthy(), config).await;
    let paused = bench.until(async |bench| {
        bench.wait(|bench| bench.status.borrow().state == LaneState::Paused).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
    });
    paused.await;
    assert_eq!(bench.publisher.calls().len(), 0);
    assert_eq!(bench.counts(), [0, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_throttled_together_are_one_throttle() {
    let keys = keys(10_000);
    let publisher = Scripted::healthy().taking(Duration::from_millis(20));
    let on_the_wire = std::sync::Arc::clone(&publisher.on_the_wire);
    // It takes sixteen requests at once, as fast as they come.
    let answers = move |_: usize, keys: &[String]| {
        let busy = on_the_wire.load(std::sync::atomic::Ordering::Relaxed) >= 16;
        if busy { vec![throttled(); keys.len()] } else { Vec::new() }
    };
    let publisher = Scripted { answers: std::sync::Arc::new(answers), ..publisher };
    let began = Instant::now();
    let bench = Bench::new(&texts(&keys), publisher, Config::default()).await.drain().await;
    assert_eq!(bench.counts(), [10_000, 0, 0, 0]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
