//! What was answered 200 arrives at least once, however often the daemon ends under load.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::harness::{Daemon, Home, SOON, Sink, arrived, free_port, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:under-load";
const STORES: usize = 4;

/// Keys by what their store was told.
#[derive(Default)]
struct Posted {
    answered_200: BTreeSet<String>,
    unanswered: BTreeSet<String>,
}

/// One store: posts one event after another, each with a key of its own, until the daemon is gone.
fn post_until_ended(daemon: &Daemon<'_>, next: &AtomicUsize, ended: &AtomicBool) -> Posted {
    let mut posted = Posted::default();
    while !ended.load(Ordering::Relaxed) {
        let key = format!("key-{}", next.fetch_add(1, Ordering::Relaxed));
        let body = minio("ObjectCreated:Put", "photos", &key).to_string();
        match daemon.try_post(body.as_bytes(), &[]) {
            Ok(answer) if answer.status == 200 => posted.answered_200.insert(key),
            _ => posted.unanswered.insert(key),
        };
    }
    posted
}

/// Lets the stores post for a while, ends the daemon under them, and says what they saw.
fn load_and_end(daemon: &Daemon<'_>, next: &AtomicUsize, signal: &str) -> Vec<Posted> {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let stores: Vec<_> =
            (0..STORES).map(|_| scope.spawn(|| post_until_ended(daemon, next, &ended))).collect();
        let (start, after) = (Instant::now(), Duration::from_millis(fastrand::u64(0..400)));
        until("the moment of the end", SOON, || (start.elapsed() >= after).then_some(()));
        daemon.signal(signal);
        ended.store(true, Ordering::Relaxed);
        stores.into_iter().map(|store| store.join().expect("a store does not panic")).collect()
    })
}

#[test]
fn nothing_that_was_answered_200_is_lost_in_a_kill() {
    nothing_is_lost_in(20, "KILL");
}

#[test]
fn nothing_that_was_answered_200_is_lost_in_a_stop() {
    nothing_is_lost_in(6, "TERM");
}

fn nothing_is_lost_in(ends: usize, signal: &str) {
    let port = free_port();
    let home = Home::without_aws().set("aws", "endpoint_url", format!("http://127.0.0.1:{port}"));
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let next = AtomicUsize::new(0);
    let (mut all, mut arriving) = (Posted::default(), BTreeSet::new());

    for end in 0..ends {
        // Every other life has nowhere to send to, and leaves the next one a backlog.
        let sink = (end % 2 == 0).then(|| Sink::bind(port).expect("the port is ours"));
        let daemon = home.start();
        for posted in load_and_end(&daemon, &next, signal) {
            all.answered_200.extend(posted.answered_200);
            all.unanswered.extend(posted.unanswered);
        }
        daemon.ended(SOON);
        arriving.extend(sink.as_ref().map(arrived).unwrap_or_default());
    }
    assert!(all.answered_200.len() > ends, "the load was real");

    let sink = Sink::bind(port).expect("the port is ours");
    let daemon = home.start();
    until("nothing is pending", SOON, || {
        (daemon.metric("fanfare_pending", &[QUEUE]) < 0.5).then_some(())
    });
    arriving.extend(arrived(&sink));
    let lost: Vec<_> = all.answered_200.difference(&arriving).collect();
    assert!(lost.is_empty(), "answered 200 and lost: {lost:?}");
    let posted: BTreeSet<_> = all.answered_200.union(&all.unanswered).cloned().collect();
    let foreign: Vec<_> = arriving.difference(&posted).collect();
    assert!(foreign.is_empty(), "never posted: {foreign:?}");
}
