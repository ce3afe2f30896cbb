//! How a daemon is doing, at one look: what is wrong, and what helps.

use std::{
    fs::{self, File},
    process::Command,
};

use serde_json::{Value, json};

use crate::harness::{Home, Process, SOON, ask, minio, moto, rule, rules, until};

const MISSING: &str = "arn:aws:sqs:us-east-1:123456789012:status-missing";
const CREATED: &[&str] = &["s3:ObjectCreated:*"];

#[track_caller]
fn status(home: &Home) -> String {
    let (code, said, complaint) = ask(home, &["status"]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    said
}

fn first_line(said: &str) -> &str {
    said.lines().next().unwrap_or_default()
}

/// Waits until the status contains this.
#[track_caller]
fn says(home: &Home, words: &str) -> String {
    until(words, SOON, || Some(status(home)).filter(|said| said.contains(words)))
}

#[test]
fn an_operator_finds_out_from_the_status_alone_what_is_wrong_and_that_it_is_mended() {
    let well = moto().queue("status-well");
    // Far apart, so that the next attempt is seen.
    let home = Home::new().set("deliver", "probe_interval", "2s");
    home.document(
        "photos",
        &rules(&[
            rule("well", &well.arn, CREATED),
            rule("missing", MISSING, &["s3:ObjectRemoved:*"]),
        ]),
    );
    let daemon = home.start();
    says(&home, "healthy: 2 destinations; nothing pending");

    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    daemon.accepts(&minio("ObjectRemoved:Delete", "photos", "b"));
    daemon.accepts(&minio("ObjectTagging:Put", "photos", "c"));
    let said = says(&home, "1 of 2 destinations broken; 1 event pending");
    assert!(first_line(&said).starts_with("1 of 2 destinations broken"), "{said}");
    let rows: Vec<_> = said.lines().collect();
    let sick = rows.iter().position(|row| row.starts_with("sqs status-missing  broken"));
    let below = &rows[sick.expect("it has a row") + 1..];
    assert_eq!(below[0], format!("  {MISSING}"));
    assert!(below[1].contains("ago): The specified queue does not exist"), "{said}");
    assert!(below[2].starts_with("  help: create it, or correct its ARN in the rules"), "{said}");
    assert!(!said.contains('\u{1b}'), "a pipe gets no colours: {said}");
    let photos = said.lines().find(|line| line.starts_with("photos"));
    let columns: Vec<_> = photos.unwrap_or_default().split_whitespace().collect();
    assert_eq!(columns, ["photos", "2", "3", "2"]);

    moto().queue("status-missing");
    says(&home, "healthy: 2 destinations; nothing pending");
}

#[test]
fn what_the_command_shows_the_port_answers_as_json() {
    let queue = moto().queue("status-json");
    let home = Home::new();
    home.document("photos", &rules(&[rule("q", &queue.arn, CREATED)]));
    home.document_text("broken.json", "{");
    let daemon = home.start();
    for key in ["a", "b", "c"] {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
    let seen = until("the deliveries are seen", SOON, || {
        let (code, said, _) = ask(&home, &["status", "--json"]);
        assert_eq!((code, said.lines().count()), (Some(0), 1));
        let said: Value = serde_json::from_str(&said).expect("it is JSON");
        (said["destinations"][0]["books"]["delivered"] == 3).then_some(said)
    });
    let lane = &seen["destinations"][0]["lane"];
    assert!(lane["rate"].as_f64().is_some_and(|rate| rate > 0.0), "{seen}");
    assert_eq!(
        seen["buckets"],
        json!([{ "bucket": "photos", "rules": 1, "events": 3, "matched": 3 }])
    );
    assert_eq!((&seen["documents"]["loaded"], &seen["books"]["imbalance"]), (&json!(1), &json!(0)));
    let broken = &seen["documents"]["broken"][0];
    assert!(broken["file"].as_str().is_some_and(|file| file.ends_with("broken.json")), "{seen}");
    let said = status(&home);
    assert!(first_line(&said).starts_with("1 document cannot be used; "), "{said}");

    let rules = daemon.ask("buckets/photos").json();
    let rule = json!({
        "id": "q",
        "destination": queue.arn,
        "events": ["s3:ObjectCreated:*"],
        "filter": "every object",
        "matched": 3,
    });
    assert_eq!(rules["rules"], json!([rule]));
    assert_eq!(daemon.ask("buckets").json()["buckets"], seen["buckets"]);
    assert_eq!(daemon.ask("buckets/nobody").status, 404);
    let unreadable = daemon.ask("buckets/broken").json();
    assert!(unreadable["problem"].as_str().is_some_and(|why| why.contains("broken.json")));

    // Other rules begin anew.
    home.document("photos", &rules_for_removals(&queue.arn));
    until("the new rules are in force", SOON, || {
        let shown = daemon.ask("buckets/photos").json();
        (shown["rules"][0]["id"] == "r").then(|| assert_eq!(shown["events"], 0))
    });
}

fn rules_for_removals(arn: &str) -> Value {
    rules(&[rule("r", arn, &["s3:ObjectRemoved:*"])])
}

/// What a terminal of this width and these variables gets, from `script` (util-linux).
fn on_a_terminal(home: &Home, arguments: &str, variables: &str) -> String {
    let url = home.url("admin");
    let fanfare = env!("CARGO_BIN_EXE_fanfare");
    let line = format!("stty rows 40 cols 60; {variables} {fanfare} {arguments} --admin {url}");
    let mut script = Command::new("timeout");
    script.args(["--signal=KILL", "60", "script", "--quiet", "--return", "--command", &line]);
    script.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    let shown = script.arg("/dev/null").output().expect("timeout (coreutils) starts");
    let text = String::from_utf8(shown.stdout).expect("fanfare prints UTF-8");
    assert!(shown.status.success(), "{text}");
    text.replace("\r\n", "\n")
}

#[test]
fn a_terminal_gets_colours_unless_nobody_wants_them() {
    let home = Home::without_aws();
    let _daemon = home.start();
    let coloured = on_a_terminal(&home, "status", "");
    assert!(coloured.contains("\u{1b}[1m\u{1b}[32mhealthy: no destination yet"), "{coloured:?}");
    let plain = on_a_terminal(&home, "status", "NO_COLOR=1");
    assert!(
        plain.contains("healthy: no destination yet") && !plain.contains('\u{1b}'),
        "{plain:?}"
    );
}

#[test]
fn a_watch_on_a_terminal_gives_it_back_when_it_ends() {
    let home = Home::without_aws();
    let _daemon = home.start();
    let shown = on_a_terminal(&home, "status --watch", "timeout --preserve-status --signal=INT 3");
    let (before, after) =
        (shown.find("\u{1b}[?1049h\u{1b}[?25l"), shown.rfind("\u{1b}[?25h\u{1b}[?1049l"));
    assert!(before.zip(after).is_some_and(|(before, after)| before < after), "{shown:?}");
    assert!(shown.matches("\u{1b}[H").count() >= 2, "it looked again: {shown:?}");
}

#[test]
fn a_watch_outlives_the_daemon_and_sees_the_next() {
    let home = Home::without_aws();
    let daemon = home.start();
    let seen = home.path("watch");
    let file = File::create(&seen).expect("the home is writable");
    let watch = Process::start(env!("CARGO_BIN_EXE_fanfare"), |command| {
        command.args(["status", "--watch", "--json", "--admin", &home.url("admin")]).stdout(file);
    });
    let last = |what: &str, is_it: fn(&Value) -> bool| {
        until(what, SOON, || {
            let lines = fs::read_to_string(&seen).expect("the home is readable");
            let line = lines.rsplit_once('\n')?.0.lines().next_back()?.to_owned();
            Some(serde_json::from_str::<Value>(&line).expect("each line is JSON")).filter(is_it)
        })
    };
    let first = last("a status", |line| line["ready"] == true);
    daemon.stop();
    let away = last("that nobody answers", |line| line["problem"].is_string());
    assert!(away["problem"].as_str().is_some_and(|it| it.starts_with("nobody listens at")));
    let _daemon = home.start();
    let again = last("the next daemon", |line| line["ready"] == true);
    assert_ne!(first["started"], again["started"]);
    watch.signal("INT");
    assert_eq!(watch.wait(SOON).code(), Some(0));
}

#[test]
fn nobody_there_is_a_failure() {
    let home = Home::without_aws();
    let (code, said, complaint) = ask(&home, &["status"]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.contains("nobody listens at"), "{complaint}");
}
