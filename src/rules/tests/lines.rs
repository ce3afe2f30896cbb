//! What is printed one a line stays on its line.

use serde_json::json;

use super::{queues, read, rule};
use crate::rules::{Config, warnings};

const CREATED: &str = "s3:ObjectCreated:*";

#[test]
fn each_problem_is_one_line_whatever_the_document_holds() {
    let mut first = rule("a\nb", "s3:\u{2028}Object\nX", Some("a"), None);
    first["QueueArn"] = json!("q\tr");
    let problems = read(&queues(&[first])).unwrap_err();
    let lines: Vec<_> = problems.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), problems.iter().count(), "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with(r"rule `a\nb`: ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(r"`s3:\u{2028}Object\nX` is no event")));
    assert!(lines.iter().any(|line| line.contains(r"`q\tr` has to look like")));
}

#[test]
fn the_argument_of_an_answer_is_what_was_sent() {
    let problems = read(&queues(&[rule("a", "s3:Object\nX", None, None)])).unwrap_err();
    assert_eq!(problems.first().arguments(), Some(("Event", "s3:Object\nX")));
}

#[test]
fn an_overlap_names_both_rules_on_one_line() {
    let rules = ["a\nb", "c\nd"].map(|id| rule(id, CREATED, Some("x"), None));
    let problems = read(&queues(&rules)).unwrap_err();
    let line = problems.to_string();
    assert!(line.contains(r"`a\nb` and `c\nd` would both match"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}

#[test]
fn a_warning_is_one_line() {
    let document = read(&queues(&[rule("a\nb", CREATED, Some("x\n*"), None)])).unwrap();
    for warning in warnings(&document, &Config::default()) {
        let line = warning.to_string();
        assert!(line.starts_with(r"rule `a\nb`: ") && !line.contains('\n'), "{line}");
    }
}
