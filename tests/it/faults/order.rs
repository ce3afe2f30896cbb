//! Where it was promised, the events of one object arrive in their order, whatever fails between.

use std::time::Duration;

use super::Scene;
use crate::{
    aws::script::{Fault, Script, Slip},
    harness::SOON,
    oracle::is_poison,
};

/// Bad days that reorder what is not held together.
fn bad_days() -> [Script; 6] {
    [
        Script::partly(0.3, Slip::Failed),
        Script { delay: Duration::from_millis(20), ..Script::partly(0.3, Slip::Throttled) },
        Script::sometimes(0.4, Fault::Unavailable),
        Script::sometimes(0.4, Fault::Reset),
        Script::partly(0.3, Slip::Unmentioned),
        Script { poison: Script::poisoned(is_poison).poison, ..Script::partly(0.2, Slip::Failed) },
    ]
}

#[test]
fn the_order_of_an_object_s_events_outlives_failures_and_kills() {
    let scene = Scene::new().set("deliver", "ordering", "per_key");
    for script in bad_days() {
        scene.aws.all(script);
        scene.live(|scene, _| scene.take_more(60));
        let daemon = scene.start();
        scene.under_load(|| {
            scene.take_more(60);
            daemon.signal("KILL");
        });
        daemon.ended(SOON);
        scene.count_fault();
    }
    scene.aws.heal();
    let aws = scene.ends_well("order").aws;
    let late = aws.look(|audience| audience.late());
    assert_eq!(late, None, "an event came after a later one of its object");
}
