//! What `fanfare tail` asks of a daemon, and prints.

use serde_json::json;

use super::daemon::printed;

#[test]
fn what_is_asked_for_is_passed_on_and_json_is_printed_as_it_came() {
    let line = json!({ "time": "2026-11-22T08:12:31Z", "stage": "unmatched" });
    let sent = line.clone();
    let (ended, out, asked) = printed(
        &["tail", "--bucket", "photos", "--prefix=-a/b", "--destination", "*:q", "--json"],
        move |_, _| (200, sent.clone()),
    );
    assert_eq!(out, format!("{line}\n"));
    assert_eq!(asked[0].0, "GET /tail?bucket=photos&prefix=%2Da%2Fb&destination=%2A%3Aq");
    let said = ended.unwrap_err().to_string();
    assert_eq!(said, "the daemon has stopped, and the tail with it");
}

#[test]
fn a_refusal_is_told_in_the_daemon_s_words() {
    let (ended, out, _) = printed(&["tail"], |_, _| (503, json!({ "problem": "16 are open" })));
    assert_eq!(out, "");
    let said = format!("{:#}", ended.unwrap_err());
    assert!(said.ends_with("refuses: 16 are open"), "{said}");
}
