//! A stop: nothing new, what is on the wire may finish, and not for ever.

use std::time::Duration;

use tokio::time::timeout;

use super::{Bench, Scripted, append, quick, unavailable};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_stop_interrupts_a_wait() {
    let mut bench = Bench::new(&[], Scripted::healthy(), quick()).await;
    timeout(SOON, bench.until(async |_| ())).await.expect("it ends");
    assert_eq!(bench.publisher.calls().len(), 0);
}

#[tokio::test]
async fn a_stop_lets_the_attempt_on_the_wire_finish() {
    let mut bench = Bench::new(&["a"], Scripted::gated(), quick()).await;
    let stopped = bench.beside(async |bench| {
        bench.publisher.called.notified().await;
        bench.stopper.request();
        // The request is answered after the stop was asked for.
        bench.publisher.gate.as_ref().unwrap().notify_one();
    });
    stopped.await;
    bench.wait(|bench| bench.books().pending == 0).await;
}

#[tokio::test]
async fn the_end_of_the_grace_interrupts_an_attempt() {
    let mut bench = Bench::new(&["a"], Scripted::gated(), quick()).await;
    let stopped = bench.beside(async |bench| {
        bench.publisher.called.notified().await;
        bench.stopper.request();
        bench.stopper.expire();
    });
    timeout(SOON, stopped).await.expect("it ends");
    assert_eq!(bench.counts(), [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_destination_that_is_down() {
    let (publisher, _) = Scripted::down(unavailable());
    let mut bench = Bench::new(&["a", "b"], publisher, quick()).await;
    let stopped = bench.until(async |bench| {
        bench.wait(|bench| bench.publisher.calls().len() > 8).await;
        append(&bench.journal, &["c"]).await;
    });
    timeout(4 * SOON, stopped).await.expect("it ends");
    assert_eq!(bench.counts(), [0, 0, 0, 3]);
}
