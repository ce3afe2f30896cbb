//! A start, a stop, a reload, and what goes on between them.

use std::fs;

use super::Manager;
use crate::harness::{Home, SOON, free_port, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";

/// Changes the settings of a running daemon.
fn edit(home: &Home, from: &str, to: &str) {
    let path = home.path("fanfare.toml");
    let text = fs::read_to_string(&path).expect("the daemon was started with it");
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).expect("the home is writable");
}

/// Expects the two messages of a reload, with the time that the first has to hold.
#[track_caller]
fn hears_of_a_reload(manager: &Manager) {
    let begun = manager.told_of_a_change();
    let time = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(time.is_some_and(|time| time.parse::<u64>().is_ok()), "{begun}");
    assert_eq!(manager.told_of_a_change(), "READY=1");
}

#[test]
fn a_start_and_a_stop_are_told() {
    let home = Home::without_aws();
    let manager = Manager::of(&home);
    let daemon = manager.start(&home, &[]);
    assert_eq!(manager.told_of_a_change(), "READY=1");
    daemon.stop();
    // The grace of the settings, the time to let go, and some to spare.
    assert_eq!(manager.told_of_a_change(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=25000000");
}

#[test]
fn a_stop_during_a_long_start_does_not_wait_for_its_end() {
    let home = Home::without_aws();
    let manager = Manager::of(&home);
    let daemon = manager.begin(&home, &[("FAILPOINTS", "daemon::open=pause")]);
    manager.hears("STATUS=Starting: recovering the journal");
    // Whoever asks for a reload too early does not end the daemon.
    daemon.signal("HUP");
    daemon.signal("TERM");
    let (status, _) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(home.log().contains("stopped before it was ready"), "{}", home.log());
}

#[test]
fn a_reload_during_a_long_start_comes_after_it() {
    let home = Home::without_aws();
    let manager = Manager::of(&home);
    let daemon = manager.begin(&home, &[("FAILPOINTS", "daemon::open=sleep(1000)")]);
    manager.hears("STATUS=Starting: recovering the journal");
    daemon.signal("HUP");
    assert_eq!(manager.told_of_a_change(), "READY=1");
    hears_of_a_reload(&manager);
}

#[test]
fn the_status_says_what_is_pending_and_what_is_broken() {
    let home =
        Home::without_aws().set("aws", "endpoint_url", format!("http://127.0.0.1:{}", free_port()));
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let manager = Manager::of(&home);
    let daemon = manager.start(&home, &[]);
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    home.document_text("films.json", "{");
    manager.hears("STATUS=1 destination: 1 retrying; 1 pending. 1 document cannot be used");
}

#[test]
fn a_reload_applies_what_it_can_and_names_the_rest() {
    let home = Home::without_aws().set("log", "filter", "warn");
    let manager = Manager::of(&home);
    let daemon = manager.start(&home, &[]);
    assert_eq!(manager.told_of_a_change(), "READY=1");
    edit(&home, "filter = \"warn\"", "filter = \"info\"");
    edit(&home, "base = \"20ms\"", "base = \"30ms\"");
    daemon.signal("HUP");
    hears_of_a_reload(&manager);
    let named = r#"these settings have changed and need a restart keys="deliver.backoff.base""#;
    assert!(home.log().contains(named));
    assert!(!home.log().contains("keys=\"log"), "the filter is in force");
    assert!(!home.log().contains("ready"), "the old filter let only warnings pass");
    daemon.stop();
    assert!(home.log().contains("INFO fanfare: stopped"), "the new one lets more pass");
}

#[test]
fn settings_that_cannot_be_used_change_nothing_and_are_told() {
    let home = Home::without_aws().set("log", "filter", "warn");
    let manager = Manager::of(&home);
    let daemon = manager.start(&home, &[]);
    assert_eq!(manager.told_of_a_change(), "READY=1");
    edit(&home, "filter = \"warn\"", "filter = \"info\"\nformatting = \"text\"");
    daemon.signal("HUP");
    hears_of_a_reload(&manager);
    assert!(home.log().contains("cannot reload; what was in force still is"));
    let status = until("a status", SOON, || {
        let told = manager.told();
        told.contains("The last reload changed nothing").then_some(told)
    });
    assert!(status.contains("unknown field `formatting`"), "{status}");
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));

    edit(&home, "filter = \"info\"\nformatting = \"text\"", "filter = \"warn\"");
    daemon.signal("HUP");
    hears_of_a_reload(&manager);
    manager.hears("STATUS=No destination yet");
    assert!(!home.log().contains("INFO"), "nothing of the broken settings was in force");
}
