//! The process is stopped for a while and goes on, and the clock jumps.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use super::{Scene, skipped};
use crate::harness::{SOON, until};

/// Longer than an attempt may take.
const FROZEN: Duration = Duration::from_secs(1);
/// Debian's package `faketime`.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[test]
fn a_process_may_be_stopped_and_go_on() {
    let scene = Scene::new();
    scene.live(|scene, daemon| {
        for _ in 0..3 {
            scene.take_more(50);
            daemon.signal("STOP");
            let stopped = Instant::now();
            until("it was stopped for a while", SOON, || {
                (stopped.elapsed() > FROZEN).then_some(())
            });
            daemon.signal("CONT");
            scene.count_fault();
        }
        scene.take_more(50);
    });
    scene.ends_well("stopped and continued");
}

#[test]
fn the_clock_may_jump() {
    if !Path::new(FAKETIME).exists() {
        return skipped("clock jumps", "libfaketime is not there; tests/components --faketime");
    }
    let scene = Scene::new();
    let clock = scene.home.path("clock");
    let set = |offset: &str| fs::write(&clock, offset).expect("the home is writable");
    set("+0");
    // Only the wall clock jumps: the monotonic one does not do that on any machine.
    let daemon = scene.start_with(&[
        ("LD_PRELOAD", FAKETIME),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().expect("a home has a plain name")),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]);
    daemon.wait_ready();
    scene.under_load(|| {
        for offset in ["-3600", "+0", "+86400", "-86400", "+31536000", "-1000000000"] {
            scene.take_more(50);
            set(offset);
            scene.count_fault();
        }
        scene.take_more(100);
    });
    daemon.stop();
    scene.ends_well("clock jumps");
}
