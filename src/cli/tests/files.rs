//! What `fanfare check` prints: one problem a line, with what, which, and what to do. What
//! `fanfare explain` is asked, and notes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{CommandFactory, Parser};
use tempfile::TempDir;

use crate::cli::{Cli, Command, Explain, Findings, check, explain};
use crate::config::Config;

const GOOD: &str = r#"{"QueueConfigurations":[{"Id":"q","QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","Events":["s3:ObjectCreated:*"]}]}"#;

/// Settings with a directory of these documents.
fn settings(documents: &[(&str, &str)]) -> (TempDir, Config) {
    let directory = tempfile::tempdir().unwrap();
    for (file, text) in documents {
        fs::write(directory.path().join(file), text).unwrap();
    }
    let ports = "events = \"127.0.0.1:0\"\ns3 = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"";
    let mut config: Config = toml::from_str(&format!("[listen]\n{ports}")).unwrap();
    config.notifications.directory = directory.path().into();
    config.journal.directory = directory.path().join("journal");
    (directory, config)
}

/// The lines that the check prints, the last one counting.
#[track_caller]
fn printed(config: &Config, files: &[PathBuf], expected: Findings) -> Vec<String> {
    let mut out = Vec::new();
    let findings = check(config, files.to_vec(), &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(findings, expected, "{out}");
    out.lines().map(str::to_owned).collect()
}

#[track_caller]
fn only_problem(config: &Config, files: &[PathBuf]) -> String {
    let lines = printed(config, files, Findings::Problems);
    let [problem, count] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(count.ends_with(", 1 problem"), "{count}");
    problem.clone()
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

/// What `fanfare explain` is asked with these arguments beside the settings.
#[track_caller]
fn asked(arguments: &[&str]) -> Result<Explain, String> {
    let fixed = ["fanfare", "explain", "--config", "x", "--bucket", "photos"];
    let cli = Cli::try_parse_from(fixed.iter().chain(arguments));
    match cli.map_err(|wrong| wrong.to_string())?.command {
        Command::Explain(explain) => Ok(explain),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_is_one_event_of_one_raw_key() {
    let explain = asked(&["--key", "-a%3Db", "--event", "ObjectCreated:Put"]).unwrap();
    let question = explain.question();
    let parts = (question.bucket.as_str(), question.key.as_str(), question.event_type.name());
    assert_eq!(parts, ("photos", "-a%3Db", "ObjectCreated:Put"));
    assert!(asked(&["--key", "a", "--event", "s3:Replication:*"]).is_err());
    assert!(asked(&["--key", "", "--event", "s3:ObjectCreated:Put"]).is_err());
}

#[test]
fn a_key_that_looks_like_one_of_an_event_is_noted() {
    let (directory, config) = settings(&[("photos.json", GOOD)]);
    let file = directory.path().join("fanfare.toml");
    fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    let explained = |key| {
        let mut asked = asked(&["--key", key, "--event", "ObjectCreated:Put"]).unwrap();
        asked.config = Some(file.clone());
        let mut out = Vec::new();
        assert_eq!(explain(&asked, &mut out).unwrap(), Findings::None);
        String::from_utf8(out).unwrap()
    };
    let note = "if it is from an event, it is encoded: ask for `a=b c`";
    assert!(explained("a%3Db+c").contains(note));
    for key in ["a=b c", "a+b", "100%", "\u{1b}[31m"] {
        let said = explained(key);
        assert!(!said.contains("note") && !said.contains('\u{1b}'), "{said}");
        assert!(said.contains("1 of 1 rule matches: → arn:aws:sqs:"), "{said}");
    }
}

#[test]
fn broken_json_is_not_said_to_be_broken_xml() {
    let (_directory, config) = settings(&[("a.json", "{"), ("b.xml", "<")]);
    let lines = printed(&config, &[], Findings::Problems);
    let (json, xml) = (&lines[0], &lines[1]);
    assert!(json.contains("a.json: the JSON is wrong: ") && !json.contains("XML"), "{json}");
    assert!(xml.contains("b.xml: The XML you provided was not well-formed"), "{xml}");
}

#[test]
fn documents_that_can_be_used_are_counted() {
    let (_directory, config) = settings(&[("a.json", GOOD), ("b.json", GOOD), ("notes.md", "")]);
    assert_eq!(printed(&config, &[], Findings::None), ["2 documents, 0 problems"]);
}

#[test]
fn a_directory_that_is_not_there_is_a_problem_with_a_remedy() {
    let (directory, mut config) = settings(&[]);
    config.notifications.directory = directory.path().join("nowhere");
    let problem = only_problem(&config, &[]);
    assert!(problem.starts_with("cannot read notifications.directory /"), "{problem}");
    assert!(problem.contains("nowhere; create it or correct the setting: "), "{problem}");
}

#[test]
fn a_token_that_serve_could_not_read_is_a_problem() {
    let (directory, mut config) = settings(&[("a.json", GOOD)]);
    let token = directory.path().join("token");
    config.events.auth_token_file = Some(token.clone());
    assert!(only_problem(&config, &[]).contains("cannot read events.auth_token_file"));
    fs::write(&token, "\n").unwrap();
    assert!(only_problem(&config, &[]).ends_with("is empty; write the token into it"));
    fs::write(&token, "s3cr3t\n").unwrap();
    assert_eq!(printed(&config, &[], Findings::None), ["1 document, 0 problems"]);
}

#[test]
fn a_file_that_is_no_document_is_told_how_one_is_named() {
    let (directory, config) = settings(&[("photos.txt", GOOD), ("photos.json", GOOD)]);
    let named = |file| directory.path().join(file);
    let problem = only_problem(&config, &[named("photos.txt"), named("photos.json")]);
    assert!(problem.ends_with(
        "photos.txt: no document has such a name; name it <bucket>.json or <bucket>.xml"
    ));
}

#[test]
fn a_bucket_has_one_document_and_naming_it_twice_makes_no_second() {
    let (directory, config) =
        settings(&[("a.json", GOOD), ("a.xml", "<NotificationConfiguration/>")]);
    let problem = only_problem(&config, &[]);
    assert!(
        problem.contains("a.json: there is also ")
            && problem.ends_with("a.xml; remove one of the two")
    );
    let one = directory.path().join("a.json");
    assert_eq!(printed(&config, &[one.clone(), one], Findings::None), ["1 document, 0 problems"]);
}

#[test]
fn a_problem_stays_on_its_line_whatever_the_file_is_called() {
    let (_directory, config) = settings(&[("a\nb.json", GOOD)]);
    let problem = only_problem(&config, &[]);
    assert!(problem.contains(r"a\nb.json: name it <bucket>.json"), "{problem}");
    let missing = only_problem(&config, &[Path::new("no\u{1b}[31m.json").into()]);
    assert!(missing.starts_with(r"no\u{1b}[31m.json: "), "{missing}");
}

#[test]
fn a_file_that_nobody_reads_is_a_warning_if_it_looks_meant() {
    let names = ["photos.JSON", "photos.yaml", "photos.xml.txt", ".b.txt", "README.md", "a.json~"];
    let documents: Vec<_> = names.iter().map(|name| (*name, GOOD)).collect();
    let (_directory, config) = settings(&documents);
    let lines = printed(&config, &[], Findings::None);
    let [json, xml, yaml, count] = lines.as_slice() else { panic!("{lines:?}") };
    let warning = ": warning: nobody reads it; name it <bucket>.json or <bucket>.xml";
    for (line, name) in [(json, names[0]), (yaml, names[1]), (xml, names[2])] {
        assert!(line.ends_with(&format!("/{name}{warning}")), "{line}");
    }
    assert_eq!(count, "0 documents, 0 problems, 3 warnings");
}

#[test]
fn a_document_of_a_bucket_that_the_api_does_not_know_is_a_warning() {
    let (_directory, mut config) = settings(&[("photos.json", GOOD), ("music.json", GOOD)]);
    config.buckets = toml::from_str("unknown = \"reject\"\nknown = [\"mus*\"]").unwrap();
    let lines = printed(&config, &[], Findings::None);
    let [warning, count] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(warning.contains("photos.json: warning: its events are routed, but"), "{warning}");
    assert!(warning.contains("add `photos` to `known` in `[buckets]`"), "{warning}");
    assert_eq!(count, "2 documents, 0 problems, 1 warning");
}

#[test]
fn an_empty_file_is_told_what_no_notifications_are() {
    let (_directory, config) = settings(&[("a.json", " \n")]);
    let problem = only_problem(&config, &[]);
    assert!(problem.ends_with("a.json: the file is empty; write {} for no notifications"));
}

#[test]
fn a_destination_table_that_is_for_nobody_is_warned_of() {
    let bus = r#"{"EventBridgeConfiguration":{}}"#;
    let (directory, mut config) = settings(&[("a.json", GOOD), ("b.json", bus)]);
    let table = |pattern| format!("[[destination]]\nmatch = \"{pattern}\"\n");
    let tables = ["*:q", "arn:aws:events:*", "*:slow"].map(table).concat();
    config.destination = toml::from_str::<Config>(&tables).unwrap().destination;
    let warning = "[[destination]] *:slow: warning: no document names such a destination; correct \
                   `match`, or remove the table";
    let lines = printed(&config, &[], Findings::None);
    assert_eq!(lines, [warning, "2 documents, 0 problems, 1 warning"]);
    let one = [directory.path().join("a.json")];
    assert_eq!(printed(&config, &one, Findings::None), ["1 document, 0 problems"]);
}
