//! What `fanfare dead-letters` asks of a daemon, and prints.

use clap::Parser;
use serde_json::{Value, json};

use super::daemon::printed;
use crate::cli::{Cli, Ended};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";

fn letter(number: u64, key: &str) -> Value {
    json!({
        "id": format!("{QUEUE}#{number}"),
        "destination": QUEUE,
        "time": "2026-11-22T08:00:00.5Z",
        "event_type": "ObjectCreated:Put",
        "bucket": "photos",
        "key": key,
        "rule_id": "thumbs",
        "given_up": "refused",
        "class": "poison",
        "code": "InvalidMessageContents",
        "message": "bad\u{1b}[31m",
        "attempts": 2,
        "accepted": "2026-11-22T06:00:00Z",
        "first_failure": "2026-11-22T07:00:00Z",
        "last_failure": "2026-11-22T08:00:00Z",
        "bytes": 9,
    })
}

#[test]
fn a_list_has_aligned_columns_and_is_read_page_by_page() {
    let (ended, out, asked) = printed(
        &["dead-letters", "list", "--code", "a b", "--since", "2026-11-22T07:00:00Z"],
        |line, _| {
            let first = json!({ "dead_letters": [letter(9, "a")], "after": "x#9" });
            let last = json!({ "dead_letters": [letter(10, "tab\tüü.jpg")] });
            (200, if line.contains("after=") { last } else { first })
        },
    );
    assert_eq!(ended.unwrap(), Ended::Done);
    let expected = format!(
        "ID{:44}TIME                  EVENT              OBJECT              WHY      CODE                    ATTEMPTS
{QUEUE}#9   2026-11-22T08:00:00Z  ObjectCreated:Put  photos/a            refused  InvalidMessageContents  2
{QUEUE}#10  2026-11-22T08:00:00Z  ObjectCreated:Put  photos/tab\\tüü.jpg  refused  InvalidMessageContents  2
",
        ""
    );
    assert_eq!(out, expected);
    let query = "GET /dead-letters?code=a%20b&since=2026%2D11%2D22T07%3A00%3A00Z";
    assert_eq!(asked[0].0, format!("{query}&limit=100"));
    assert_eq!(asked[1].0, format!("{query}&after=x%239&limit=99"));
}

#[test]
fn a_list_ends_where_it_was_told_to_and_says_so() {
    let script = |_: &str, _| (200, json!({ "dead_letters": [letter(1, "a")], "after": "x" }));
    let (_, out, asked) = printed(&["dead-letters", "list", "--limit", "2"], script);
    assert_eq!(out.lines().last(), Some("the first 2; --limit lists more"));
    assert_eq!(asked.len(), 2);
    let list = ["dead-letters", "list", "--limit", "2", "--json"];
    let (_, out, _) = printed(&list, script);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [letter(1, "a"), letter(1, "a")]);
}

#[test]
fn an_empty_list_is_told_in_words() {
    let script = |_: &str, _| (200, json!({ "dead_letters": [] }));
    let (ended, out, _) = printed(&["dead-letters", "list"], script);
    assert_eq!((ended.unwrap(), out.as_str()), (Ended::Done, "no dead letters\n"));
    let (_, out, _) = printed(&["dead-letters", "list", "--json"], script);
    assert_eq!(out, "");
}

#[test]
fn everything_about_one_is_shown_and_moves_no_cursor() {
    let id = format!("{QUEUE}#7");
    let (ended, out, asked) = printed(&["dead-letters", "show", &id], |_, _| {
        let mut letter = letter(7, "a");
        letter["payload"] = json!({ "subject": "S", "body": "{\"Records\":[\u{9b}]}" });
        (200, letter)
    });
    assert_eq!(ended.unwrap(), Ended::Done);
    assert!(asked[0].0.starts_with("GET /dead-letters/arn%3Aaws%3A"), "{asked:?}");
    for line in [
        "rule          thumbs",
        "why           refused: its destination will not take it, however often it is sent",
        "class         poison",
        "message       bad\\u{1b}[31m",
        "attempts      2",
        "first failure 2026-11-22T07:00:00Z",
        "given up      2026-11-22T08:00:00.5Z",
        "{\"Records\":[\\u{9b}]}",
    ] {
        assert!(out.lines().any(|printed| printed == line), "{line} in {out}");
    }
}

#[test]
fn what_the_daemon_refuses_is_told_in_its_words() {
    let (ended, _, _) = printed(&["dead-letters", "show", "x"], |_, _| {
        (404, json!({ "problem": "there is no dead letter `x`" }))
    });
    let told = ended.unwrap_err().to_string();
    assert!(told.ends_with(" refuses: there is no dead letter `x`"), "{told}");
    let (ended, _, _) = printed(&["dead-letters", "list"], |_, _| (500, json!("oops")));
    let told = ended.unwrap_err().to_string();
    assert!(told.contains(r#"answers 500 `"oops"`; correct --admin"#), "{told}");
}

/// A daemon with so many dead letters of which it does two at a time.
fn having(count: u64) -> impl FnMut(&str, Value) -> (u16, Value) + Send {
    move |line, body| {
        if line == "GET /destinations?" {
            return (200, json!({ "destinations": [] }));
        }
        let after: u64 = body["after"].as_str().map_or(0, |after| after.parse().unwrap());
        let now = (count - after).min(2);
        let mut next = body.clone();
        next["after"] = (after + now).to_string().into();
        let done = if body["dry_run"] == true { 0 } else { now };
        let mut answer = json!({ "matched": now, "done": done });
        if after + now < count {
            answer["next"] = next;
        }
        (200, answer)
    }
}

#[test]
fn a_redrive_counts_first_and_then_works_batch_by_batch() {
    let redrive = ["dead-letters", "redrive", "--bucket", "photos", "--rate", "100"];
    let (ended, out, asked) = printed(&redrive, having(5));
    assert_eq!((ended.unwrap(), out.as_str()), (Ended::Done, "5 dead letters redriven\n"));
    let (asked, others): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|(line, _)| line == "POST /dead-letters/redrive");
    assert_eq!((asked.len(), others.len()), (6, 1), "once, it looks at the destinations");
    let filter = json!({ "bucket": "photos" });
    assert_eq!(asked[0].1, json!({ "filter": filter, "dry_run": true }));
    assert_eq!(asked[3].1, json!({ "filter": filter, "limit": 100 }));
    assert_eq!(asked[5].1, json!({ "filter": filter, "limit": 100, "after": "4" }));

    let (ended, out, asked) = printed(&[&redrive[..], &["--dry-run"]].concat(), having(5));
    let said = "5 dead letters would be redriven\n";
    assert_eq!((ended.unwrap(), out.as_str(), asked.len()), (Ended::Done, said, 3));

    let (ended, out, _) = printed(&[&redrive[..], &["--json"]].concat(), having(1));
    assert_eq!((ended.unwrap(), out.as_str()), (Ended::Done, "{\"matched\":1,\"done\":1}\n"));

    let (ended, out, _) = printed(&redrive, having(0));
    assert_eq!((ended.unwrap(), out.as_str()), (Ended::Done, "no dead letters\n"));
}

#[test]
fn a_rate_is_kept() {
    let start = std::time::Instant::now();
    let all = ["dead-letters", "redrive", "--destination", "*", "--rate", "20"];
    let (ended, _, _) = printed(&all, having(6));
    assert_eq!(ended.unwrap(), Ended::Done);
    // Two of the three batches of two are followed by another.
    assert!(start.elapsed() >= std::time::Duration::from_millis(200));
}

#[test]
fn named_dead_letters_that_are_not_there_are_counted() {
    let named = ["dead-letters", "purge", "a#1", "a#2", "a#3"];
    let (ended, out, asked) = printed(&named, having(2));
    let said = "2 dead letters purged\n1 of the 3 named are not there\n";
    assert_eq!((ended.unwrap(), out.as_str()), (Ended::Unfinished, said));
    assert_eq!(asked[1].1, json!({ "ids": ["a#1", "a#2", "a#3"] }));
}

#[test]
fn nothing_is_removed_unless_that_is_said() {
    let purge = ["dead-letters", "purge", "--destination", "*"];
    let (ended, out, asked) = printed(&purge, having(2));
    let told = ended.unwrap_err().to_string();
    assert!(told.starts_with("this would remove 2 dead letters for good; say `--yes`"), "{told}");
    assert_eq!((out.as_str(), asked.len()), ("", 1));
    let (ended, out, _) = printed(&[&purge[..], &["--yes"]].concat(), having(2));
    assert_eq!((ended.unwrap(), out.as_str()), (Ended::Done, "2 dead letters purged\n"));
}

#[test]
fn what_was_done_before_a_failure_is_told() {
    let mut daemon = having(6);
    let (ended, out, _) =
        printed(&["dead-letters", "redrive", "--code", "x"], move |line, body| {
            if body["after"] == "4" && body["dry_run"] != true {
                return (503, json!({ "problem": "the journal is full" }));
            }
            daemon(line, body)
        });
    let told = format!("{:#}", ended.unwrap_err());
    assert!(told.starts_with("what is not redriven is still a dead letter; ask again"), "{told}");
    assert!(told.ends_with("the journal is full"), "{told}");
    assert_eq!(out, "stopped: 4 of 6 dead letters redriven\n");
}

#[test]
fn what_to_redrive_has_to_be_said_one_way() {
    let line = ["fanfare", "dead-letters", "redrive", "a#1", "--code", "x"];
    assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
    for arguments in [&["redrive"][..], &["purge", "--yes"]] {
        let (ended, _, asked) = printed(&[&["dead-letters"], arguments].concat(), having(1));
        let told = ended.unwrap_err().to_string();
        assert!(told.starts_with("say which dead letters: their ids, as `fanfare"), "{told}");
        assert_eq!(asked.len(), 0, "{asked:?}");
    }
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let (ended, ..) = printed(&["dead-letters", "list"], |_, _| {
        (403, json!({ "problem": "the Host is a name; ask for localhost or an address" }))
    });
    let told = ended.unwrap_err().to_string();
    assert!(told.ends_with("refuses: the Host is a name; ask for localhost or an address"));
    let (ended, ..) = printed(&["dead-letters", "list"], |_, _| (401, json!("no")));
    assert!(
        ended.unwrap_err().to_string().contains("name the file that holds it with --token-file")
    );
}

#[test]
fn only_destinations_of_what_is_redriven_are_looked_at() {
    let broken = |name: &str| {
        let lane = json!({ "state": "broken", "concurrency": 1, "in_flight": 0 });
        let books = json!({
            "accepted": 1, "delivered": 0, "dead": 1, "discarded": 0, "lost": 0, "pending": 0,
            "pending_bytes": 0,
        });
        json!({ "destination": format!("arn:{name}"), "lane": lane, "books": books })
    };
    let mut daemon = having(1);
    let (ended, _, asked) = printed(
        &["dead-letters", "redrive", "--destination", "*", "--bucket", "photos"],
        move |line, body| {
            if line == "GET /destinations?" {
                return (200, json!({ "destinations": [broken("one"), broken("two")] }));
            }
            if line.starts_with("GET /dead-letters?") {
                let letters = if line.contains("one") { vec![letter(1, "a")] } else { Vec::new() };
                return (200, json!({ "dead_letters": letters }));
            }
            daemon(line, body)
        },
    );
    assert_eq!(ended.unwrap(), Ended::Done);
    let looked: Vec<_> = asked.iter().filter(|(line, _)| line.contains("bucket=photos")).collect();
    assert_eq!(looked.len(), 2, "{asked:?}");
}
