//! What `fanfare quarantine` asks of a daemon, and prints.

use clap::Parser;
use serde_json::{Value, json};

use super::daemon::printed;
use crate::cli::{Cli, Ended};

fn row(id: u64, reason: &str) -> Value {
    json!({ "id": id, "time": "2026-11-22T08:00:00.5Z", "reason": reason, "bytes": 10 * id })
}

/// A daemon with so many rows, which lists two at a time and cannot take those of even numbers.
fn having(count: u64) -> impl FnMut(&str, Value) -> (u16, Value) + Send {
    move |line, body| {
        if let Some(query) = line.strip_prefix("GET /quarantine?") {
            let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
            let after: u64 = after.map_or(0, |after| after.parse().unwrap());
            let last = (after + 2).min(count);
            let rows: Vec<_> = (after + 1..=last).map(|id| row(id, "no\u{1b}event")).collect();
            let next = (last < count).then_some(last);
            return (200, json!({ "rows": rows, "after": next }));
        }
        let ids = body["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap());
        let there: Vec<_> = ids.filter(|id| *id <= count).collect();
        let odd = there.iter().filter(|id| *id % 2 == 1).count();
        let (matched, is_dry) = (there.len(), body["dry_run"] == true);
        (
            200,
            match line {
                "POST /quarantine/retry" => {
                    let done = if is_dry { 0 } else { odd };
                    json!({ "matched": matched, "done": done, "accepted": 10 * done })
                }
                "POST /quarantine/purge" => {
                    json!({ "matched": matched, "done": if is_dry { 0 } else { matched } })
                }
                other => panic!("{other}"),
            },
        )
    }
}

#[test]
fn a_list_has_aligned_columns_and_moves_no_cursor() {
    let (ended, out, asked) = printed(&["quarantine", "list", "--limit", "4"], having(4));
    assert_eq!(ended.unwrap(), Ended::Done);
    let expected = "ID  TIME                  BYTES  REASON
1   2026-11-22T08:00:00Z  10     no\\u{1b}event
2   2026-11-22T08:00:00Z  20     no\\u{1b}event
3   2026-11-22T08:00:00Z  30     no\\u{1b}event
4   2026-11-22T08:00:00Z  40     no\\u{1b}event
";
    assert_eq!(out, expected);
    assert_eq!(asked[1].0, "GET /quarantine?after=2&limit=2");
    let (_, out, _) = printed(&["quarantine", "list", "--limit", "2"], having(4));
    assert_eq!(out.lines().last(), Some("the first 2; --limit lists more"));
    let (_, out, _) = printed(&["quarantine", "list", "--json"], having(3));
    assert_eq!(out.lines().count(), 3);
    let (_, out, _) = printed(&["quarantine", "list"], having(0));
    assert_eq!(out, "nothing in quarantine\n");
}

#[test]
fn a_row_is_shown_with_its_body() {
    let (_, out, asked) = printed(&["quarantine", "show", "7"], |_, _| {
        let mut row = row(7, "no event");
        row["text"] = "{\n \"a\":\"\u{9b}\"}".into();
        (200, row)
    });
    assert_eq!(asked[0].0, "GET /quarantine/7?");
    let expected = "id            7
set aside     2026-11-22T08:00:00.5Z
reason        no event
bytes         70

{
 \"a\":\"\\u{9b}\"}
";
    assert_eq!(out, expected);
    let (_, out, _) = printed(&["quarantine", "show", "7"], |_, _| {
        let mut row = row(7, "no event");
        row["base64"] = "//4=".into();
        (200, row)
    });
    assert!(out.ends_with("It is no text; in base64:\n//4=\n"), "{out}");
}

#[test]
fn a_retry_says_what_was_taken_and_what_stays() {
    let (ended, out, _) = printed(&["quarantine", "retry", "1", "3"], having(4));
    assert_eq!((ended.unwrap(), &*out), (Ended::Done, "2 rows retried, 20 events accepted\n"));
    let (ended, out, asked) = printed(&["quarantine", "retry", "--all"], having(4));
    let said = "4 rows retried, 20 events accepted\n\
                2 of them cannot be taken yet and stay; `show` says why\n";
    assert_eq!((ended.unwrap(), &*out), (Ended::Unfinished, said));
    assert_eq!(asked.last().unwrap().1, json!({ "ids": [1, 2, 3, 4] }));
    let (ended, out, _) = printed(&["quarantine", "retry", "1", "9"], having(4));
    let said = "1 row retried, 10 events accepted\n1 of the 2 named are not there\n";
    assert_eq!((ended.unwrap(), &*out), (Ended::Unfinished, said));
    let (ended, out, _) = printed(&["quarantine", "retry", "--all", "--dry-run"], having(4));
    assert_eq!((ended.unwrap(), &*out), (Ended::Done, "4 rows would be retried\n"));
    let (_, out, _) = printed(&["quarantine", "retry", "1", "--json"], having(4));
    assert_eq!(out, "{\"matched\":1,\"done\":1,\"accepted\":10}\n");
    let (ended, out, _) = printed(&["quarantine", "retry", "--all"], having(0));
    assert_eq!((ended.unwrap(), &*out), (Ended::Done, "nothing in quarantine\n"));
}

#[test]
fn all_is_removed_only_if_that_is_said() {
    let (ended, out, asked) = printed(&["quarantine", "purge", "--all"], having(3));
    let told = ended.unwrap_err().to_string();
    assert!(told.starts_with("this would remove 3 rows for good; say `--yes`"), "{told}");
    assert!(out.is_empty() && asked.iter().all(|(line, _)| line.starts_with("GET")), "{asked:?}");
    let (ended, out, _) = printed(&["quarantine", "purge", "--all", "--yes"], having(3));
    assert_eq!((ended.unwrap(), &*out), (Ended::Done, "3 rows purged\n"));
    let (ended, out, _) = printed(&["quarantine", "purge", "2"], having(3));
    assert_eq!((ended.unwrap(), &*out), (Ended::Done, "1 row purged\n"));
}

#[test]
fn which_rows_has_to_be_said_one_way() {
    for arguments in [&["retry"][..], &["purge", "--yes"], &["retry", "1", "--all"], &["show", "x"]]
    {
        let line = [&["fanfare", "quarantine"], arguments].concat();
        assert!(Cli::try_parse_from(&line).is_err(), "{line:?}");
    }
}

#[test]
fn who_names_no_rows_is_told_how_to() {
    for deed in ["retry", "purge"] {
        let told = Cli::try_parse_from(["fanfare", "quarantine", deed]).unwrap_err().to_string();
        assert!(told.contains("<ID|--all>"), "{told}");
    }
}
