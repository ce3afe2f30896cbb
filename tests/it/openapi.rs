//! The admin port does what its description says, whatever it is asked.

use std::{fs, process::Command};

use serde_json::json;

use crate::harness::{Home, SOON, Script, Sink, lines, minio, python, root, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";

/// Seconds; on a machine that does nothing else it takes thirty.
const TIME_MAX: &str = "180";

/// Something of everything: dead letters, events that are pending, rows in quarantine, a broken
/// document, and a replay that has ended.
fn home_with_everything(sink: &Sink) -> Home {
    sink.one("thumbs", Script::poisoned(|body| body.contains("bad")));
    let home = Home::sending_to(sink).set("journal", "retention", "1h");
    home.document("photos", &rules(&[rule("thumbs", QUEUE, &["s3:ObjectCreated:*"])]));
    home.document_text("music.json", "{");
    home
}

#[test]
fn what_the_port_answers_is_what_its_description_says() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with_everything(&sink);
    let daemon = home.start();
    for n in 0..20 {
        let keys = [format!("good-{n}"), format!("bad-{n}")];
        let photos = keys.iter().map(|key| minio("ObjectCreated:Put", "photos", key));
        let music = minio("ObjectCreated:Put", "music", &keys[0]);
        daemon.post_lines(&lines(photos.chain([music, json!({ "hello": n })])));
    }
    until("there are dead letters", SOON, || {
        let letters = daemon.ask("dead-letters").json();
        (letters["dead_letters"].as_array()?.len() == 20).then_some(())
    });
    let since = json!({ "since": "2026-01-01T00:00:00Z", "dry_run": true });
    assert_eq!(daemon.tell("replays", &since).expect("the daemon answers").status, 201);

    let python = python();
    let scripts = python.parent().expect("it is in a folder");
    let described = daemon.ask("openapi.yaml").text;
    let path = home.path("openapi.yaml");
    fs::write(&path, &described).expect("the home is writable");
    let valid = Command::new(python).args(["-m", "openapi_spec_validator"]).arg(&path).output();
    let valid = valid.expect("Python starts");
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stdout));

    let run = Command::new("timeout")
        .args(["--signal=KILL", TIME_MAX])
        .arg(scripts.join("schemathesis"))
        .arg("--config-file")
        .arg(root().join("tests/it/openapi.toml"))
        .args(["run", "--url", &home.url("admin")])
        .arg(&path)
        .current_dir(home.path(""))
        .output()
        .expect("timeout (coreutils) starts");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("  Tested: ") && !said.contains("  Tested: 0"), "{said}");
}
