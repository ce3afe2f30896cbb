//! The process ends at a named place, as by kill -9, and starts again on what it left.

use std::{ops::Range, os::unix::process::ExitStatusExt as _};

use serde_json::json;

use super::Scene;
use crate::{
    aws::script::{Fault, Script},
    harness::{Answer, Daemon, SOON, until},
    oracle::is_poison,
};

/// Places that are passed with every event, and those that are passed now and then.
const OFTEN: Range<u64> = 1..20;
const RARELY: Range<u64> = 0..2;

/// Ends three lives of a daemon at each place, after it was passed a few times, and a fourth as soon
/// as it comes there.
#[track_caller]
fn outlives_an_end_at(places: &[&str], passes: &Range<u64>, misery: fn(&Scene)) {
    let passed = || fastrand::u64(passes.clone());
    for place in places {
        let scene = Scene::new();
        misery(&scene);
        for passed in [passed(), passed(), passed(), 0] {
            ends_at(&scene, place, passed, |_| {});
        }
        scene.ends_well(place);
    }
}

/// One life that ends at the place, under load, while somebody does something over and over.
#[track_caller]
fn ends_at(scene: &Scene, place: &str, passed: u64, meanwhile: impl Fn(&Daemon<'_>)) {
    let armed = format!("{place}={passed}*off->return");
    let mut daemon = scene.start_with(&[("FAILPOINTS", &armed)]);
    let (status, _) = scene.under_load(|| {
        until(place, SOON, || {
            meanwhile(&daemon);
            (!daemon.is_running()).then_some(())
        });
        daemon.ended(SOON)
    });
    assert_eq!(status.signal(), Some(9), "{place} is where it ends: {status}");
    scene.count_fault();
}

#[test]
fn an_end_around_a_write_loses_nothing() {
    let places = ["journal::write", "journal::written", "journal::sync", "journal::synced"];
    outlives_an_end_at(&places, &OFTEN, |_| {});
}

#[test]
fn an_end_around_a_checkpoint_loses_nothing() {
    outlives_an_end_at(&["journal::checkpoint", "journal::checkpointed"], &OFTEN, |_| {});
}

#[test]
fn an_end_around_the_end_of_a_segment_loses_nothing() {
    outlives_an_end_at(&["journal::unlink", "journal::unlinked"], &RARELY, |_| {});
}

#[test]
fn an_end_around_a_compaction_loses_nothing() {
    outlives_an_end_at(&["journal::compact", "journal::compacted"], &RARELY, |scene| {
        scene.aws.one("sparse", Script::always(Fault::Unavailable));
    });
}

#[test]
fn an_end_between_publish_and_acknowledgement_only_repeats() {
    outlives_an_end_at(&["deliver::published"], &OFTEN, |_| {});
}

#[test]
fn an_end_around_a_burial_loses_nothing() {
    outlives_an_end_at(&["journal::bury", "journal::buried"], &OFTEN, |scene| {
        scene.aws.all(Script::poisoned(is_poison));
    });
}

#[test]
fn an_end_in_the_middle_of_a_redrive_neither_loses_nor_strands_a_dead_letter() {
    for place in ["journal::release", "journal::released"] {
        let scene = Scene::new();
        for passed in [3, 1, 0] {
            // First something dies; then it is sent again, and the daemon ends meanwhile.
            scene.aws.all(Script::poisoned(is_poison));
            scene.live(|scene, _| scene.take_more(60));
            scene.aws.heal();
            ends_at(&scene, place, passed, |daemon| drop(redrive(daemon, 10)));
        }
        let daemon = scene.start();
        until("nothing is left to send again", SOON, || {
            let answer = redrive(&daemon, 1000).expect("the daemon answers");
            assert_eq!(answer.status, 200, "{}", answer.text);
            (answer.json()["matched"] == 0).then_some(())
        });
        daemon.stop();
        let counts = scene.ends_well(place).counts();
        assert_eq!(counts.dead, 0, "every dead letter was sent again");
    }
}

/// Sends so many dead letters again, of whatever destination.
fn redrive(daemon: &Daemon<'_>, limit: usize) -> Result<Answer, ureq::Error> {
    daemon.tell("dead-letters/redrive", &json!({ "filter": {}, "limit": limit }))
}
