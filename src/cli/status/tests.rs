//! What is said of which status, and how it looks.

use anstream::adapter::strip_str;
use console::measure_text_width;
use serde_json::{Value, json};

use super::{headline::headline, report::report};
use crate::admin::Status;

const NOW: &str = "2026-11-22T08:00:00Z";

fn lane(state: &str, error: Option<(&str, &str, &str)>) -> Value {
    let mut lane = json!({
        "state": state,
        "concurrency": 8,
        "in_flight": 0,
        "rate": 0.0,
    });
    if let Some((class, code, message)) = error {
        let time = "2026-11-22T07:59:48Z";
        lane["last_error"] =
            json!({ "class": class, "code": code, "message": message, "time": time });
    }
    lane
}

fn destination(arn: &str, pending: u64, lane: Value) -> Value {
    let books = json!({
        "accepted": pending, "delivered": 0, "dead": 0, "discarded": 0, "lost": 0,
        "pending": pending, "pending_bytes": 9 * pending, "imbalance": 0,
    });
    let mut destination = json!({ "destination": arn, "books": books });
    if !lane.is_null() {
        destination["lane"] = lane;
    }
    destination
}

/// A daemon that does well, with these destinations.
fn healthy(destinations: &[Value]) -> Value {
    json!({
        "version": "1.2.3",
        "started": "2026-11-19T04:00:00Z",
        "time": NOW,
        "ready": true,
        "journal": {
            "bytes": 512 << 20, "bytes_limit": 8_u64 << 30, "segments": 9,
            "dead_letters": 0, "dead_letters_bytes": 0, "dead_letters_limit": 1 << 30,
            "quarantine_rows": 0, "quarantine_bytes": 0, "quarantine_limit": 64 << 20,
        },
        "documents": { "loaded": 2, "broken": [] },
        "config": { "generation": 4, "applied": "2026-11-22T05:57:00Z" },
        "destinations": destinations,
        "buckets": [
            { "bucket": "photos", "rules": 3, "events": 12_345, "matched": 12_000 },
            { "bucket": "logs", "rules": 1, "events": 7, "matched": 0 },
        ],
        "all_buckets": { "buckets": 2, "rules": 4, "events": 12_352, "matched": 12_000 },
        "strays": { "events": 0 },
        "books": { "imbalance": 0 },
    })
}

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:us-east-1:123456789012:{name}")
}

fn read(status: &Value) -> Status {
    serde_json::from_value(status.clone()).unwrap()
}

fn plain(status: &Value, width: Option<usize>) -> String {
    strip_str(&report(&read(status), width)).to_string()
}

fn first(status: &Value) -> String {
    headline(&read(status)).1
}

/// Four destinations, one in each state but the last, which nobody names.
fn sick() -> Value {
    let missing = (
        "broken",
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does\nnot exist.",
    );
    let mut broken = destination(&arn("sqs", "thumbs"), 12_043, lane("broken", Some(missing)));
    broken["lane"]["next_attempt"] = "2026-11-22T08:00:12Z".into();
    broken["lane"]["oldest"] = "2026-11-22T05:47:00Z".into();
    let away = ("transient", "Connection", "connection refused");
    let retrying = destination(&arn("lambda", "function:resize"), 3, lane("retrying", Some(away)));
    let mut well = destination(&arn("sns", "audit"), 2, lane("delivering", Some(away)));
    well["lane"]["rate"] = 120.4.into();
    well["lane"]["oldest"] = "2026-11-22T07:59:59.7Z".into();
    let unused = destination(&arn("events", "event-bus/default"), 0, Value::Null);
    healthy(&[unused, retrying, well, broken])
}

#[test]
fn all_is_well_in_one_sentence() {
    assert_eq!(first(&healthy(&[])), "healthy: no destination yet; nothing pending");
    let one = destination(&arn("sqs", "q"), 0, lane("delivering", None));
    let mut status = healthy(std::slice::from_ref(&one));
    assert_eq!(first(&status), "healthy: 1 destination; nothing pending");
    status["journal"]["dead_letters"] = 1.into();
    assert_eq!(first(&status), "healthy: 1 destination; nothing pending; 1 dead letter");
    let busy = destination(&arn("sqs", "r"), 1234, lane("delivering", None));
    let status = healthy(&[one, busy]);
    assert_eq!(first(&status), "healthy: 2 destinations; 1,234 events pending");
}

#[test]
fn what_is_wrong_comes_first_and_by_name() {
    let waits = "12,048 events pending, the oldest for 2 h 13 min";
    assert_eq!(first(&sick()), format!("1 of 3 destinations broken, 1 retrying; {waits}"));
    let mut status = healthy(&[destination(&arn("sqs", "q"), 0, lane("paused", None))]);
    assert_eq!(first(&status), "1 of 1 destination paused; nothing pending");
    status["journal"]["refusing"] = "full: 9 B of at most 8 B".into();
    status["books"]["imbalance"] = 1001.into();
    status["documents"]["broken"] =
        json!([{ "file": "/n/a.json", "problem": "p", "in_force": "nothing" }]);
    status["config"]["reload_problem"] = "no".into();
    let said = "new events are refused: the journal is full: 9 B of at most 8 B; 1 of 1 \
                destination paused; the books differ by 1,001; 1 document cannot be used; the \
                last reload changed nothing; nothing pending";
    assert_eq!(first(&status), said);
}

#[test]
fn colours_tell_how_bad_it_is() {
    let colour = |status: &Value| headline(&read(status)).0.render().to_string();
    assert_eq!(colour(&healthy(&[])), "\u{1b}[1m\u{1b}[32m");
    assert_eq!(colour(&sick()), "\u{1b}[1m\u{1b}[31m");
    let paused = healthy(&[destination(&arn("sqs", "q"), 0, lane("paused", None))]);
    assert_eq!(colour(&paused), "\u{1b}[1m\u{1b}[33m");
}

#[test]
fn a_sick_destination_says_why_and_what_helps() {
    let expected = "\
1 of 3 destinations broken, 1 retrying; 12,048 events pending, the oldest for 2 h 13 min

DESTINATION     STATE       RATE   PENDING  OLDEST      NEXT ATTEMPT
sqs thumbs      broken      0/s    12,043   2 h 13 min  in 12 s
  arn:aws:sqs:us-east-1:123456789012:thumbs
  AWS.SimpleQueueService.NonExistentQueue (12 s ago): The specified queue does\\nnot exist.
  help: create it, or correct its ARN in the rules; nothing is lost, and what is pending follows by itself
lambda resize   retrying    0/s    3                    now
  arn:aws:lambda:us-east-1:123456789012:function:resize
  Connection (12 s ago): connection refused
  help: it is tried again by itself; if this lasts, look at the service and the way there
sns audit       delivering  120/s  2        < 1 s
events default  unused             0

BUCKET  RULES  EVENTS  MATCHED
photos  3      12,345  12,000
logs    1      7       0

journal       512.0 MiB of 8.0 GiB (6 %), 9 segments
dead letters  0, 0 B of 1.0 GiB (0 %)
quarantine    0, 0 B of 64.0 MiB (0 %)
books         balanced
documents     2 in force, generation 4, for 2 h 3 min
fanfare       1.2.3, up 3 d 4 h
";
    assert_eq!(plain(&sick(), None), expected);
}

#[test]
fn a_reload_that_failed_shows_the_line_of_the_settings() {
    let mut status = healthy(&[]);
    status["config"]["reload_problem"] =
        "cannot use it: at line 1\n  |\n1 | x y\n  |   ^\nno".into();
    let said = "\nthe last reload changed nothing\n  cannot use it: at line 1\n    |\n  1 | x y\n    \
                |   ^\n  no\n";
    assert!(plain(&status, None).ends_with(said), "{}", plain(&status, None));
    assert!(plain(&status, Some(80)).ends_with(said), "{}", plain(&status, Some(80)));
}

#[test]
fn a_journal_that_refuses_says_what_helps() {
    let mut status = healthy(&[]);
    for (why, help) in [
        (
            "full: 9 B of at most 8 B",
            "help: mend the destinations that have most pending, or raise",
        ),
        ("the disk refuses: no space", "help: see to the disk; "),
    ] {
        status["journal"]["refusing"] = why.into();
        let said = format!("              refuses new events: {why}\n              {help}");
        let text = plain(&status, None);
        assert!(text.contains(&said), "{text}");
        let narrow = plain(&status, Some(60));
        assert!(!narrow.contains('…'), "{narrow}");
    }
}

#[test]
fn colours_take_no_room() {
    let text = report(&read(&sick()), None);
    assert!(text.contains("\u{1b}[1m\u{1b}[31mbroken\u{1b}[0m      0/s"), "{text}");
    assert!(text.contains("\u{1b}[32mdelivering\u{1b}[0m  120/s"), "{text}");
    let state = |line: &&str| strip_str(line).to_string().find("now").is_some();
    let retrying = text.lines().find(state).unwrap();
    let head = text.lines().find(|line| line.contains("NEXT ATTEMPT")).unwrap();
    let column = |line: &str, word: &str| strip_str(line).to_string().find(word);
    assert_eq!(column(retrying, "now"), column(head, "NEXT ATTEMPT"));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_word_of_an_error_is_lost() {
    let status = sick();
    for width in [20, 40, 60, 80, 200] {
        let text = report(&read(&status), Some(width));
        let widest = text.lines().map(measure_text_width).max().unwrap();
        assert!(widest <= width, "{widest} > {width}:\n{text}");
    }
    let narrow = plain(&status, Some(60));
    assert!(
        narrow.contains("\n  help: create it, or correct its ARN in the rules; nothing\n"),
        "{narrow}"
    );
    assert!(narrow.contains("  is lost, and what is pending follows by itself\n"), "{narrow}");
    let arn = "\n  arn:aws:sqs:us-east-1:123456789012:th\n  umbs\n";
    assert!(plain(&status, Some(39)).contains(arn), "an ARN can be copied whole");
}

#[test]
fn destinations_of_the_same_name_are_told_apart_by_their_arns() {
    let [here, there] = ["us-east-1", "eu-west-1"].map(|region| {
        let arn = format!("arn:aws:sqs:{region}:123456789012:q");
        destination(&arn, 0, lane("delivering", None))
    });
    let text = plain(&healthy(&[here, there]), None);
    assert!(text.contains("\narn:aws:sqs:us-east-1:123456789012:q  delivering"), "{text}");
}

#[test]
fn of_many_buckets_the_busiest_are_shown_and_the_rest_is_summed_up() {
    let mut status = healthy(&[]);
    let bucket =
        |n: u64| json!({ "bucket": format!("b{n}"), "rules": 1, "events": n, "matched": 0 });
    status["buckets"] = (0..100).rev().map(bucket).collect();
    status["all_buckets"] =
        json!({ "buckets": 10_000, "rules": 20_000, "events": 5_000, "matched": 1 });
    let text = plain(&status, None);
    assert!(text.contains("\nb90     1      90      0\nand 9,990 more, which GET /buckets lists; all together 20,000 rules, 5,000 events, 1 matched\n"), "{text}");
}

#[test]
fn events_of_buckets_that_nobody_has_rules_for_are_told_with_the_last_of_them() {
    let mut status = healthy(&[]);
    assert!(!plain(&status, None).contains("without a document"));
    status["strays"] = json!({ "events": 3, "last_bucket": "phtos" });
    let text = plain(&status, None);
    let line = "\n3 events of buckets without a document, the last of phtos: no rule wants them\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn what_else_is_wrong_stands_where_it_belongs() {
    let mut status = healthy(&[]);
    status["journal"]["refusing"] = "the disk refuses: no space".into();
    status["journal"]["dead_letters"] = 5.into();
    status["books"]["imbalance"] = 2.into();
    status["documents"]["broken"] = json!([{
        "file": "/etc/fanfare/notifications/a.json",
        "problem": "line 3: no ARN",
        "in_force": "the last document that could be read",
    }]);
    status["config"]["reload_problem"] = "cannot read /etc/fanfare/fanfare.toml".into();
    let text = plain(&status, None);
    for line in [
        "              refuses new events: the disk refuses: no space",
        "dead letters  5, 0 B of 1.0 GiB (0 %)",
        "books         differ by 2; please report this as a bug",
        "/etc/fanfare/notifications/a.json cannot be used\n  line 3: no ARN\n  in force: the last document that could be read",
        "the last reload changed nothing\n  cannot read /etc/fanfare/fanfare.toml",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}:\n{text}");
    }
}

#[test]
fn what_helps_depends_on_what_is_wrong() {
    let help = |state: &str, class: &str, code: &str| {
        let error = (class, code, "words");
        let text =
            plain(&healthy(&[destination(&arn("sqs", "q"), 0, lane(state, Some(error)))]), None);
        let line = text.lines().find_map(|line| line.strip_prefix("  help: "));
        line.unwrap_or_default().split(';').next().unwrap_or_default().to_owned()
    };
    for (state, class, code, words) in [
        ("broken", "broken", "QueueDoesNotExist", "create it, or correct its ARN in the rules"),
        ("broken", "broken", "AccessDeniedException", "grant fanfare the right to send there"),
        ("broken", "broken", "KMS.NotFoundException", "let fanfare use the key that encrypts it"),
        (
            "broken",
            "broken",
            "InvalidClientTokenId",
            "correct the AWS credentials that fanfare has",
        ),
        ("broken", "broken", "NoCredentials", "correct the AWS credentials that fanfare has"),
        ("broken", "unknown", "Teapot", "create it, or mend the right to it"),
        ("retrying", "throttled", "Throttling", "it asks for less at a time and gets it"),
        ("retrying", "transient", "Timeout", "it is tried again by itself"),
        (
            "paused",
            "transient",
            "Timeout",
            "take `paused = true` out of its [[destination]] table and restart",
        ),
        ("delivering", "transient", "Timeout", ""),
    ] {
        assert_eq!(help(state, class, code), words, "{code}");
    }
}
