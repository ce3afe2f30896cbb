//! What a store sent and fanfare could not take is seen, taken after all, or removed.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt as _};

use serde_json::{Value, json};

use crate::{
    dead_letters::settled,
    harness::{Daemon, Home, SOON, Sink, arrived, ask, minio, rule, rules, until},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:music";

/// A daemon with a body that is no event, and with events of a bucket whose document is broken.
fn start_with_rows<'home>(home: &'home Home, keys: &[&str]) -> Daemon<'home> {
    home.document_text("music.json", "{");
    let daemon = home.start();
    daemon.accepts(&json!({ "hello": "world\u{1b}" }));
    for key in keys {
        let answer = daemon.accepts(&minio("ObjectCreated:Put", "music", key));
        assert_eq!(answer.json()["quarantined"], 1);
    }
    daemon
}

/// Mends the document of the bucket, and waits until it is in force.
fn mend(home: &Home, daemon: &Daemon<'_>) {
    home.document("music", &rules(&[rule("songs", QUEUE, &["s3:ObjectCreated:*"])]));
    until("the document is in force", SOON, || {
        (daemon.readyz().json()["broken_documents"] == json!([])).then_some(())
    });
}

#[test]
fn events_of_a_broken_document_arrive_once_it_is_mended() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let daemon = start_with_rows(&home, &["a", "b"]);
    let (code, table, complaint) = ask(&home, &["quarantine", "list"]);
    assert_eq!(code, Some(0), "{complaint}");
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert!(rows[1].starts_with("1  ") && rows[1].ends_with("the document has no `Records`"));
    assert!(rows[2].ends_with("document of bucket music was never readable"), "{table}");
    let (code, shown, _) = ask(&home, &["quarantine", "show", "1"]);
    assert_eq!(code, Some(0));
    assert!(shown.ends_with("\n\n{\"hello\":\"world\\u001b\"}\n"), "{shown}");

    // As long as nothing has changed, nothing changes.
    let (code, said, _) = ask(&home, &["quarantine", "retry", "--all"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("3 rows retried, 0 events accepted\n3 of them cannot"), "{said}");

    mend(&home, &daemon);
    let (code, said, _) = ask(&home, &["quarantine", "retry", "--all"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("3 rows retried, 2 events accepted\n1 of them cannot"), "{said}");
    assert_eq!(settled(&daemon, QUEUE), [2, 2, 0, 0]);
    assert_eq!(arrived(&sink), BTreeSet::from(["a", "b"].map(str::to_owned)));
    assert!((daemon.metric("fanfare_quarantine_retried_total", &[]) - 2.0).abs() < 0.1);

    let (code, _, complaint) = ask(&home, &["quarantine", "purge", "--all"]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("would remove 1 row for good; say `--yes`"), "{complaint}");
    let (code, said, _) = ask(&home, &["quarantine", "purge", "--all", "--yes"]);
    assert_eq!((code, said.as_str()), (Some(0), "1 row purged\n"));
    let (code, said, _) = ask(&home, &["quarantine", "list"]);
    assert_eq!((code, said.as_str()), (Some(0), "nothing in quarantine\n"));
    let (code, _, complaint) = ask(&home, &["quarantine", "show", "1"]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("there is no row 1 in quarantine"), "{complaint}");
}

#[test]
fn an_end_in_the_middle_of_a_retry_repeats_and_loses_nothing() {
    for (place, copies) in [("journal::settle", 2), ("journal::settled", 1)] {
        let sink = Sink::bind(0).expect("loopback has a port");
        let home = Home::sending_to(&sink);
        start_with_rows(&home, &["a"]).stop();
        let daemon = home.start_with(&[("FAILPOINTS", &format!("{place}=return"))]);
        daemon.wait_ready();
        mend(&home, &daemon);
        let retry = |daemon: &Daemon<'_>| daemon.tell("quarantine/retry", &json!({ "all": true }));
        retry(&daemon).expect_err("the daemon ends");
        let (status, _) = daemon.ended(SOON);
        assert_eq!(status.signal(), Some(9), "{place}");

        let daemon = home.start();
        let done = retry(&daemon).expect("the daemon answers").json();
        assert_eq!(done["matched"], copies, "{place}: {done}");
        assert_eq!(settled(&daemon, QUEUE), [copies, copies, 0, 0], "{place}");
        assert_eq!(arrived(&sink), BTreeSet::from(["a".to_owned()]));
        let rows: Value = daemon.ask("quarantine").json();
        assert_eq!(
            rows["rows"].as_array().map(Vec::len),
            Some(1),
            "{place}: what is no event stays"
        );
    }
}
