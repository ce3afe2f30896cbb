//! What `fanfare replay` asks of a daemon, and prints.

use clap::Parser;
use serde_json::{Value, json};

use super::daemon::printed;
use crate::cli::{Cli, Ended};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";

fn running(replayed: u64) -> Value {
    json!({
        "id": 3,
        "order": {
            "since": "2026-11-22T00:00:00Z",
            "until": "2026-11-22T08:00:00Z",
            "bucket": "photos",
            "destination": QUEUE,
            "rate": 500,
        },
        "through": "rules",
        "state": "running",
        "started": "2026-11-22T08:00:00Z",
        "reached": "2026-11-22T02:00:00Z",
        "read": 90,
        "replayed": replayed,
    })
}

fn ended(state: &str, replayed: u64) -> Value {
    let mut replay = running(replayed);
    replay["state"] = state.into();
    replay
}

#[test]
fn a_replay_is_started_and_watched_to_its_end() {
    let mut looks = 0;
    let (done, out, asked) = printed(
        &[
            "replay",
            "--since",
            "2026-11-22T00:00:00Z",
            "--bucket",
            "photos",
            "--destination",
            QUEUE,
        ],
        move |_, _| {
            looks += 1;
            (200, if looks < 3 { running(looks) } else { ended("finished", 42) })
        },
    );
    let said = "replay 3 finished: 42 events sent again, 90 records read\n";
    assert_eq!((done.unwrap(), out.as_str()), (Ended::Done, said));
    let lines: Vec<_> = asked.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(lines, ["POST /replays", "GET /replays/3?", "GET /replays/3?"]);
    let order = json!({
        "since": "2026-11-22T00:00:00Z",
        "bucket": "photos",
        "destination": QUEUE,
        "rate": 500,
    });
    assert_eq!(asked[0].1, order);
}

#[test]
fn a_replay_that_did_not_finish_says_why() {
    let (done, out, _) = printed(&["replay", "--since", "2h"], |_, _| {
        let mut failed = ended("failed", 1);
        failed["problem"] = "no\nroom".into();
        (201, failed)
    });
    let said = "replay 3 failed: 1 event sent again, 90 records read\nno\\nroom\n";
    assert_eq!((done.unwrap(), out.as_str()), (Ended::Unfinished, said));
}

#[test]
fn the_replays_are_listed() {
    let script = |_: &str, _| (200, json!({ "replays": [ended("finished", 42), running(7)] }));
    let (_, out, asked) = printed(&["replay", "--status"], script);
    assert_eq!(asked[0].0, "GET /replays?");
    let mut lines = out.lines();
    assert!(lines.next().unwrap().starts_with("ID  STATE     OF TIME  EVENTS  SINCE"));
    let what = format!("2026-11-22T00:00:00Z  2026-11-22T08:00:00Z  photos/* to {QUEUE}");
    assert_eq!(lines.next().unwrap(), format!("3   finished  100%     42      {what}"));
    assert_eq!(lines.next().unwrap(), format!("3   running   25%      7       {what}"));

    let (_, out, _) = printed(&["replay", "--status"], |_, _| (200, json!({ "replays": [] })));
    assert_eq!(out, "no replays\n");
    let (_, out, _) = printed(&["replay", "--status", "--json"], script);
    assert_eq!(serde_json::from_str::<Value>(out.lines().last().unwrap()).unwrap(), running(7));
}

#[test]
fn a_replay_is_cancelled() {
    let (done, out, asked) =
        printed(&["replay", "--cancel", "3"], |_, _| (200, ended("cancelled", 7)));
    assert_eq!(asked[0].0, "DELETE /replays/3");
    let said = "replay 3 cancelled: 7 events sent again, 90 records read\n";
    assert_eq!((done.unwrap(), out.as_str()), (Ended::Done, said));
}

#[test]
fn a_replay_needs_a_beginning() {
    for arguments in [&[][..], &["--bucket", "b"], &["--status", "--since", "2h"]] {
        let line = [&["fanfare", "replay"], arguments].concat();
        assert!(Cli::try_parse_from(&line).is_err(), "{line:?}");
    }
}

#[test]
fn a_destination_that_no_rule_names_is_asked_about() {
    let to = ["replay", "--since", "2h", "--destination", QUEUE];
    let script = |_: &str, order: Value| {
        if order["everything"] == true {
            return (201, ended("finished", 1));
        }
        (400, json!({ "parameter": "everything", "problem": "no rule names it" }))
    };
    let (done, _, asked) = printed(&to, script);
    let told = done.unwrap_err().to_string();
    assert!(told.starts_with(&format!("no rule names {QUEUE}, so it would get every event")));
    assert!(told.contains("say `--yes` to send them"), "{told}");
    assert_eq!(asked.len(), 1);
    let (done, ..) = printed(&[&to[..], &["--yes"]].concat(), script);
    assert_eq!(done.unwrap(), Ended::Done);
}

#[test]
fn a_daemon_that_ends_meanwhile_keeps_its_replay() {
    let mut looks = 0;
    let (done, ..) = printed(&["replay", "--since", "2h"], move |_, _| {
        looks += 1;
        if looks < 2 { (201, running(1)) } else { (503, json!({ "problem": "it is stopping" })) }
    });
    let told = format!("{:#}", done.unwrap_err());
    let expected = "replay 3 cannot be watched any more; it goes on when the daemon does, and";
    assert!(told.starts_with(expected) && told.ends_with("refuses: it is stopping"), "{told}");
}
