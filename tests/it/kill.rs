//! What was answered 200 arrives at least once, however often the daemon is killed.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::harness::{Daemon, Home, SOON, Sink, arrived, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:killed";
const KILLS: usize = 20;
const STORES: usize = 4;

/// Keys by what their store was told.
#[derive(Default)]
struct Posted {
    answered_200: BTreeSet<String>,
    unanswered: BTreeSet<String>,
}

/// One store: posts one event after another, each with a key of its own, until the daemon is gone.
fn post_until_killed(daemon: &Daemon<'_>, next: &AtomicUsize, killed: &AtomicBool) -> Posted {
    let mut posted = Posted::default();
    while !killed.load(Ordering::Relaxed) {
        let key = format!("key-{}", next.fetch_add(1, Ordering::Relaxed));
        let body = minio("ObjectCreated:Put", "photos", &key).to_string();
        match daemon.try_post(body.as_bytes(), &[]) {
            Ok(answer) if answer.status == 200 => posted.answered_200.insert(key),
            _ => posted.unanswered.insert(key),
        };
    }
    posted
}

/// Lets the stores post for this long, kills the daemon under them, and says what they saw.
fn load_and_kill(daemon: &Daemon<'_>, next: &AtomicUsize, after: Duration) -> Vec<Posted> {
    let killed = AtomicBool::new(false);
    thread::scope(|scope| {
        let stores: Vec<_> =
            (0..STORES).map(|_| scope.spawn(|| post_until_killed(daemon, next, &killed))).collect();
        let start = Instant::now();
        until("the moment of the kill", SOON, || (start.elapsed() >= after).then_some(()));
        daemon.kill_9();
        killed.store(true, Ordering::Relaxed);
        stores.into_iter().map(|store| store.join().expect("a store does not panic")).collect()
    })
}

#[test]
fn nothing_that_was_answered_200_is_lost() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let next = AtomicUsize::new(0);
    let mut all = Posted::default();

    for _ in 0..KILLS {
        let after = Duration::from_millis(fastrand::u64(0..400));
        for posted in load_and_kill(&home.start(), &next, after) {
            all.answered_200.extend(posted.answered_200);
            all.unanswered.extend(posted.unanswered);
        }
    }
    assert!(all.answered_200.len() > KILLS, "the load was real");

    let daemon = home.start();
    until("nothing is pending", SOON, || {
        (daemon.metric("fanfare_pending", &[QUEUE]) < 0.5).then_some(())
    });
    let arrived = arrived(&sink);
    let lost: Vec<_> = all.answered_200.difference(&arrived).collect();
    assert!(lost.is_empty(), "answered 200 and lost: {lost:?}");
    let foreign: Vec<_> = arrived
        .iter()
        .filter(|key| !all.answered_200.contains(*key) && !all.unanswered.contains(*key))
        .collect();
    assert!(foreign.is_empty(), "never posted: {foreign:?}");
}
