//! A changed document applies at once; a broken one harms nobody.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use crate::harness::{Daemon, Home, Sink, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:reloaded";
/// The promise is a second; the rest is for a machine that runs other tests meanwhile.
const APPLIED: Duration = Duration::from_secs(4);

/// How many destinations want an upload to this bucket now.
fn wanted(daemon: &Daemon<'_>, bucket: &str) -> u64 {
    let answer = daemon.accepts(&minio("ObjectCreated:Put", bucket, "a.txt")).json();
    answer["matched"].as_u64().expect("the answer counts")
}

#[track_caller]
fn becomes(daemon: &Daemon<'_>, bucket: &str, count: u64) {
    let what = format!("{count} destinations for {bucket}");
    until(&what, APPLIED, || (wanted(daemon, bucket) == count).then_some(()));
}

fn uploads() -> serde_json::Value {
    rules(&[rule("uploads", QUEUE, &["s3:ObjectCreated:*"])])
}

fn deletions() -> serde_json::Value {
    rules(&[rule("deletions", QUEUE, &["s3:ObjectRemoved:*"])])
}

#[test]
fn a_document_applies_when_it_is_written_changed_and_removed() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let daemon = home.start();
    assert_eq!(wanted(&daemon, "photos"), 0);

    home.document("photos", &uploads());
    becomes(&daemon, "photos", 1);

    home.document("photos", &deletions());
    becomes(&daemon, "photos", 0);

    home.document("photos", &uploads());
    becomes(&daemon, "photos", 1);

    home.forget("photos");
    becomes(&daemon, "photos", 0);
}

#[test]
fn a_document_put_in_place_by_a_rename_applies() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &deletions());
    let daemon = home.start();

    let staged = home.path("staged");
    fs::write(&staged, uploads().to_string()).expect("the home is writable");
    fs::rename(staged, home.documents().join("photos.json")).expect("it is one disk");

    becomes(&daemon, "photos", 1);
}

#[test]
fn a_document_that_is_removed_and_written_anew_misses_no_event() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &uploads());
    let daemon = home.start();

    home.forget("photos");
    let written_anew = Instant::now() + Duration::from_millis(300);
    while Instant::now() < written_anew {
        assert_eq!(wanted(&daemon, "photos"), 1);
    }
    home.document("photos", &deletions());
    becomes(&daemon, "photos", 0);
}

#[test]
fn a_link_whose_target_is_away_keeps_the_last_good_document_and_shows() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let target = home.path("target");
    fs::write(&target, uploads().to_string()).expect("the home is writable");
    symlink(&target, home.documents().join("photos.json")).expect("the home is writable");
    let daemon = home.start();
    assert_eq!(wanted(&daemon, "photos"), 1);

    fs::remove_file(&target).expect("it is there");
    home.document("music", &uploads());
    until("the broken link shows", APPLIED, || {
        daemon.readyz().text.contains("photos").then_some(())
    });
    assert_eq!(wanted(&daemon, "photos"), 1);

    fs::write(&target, deletions().to_string()).expect("the home is writable");
    becomes(&daemon, "photos", 0);
}

#[test]
fn another_directory_that_takes_the_place_of_the_first_applies() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &uploads());
    let daemon = home.start();

    fs::rename(home.documents(), home.path("old")).expect("it is one disk");
    fs::create_dir(home.documents()).expect("the home is writable");
    home.document("music", &uploads());
    becomes(&daemon, "music", 1);
    becomes(&daemon, "photos", 0);

    home.document("music", &deletions());
    becomes(&daemon, "music", 0);
}

#[test]
fn a_broken_document_keeps_the_last_good_one_and_shows() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &uploads());
    home.document("music", &uploads());
    let daemon = home.start();
    assert!(!daemon.readyz().text.contains("photos"), "nothing is wrong yet");

    home.document_text("photos.json", r#"{"QueueConfigurations": [{"Id": "half"#);
    until("the broken document shows", APPLIED, || {
        daemon.readyz().text.contains("photos").then_some(())
    });
    assert!(!daemon.readyz().text.contains("music"), "the other bucket is well");
    assert_eq!((wanted(&daemon, "photos"), wanted(&daemon, "music")), (1, 1));

    home.document("music", &deletions());
    becomes(&daemon, "music", 0);
    assert_eq!(wanted(&daemon, "photos"), 1);

    home.document("photos", &deletions());
    becomes(&daemon, "photos", 0);
    until("the repair shows", APPLIED, || (!daemon.readyz().text.contains("photos")).then_some(()));
}

#[test]
fn an_xml_document_is_read_like_a_json_one() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    let daemon = home.start();
    home.document_text(
        "photos.xml",
        &format!(
            r#"<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                 <QueueConfiguration>
                   <Id>uploads</Id><Queue>{QUEUE}</Queue><Event>s3:ObjectCreated:*</Event>
                 </QueueConfiguration>
               </NotificationConfiguration>"#
        ),
    );
    becomes(&daemon, "photos", 1);
}
