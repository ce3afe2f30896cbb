//! What `fanfare status` asks of a daemon, and prints.

use serde_json::{Value, json};

use super::daemon::printed;
use crate::cli::Ended;

fn status() -> Value {
    json!({
        "version": "1.2.3",
        "started": "2026-11-22T07:00:00Z",
        "time": "2026-11-22T08:00:00Z",
        "ready": true,
        "journal": {
            "bytes": 0, "bytes_limit": 1024, "segments": 1,
            "dead_letters": 0, "dead_letters_bytes": 0, "dead_letters_limit": 1024,
            "quarantine_rows": 0, "quarantine_bytes": 0, "quarantine_limit": 1024,
        },
        "documents": { "loaded": 0, "broken": [] },
        "config": { "generation": 1, "applied": "2026-11-22T07:00:00Z" },
        "destinations": [],
        "buckets": [],
        "all_buckets": { "buckets": 0, "rules": 0, "events": 0, "matched": 0 },
        "strays": { "events": 0 },
        "books": { "imbalance": 0 },
        "of_a_later_version": true,
    })
}

#[test]
fn it_asks_once_and_prints_text_without_colours() {
    let (ended, out, asked) = printed(&["status"], |_, _| (200, status()));
    assert_eq!(ended.unwrap(), Ended::Done);
    assert_eq!(asked.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(), ["GET /status?"]);
    let first =
        "healthy: no destination yet; nothing pending\n\njournal       0 B of 1.0 KiB (0 %)";
    assert!(out.starts_with(first), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
}

#[test]
fn as_json_it_is_what_the_daemon_said() {
    let (ended, out, _) = printed(&["status", "--json"], |_, _| (200, status()));
    assert_eq!(ended.unwrap(), Ended::Done);
    assert_eq!(out.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), status());
}

#[test]
fn who_does_not_let_us_in_is_not_asked_again() {
    for arguments in [&["status"][..], &["status", "--watch"], &["status", "--watch", "--json"]] {
        let refuse = |_: &str, _| (401, json!({ "problem": "no" }));
        let (ended, out, asked) = printed(arguments, refuse);
        assert!(ended.unwrap_err().to_string().contains("asks for a token"), "{arguments:?}");
        assert_eq!((out.as_str(), asked.len()), ("", 1));
    }
}
