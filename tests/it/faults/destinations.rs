//! Destinations that hang, refuse, reset, and answer nonsense.

use std::time::Duration;

use super::Scene;
use crate::{
    aws::script::{Fault, Script, Slip},
    harness::{SOON, until},
    oracle::Audience,
};

/// Lets every destination do this to a half of what it is sent, then the queue to all of it, and
/// then heals them.
#[track_caller]
fn outlives(name: &str, half: &Script, all: &Script) {
    let scene = Scene::new();
    scene.live(|scene, _| {
        scene.aws.all(half.clone());
        scene.take_more(100);
    });
    scene.live(|scene, daemon| {
        scene.aws.heal();
        scene.aws.one(Audience::QUEUE, all.clone());
        scene.take_more(100);
        until("failures are counted", SOON, || {
            (daemon.metric("fanfare_attempts_failed_total", &[]) > 0.0).then_some(())
        });
    });
    scene.ends_well(name);
}

#[track_caller]
fn outlives_requests(name: &str, fault: Fault) {
    outlives(name, &Script::sometimes(0.5, fault), &Script::always(fault));
}

#[track_caller]
fn outlives_entries(name: &str, slip: Slip) {
    outlives(name, &Script::partly(0.5, slip), &Script::partly(1.0, slip));
}

#[test]
fn a_destination_may_never_answer() {
    outlives_requests("no answer", Fault::Silence);
}

#[test]
fn a_destination_may_reset_connections() {
    outlives_requests("reset", Fault::Reset);
}

#[test]
fn a_destination_may_answer_garbage() {
    outlives_requests("garbage", Fault::Garbage);
}

#[test]
fn a_destination_may_throttle() {
    outlives_requests("throttled", Fault::Throttled);
}

#[test]
fn a_destination_may_be_unavailable() {
    outlives_requests("unavailable", Fault::Unavailable);
}

#[test]
fn a_destination_may_let_nobody_in_for_a_while() {
    outlives_requests("denied", Fault::Denied);
}

#[test]
fn a_destination_may_be_gone_for_a_while() {
    outlives_requests("gone", Fault::Missing);
}

#[test]
fn a_destination_may_take_some_of_a_batch_only() {
    outlives_entries("partial failures", Slip::Failed);
}

#[test]
fn a_destination_may_throttle_some_of_a_batch() {
    outlives_entries("partly throttled", Slip::Throttled);
}

#[test]
fn a_destination_may_leave_entries_out_of_its_answer() {
    outlives_entries("entries left out", Slip::Unmentioned);
}

#[test]
fn a_destination_may_take_shorter_batches_than_documented() {
    let short = Script { entries_max: Some(3), ..Script::default() };
    outlives("short batches", &short, &Script { entries_max: Some(1), ..short.clone() });
}

#[test]
fn a_destination_may_be_far_away() {
    let far = |milliseconds| Script::after(Duration::from_millis(milliseconds));
    let scene = Scene::new();
    scene.live(|scene, _| {
        scene.aws.all(far(200));
        scene.take_more(200);
    });
    scene.ends_well("far away");
}

#[test]
fn an_endpoint_may_refuse_connections() {
    let scene = Scene::new();
    scene.live(|scene, _| {
        for _ in 0..3 {
            scene.take_more(50);
            scene.aws.refuse();
            scene.take_more(50);
            scene.aws.listen().expect("the port is ours");
        }
    });
    scene.ends_well("refused");
}
