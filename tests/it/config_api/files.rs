//! Two ways to write a document, by hand and by PUT: the last one counts, and they never mix.

use std::fs;

use serde_json::json;

use super::{CREATED, Client, QUEUE, files_in, with_keys};
use crate::harness::{Home, SOON, minio, rule, rules, until};

fn bare_home() -> Home {
    with_keys(Home::without_aws())
}

/// Waits until a GET shows the rule of this id and no other.
#[track_caller]
fn shows(client: &mut Client, id: &str) {
    until("the edit is in force", SOON, || {
        let got = client.get("photos");
        let queues = got["QueueConfigurations"].as_array()?;
        (queues.len() == 1 && queues[0]["Id"] == id).then_some(())
    });
}

#[test]
fn the_last_one_to_write_counts() {
    let home = bare_home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let one = |id: &str| rules(&[rule(id, QUEUE, &[CREATED])]);
    for n in 0..3 {
        let (edited, put) = (format!("edited-{n}"), format!("put-{n}"));
        home.document("photos", &one(&edited));
        shows(client, &edited);
        client.put_unvalidated("photos", &one(&put)).accepted();
        assert_eq!(client.get("photos"), one(&put));
    }
    // Without a pause in between: whatever the watcher has yet to see, the PUT came last.
    for n in 0..10 {
        home.document("photos", &one("edited"));
        client.put_unvalidated("photos", &one(&format!("put-{n}"))).accepted();
        assert_eq!(client.get("photos"), one(&format!("put-{n}")));
        assert_eq!(daemon.accepts(&minio("ObjectCreated:Put", "photos", "a")).json()["matched"], 1);
    }
    daemon.stop();
    let _daemon = home.start();
    assert_eq!(client.get("photos"), one("put-9"));
}

#[test]
fn a_put_goes_into_the_file_that_is_there() {
    let home = bare_home();
    let xml = |id: &str| {
        format!(
            "<NotificationConfiguration><QueueConfiguration><Id>{id}</Id><Queue>{QUEUE}</Queue>\
             <Event>{CREATED}</Event></QueueConfiguration></NotificationConfiguration>"
        )
    };
    home.document_text("photos.xml", &xml("by-hand"));
    let daemon = home.start();
    let client = &mut Client::of(&home);
    shows(client, "by-hand");
    let put = rules(&[rule("by-put", QUEUE, &[CREATED])]);
    client.put_unvalidated("photos", &put).accepted();
    assert_eq!(client.get("photos"), put);
    let path = home.documents().join("photos.xml");
    assert!(fs::read_to_string(&path).expect("it is there").contains("<Id>by-put</Id>"));
    assert!(!home.documents().join("photos.json").exists(), "a bucket has one document");
    daemon.stop();

    let daemon = home.start();
    assert_eq!(client.get("photos"), put);
    assert_eq!(daemon.readyz().status, 200);
    home.document_text("photos.xml", &xml("by-hand-again"));
    shows(client, "by-hand-again");
    client.put_unvalidated("photos", &json!({})).accepted();
    assert_eq!(client.get("photos"), json!({}));
    assert!(!path.exists());
}

#[test]
fn a_put_mends_a_file_that_is_broken() {
    let home = bare_home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    home.document_text("photos.json", "{ not JSON");
    until("the daemon says so", SOON, || {
        daemon.readyz().text.contains("photos.json").then_some(())
    });
    let put = rules(&[rule("mended", QUEUE, &[CREATED])]);
    client.put_unvalidated("photos", &put).accepted();
    assert_eq!(client.get("photos"), put);
    until("the daemon says so", SOON, || {
        (!daemon.readyz().text.contains("photos.json")).then_some(())
    });
}

#[test]
fn a_file_that_was_put_is_one_that_a_person_would_write() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    client.put_unvalidated("photos", &rules(&[rule("a", QUEUE, &[CREATED])])).accepted();
    let path = home.documents().join("photos.json");
    let text = fs::read_to_string(&path).expect("it is there");
    assert!(text.contains("\n  \"QueueConfigurations\": ["), "{text}");
    assert!(text.ends_with("}\n"), "{text}");
    let (code, printed) = crate::harness::check(&home, &[&path]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(files_in(&home), ["photos.json"], "nothing else is left");
}
