//! The process ends at any moment, again and again, under load.

use std::time::{Duration, Instant};

use super::Scene;
use crate::{
    aws::script::{Fault, Script, Slip},
    harness::{SOON, until},
    oracle::Audience,
};

/// Lives are ended this soon: some before they take events, most while they do.
const LIFE_MILLISECONDS: std::ops::Range<u64> = 20..450;

#[test]
fn two_hundred_kills_lose_nothing() {
    let scene = Scene::new();
    scene.under_load(|| {
        for life in 0..200 {
            misbehave(&scene, life);
            let daemon = scene.start_with(&[]);
            wait(Duration::from_millis(fastrand::u64(LIFE_MILLISECONDS)));
            daemon.signal("KILL");
            daemon.ended(SOON);
            scene.count_fault();
        }
    });
    let taken = scene.stores.accepted();
    assert!(taken > 200, "the load was real: {taken} events");
    scene.ends_well("kill -9");
}

#[test]
fn stops_lose_nothing() {
    let scene = Scene::new();
    scene.under_load(|| {
        for life in 0..12 {
            misbehave(&scene, life);
            let daemon = scene.start();
            wait(Duration::from_millis(fastrand::u64(LIFE_MILLISECONDS)));
            daemon.stop();
            scene.count_fault();
        }
    });
    scene.ends_well("stops");
}

/// Some lives have nowhere to send to and leave the next one a backlog; some have bad days.
fn misbehave(scene: &Scene, life: u32) {
    scene.aws.listen().expect("the port is ours");
    scene.aws.heal();
    match life % 8 {
        1 => scene.aws.refuse(),
        3 => scene.aws.all(Script::sometimes(0.3, Fault::Unavailable)),
        4 => scene.aws.all(Script::partly(0.3, Slip::Failed)),
        5 => scene.aws.one(Audience::QUEUE, Script::always(Fault::Silence)),
        6 => scene.aws.all(Script::after(Duration::from_millis(30))),
        _ => {}
    }
}

fn wait(time: Duration) {
    let start = Instant::now();
    until("the moment of the end", SOON, || (start.elapsed() >= time).then_some(()));
}
