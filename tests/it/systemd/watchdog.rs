//! Whoever does not move does not say so: the watchdog ends it.

use std::thread;

use super::Manager;
use crate::harness::{Daemon, Home, SOON, Sink, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
/// How long this manager waits for a sign of life, in microseconds.
const PATIENCE: &str = "400000";
const NOT_TOLD: &str = "the watchdog is not told that the daemon lives";

/// Starts a daemon that hangs at this place when it comes there, and lets it send one event.
fn hangs_at(place: &str, reason: &str) {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let manager = Manager::of(&home);
    let variables = [("WATCHDOG_USEC", PATIENCE), ("FAILPOINTS", &format!("{place}=pause"))];
    let daemon = manager.start(&home, &variables);
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");

    thread::scope(|scope| {
        scope.spawn(|| {
            daemon.try_post(minio("ObjectCreated:Put", "photos", "a").to_string().as_bytes(), &[])
        });
        let silent = |times| (home.log().matches(NOT_TOLD).count() >= times).then_some(());
        until("the daemon notices", SOON, || silent(1));
        manager.backlog();
        until("the daemon notices again", SOON, || silent(3));
        let pings = manager.backlog().into_iter().filter(|told| told == "WATCHDOG=1").count();
        assert_eq!(pings, 0, "no sign of life from what does not move");
        assert!(home.log().contains(reason), "the log says what does not move");
        end(&daemon);
    });
}

/// As the manager would.
fn end(daemon: &Daemon<'_>) {
    daemon.signal("ABRT");
}

#[test]
fn a_journal_writer_that_hangs_gives_no_sign_of_life() {
    hangs_at("journal::write", "the journal's writer has not answered");
}

#[test]
fn a_lane_that_hangs_gives_no_sign_of_life() {
    hangs_at("deliver::published", &format!("lanes that do not move: {QUEUE}"));
}
