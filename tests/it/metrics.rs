//! What /metrics says: what docs/metrics.md lists, in the form that Prometheus asks for, and true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    process::{Command, Stdio},
};

use crate::harness::{
    Authority, Daemon, Home, SOON, Script, Sink, minio, prometheus, root, rule, rules, until,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:measured";

/// What is told of a metric: its type, and the names of its labels.
type Told = (String, BTreeSet<String>);

/// A home with a document, whose rule wants uploads.
fn home_with(sink: &Sink) -> Home {
    let home = Home::sending_to(sink);
    home.document("photos", &rules(&[rule("uploads", QUEUE, &["s3:ObjectCreated:*"])]));
    home
}

/// The metrics, once the document's lane is open.
fn metrics_of(daemon: &Daemon<'_>) -> String {
    let state = "fanfare_lane_state";
    until("the lane is open", SOON, || (daemon.metric(state, &[]) > 0.0).then_some(()));
    daemon.ask("metrics").text
}

/// Whether a metric has exactly this value.
fn is(daemon: &Daemon<'_>, name: &str, labels: &[&str], value: f64) -> bool {
    daemon.metric(name, labels).total_cmp(&value).is_eq()
}

/// Every metric of ours in an answer.
fn exposed(text: &str) -> BTreeMap<String, Told> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let ours = types.filter(|(name, _)| name.starts_with("fanfare_"));
    ours.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), labels_of(name, text)))).collect()
}

/// The labels of a metric, but for the one that every histogram has.
fn labels_of(name: &str, text: &str) -> BTreeSet<String> {
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let series = series.filter_map(|line| line.strip_prefix(name)?.split_once('{'));
    let labels = series.filter(|(rest, _)| matches!(*rest, "" | "_bucket"));
    let labels = labels.flat_map(|(_, labels)| labels.split('"').step_by(2));
    let labels = labels.filter_map(|label| label.trim_start_matches(',').strip_suffix('='));
    labels.filter(|label| *label != "le").map(str::to_owned).collect()
}

/// Every metric in the tables of docs/metrics.md.
fn documented() -> BTreeMap<String, Told> {
    let page = fs::read_to_string(root().join("docs/metrics.md")).expect("the page is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `fanfare_"));
    let rows = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, kind, labels, ..] = cells.as_slice() else { panic!("a row is short: {row}") };
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (format!("fanfare_{}", name.trim_end_matches('`')), ((*kind).to_owned(), labels))
    });
    rows.collect()
}

/// The metrics that a text names.
fn named_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("fanfare_"));
    let parts = ["_bucket", "_sum", "_count"];
    let whole =
        |name: &str| parts.iter().find_map(|part| name.strip_suffix(part).map(str::to_owned));
    names.map(|name| whole(name).unwrap_or_else(|| name.to_owned())).collect()
}

/// Has promtool look at an answer.
#[track_caller]
fn lint(text: &str) {
    let Some(promtool) = prometheus("promtool") else { return };
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut check = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut input = check.stdin.take().expect("it is piped");
    input.write_all(text.as_bytes()).expect("promtool reads");
    drop(input);
    let output = check.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn every_metric_is_in_the_list_and_there_before_the_first_event() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let authority = Authority::new("a");
    let home = home_with(&sink).speaking_tls(&authority);
    let daemon = home.start();
    let text = metrics_of(&daemon);
    let (exposed, documented) = (exposed(&text), documented());
    let names: BTreeSet<_> = exposed.keys().chain(documented.keys()).collect();
    let told = names.into_iter().map(|name| (name, exposed.get(name), documented.get(name)));
    let wrong: Vec<_> = told.filter(|(_, shown, listed)| shown != listed).collect();
    assert!(wrong.is_empty(), "/metrics and docs/metrics.md do not say the same: {wrong:#?}");
    for line in text.lines().filter(|line| line.starts_with("# HELP fanfare_")) {
        assert!(line.ends_with('.'), "{line}");
    }
    let counted = text.lines().filter(|line| line.starts_with("fanfare_"));
    for line in counted.filter(|line| line.contains("_total")) {
        assert!(line.ends_with(" 0"), "{line}");
    }
    lint(&text);
}

#[test]
fn alerts_and_dashboards_name_no_metric_that_is_not_there() {
    let known: BTreeSet<_> = documented().into_keys().collect();
    for folder in ["config/prometheus", "config/grafana"] {
        for file in fs::read_dir(root().join(folder)).expect("the folder is there") {
            let path = file.expect("the folder is readable").path();
            let text = fs::read_to_string(&path).expect("it is a text");
            let unknown: Vec<_> = named_in(&text).difference(&known).cloned().collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
        }
    }
}

#[test]
fn what_happened_to_each_event_is_counted_once() {
    let sink = Sink::bind(0).expect("loopback has a port");
    sink.one("measured", Script::poisoned(|body| body.contains("bad")));
    let home = home_with(&sink);
    let daemon = home.start();
    for key in ["a", "b", "c", "bad", "d"] {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
    daemon.accepts(&minio("ObjectRemoved:Delete", "photos", "a"));
    daemon.post(b"{\"no\":\"event\"}", &[]);
    daemon.post(b"no JSON", &[]);
    until("everything is settled", SOON, || {
        let settled = is(&daemon, "fanfare_deliveries_total", &[], 4.0)
            && is(&daemon, "fanfare_books_dead", &[], 1.0)
            && is(&daemon, "fanfare_pending", &[], 0.0);
        settled.then_some(())
    });
    for (name, labels, value) in [
        ("fanfare_events_received_total", "", 7.0),
        ("fanfare_events_matched_total", "", 5.0),
        ("fanfare_events_unmatched_total", "", 1.0),
        ("fanfare_events_quarantined_total", "", 1.0),
        ("fanfare_events_duplicate_total", "", 0.0),
        ("fanfare_quarantine_rows", "", 1.0),
        ("fanfare_ingest_requests_total", "status=\"200\"", 7.0),
        ("fanfare_ingest_requests_total", "status=\"400\"", 1.0),
        ("fanfare_accept_duration_seconds_count", "", 8.0),
        ("fanfare_accept_duration_seconds_bucket", "le=\"+Inf\"", 8.0),
        ("fanfare_delivery_delay_seconds_count", QUEUE, 4.0),
        ("fanfare_delivery_delay_seconds_bucket", "le=\"86400\"", 4.0),
        ("fanfare_dead_letters_total", "class=\"poison\"", 1.0),
        ("fanfare_dead_letters_total", "", 1.0),
        ("fanfare_attempts_failed_total", "class=\"poison\"", 1.0),
        ("fanfare_books_accepted", QUEUE, 5.0),
        ("fanfare_books_delivered", QUEUE, 4.0),
        ("fanfare_books_imbalance", QUEUE, 0.0),
        ("fanfare_lane_state", "state=\"delivering\"", 1.0),
        ("fanfare_journal_refusing", "", 0.0),
        ("fanfare_journal_limit_bytes", "", 10_737_418_240.0),
        ("fanfare_build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1.0),
    ] {
        assert!(is(&daemon, name, &[labels], value), "{name}{{{labels}}} is not {value}");
    }
    for (name, at_least) in [
        ("fanfare_attempt_duration_seconds_count", 2.0),
        ("fanfare_journal_commit_duration_seconds_count", 5.0),
        ("fanfare_journal_bytes", 5.0),
        ("fanfare_journal_segments", 1.0),
        ("fanfare_dead_letters_bytes", 1.0),
        ("fanfare_quarantine_bytes", 1.0),
        ("process_resident_memory_bytes", 1.0),
        ("process_open_fds", 1.0),
    ] {
        assert!(daemon.metric(name, &[]) >= at_least, "{name}");
    }
    lint(&daemon.ask("metrics").text);
}

#[test]
fn which_configuration_is_in_force_is_told_and_what_was_refused() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    let becomes = |name: &str, value: f64| {
        until(name, SOON, || is(&daemon, name, &[], value).then_some(()));
    };
    becomes("fanfare_documents", 1.0);
    becomes("fanfare_config_generation", 1.0);
    let applied = daemon.metric("fanfare_config_applied_timestamp_seconds", &[]);

    home.document("videos", &rules(&[rule("uploads", QUEUE, &["s3:ObjectCreated:*"])]));
    becomes("fanfare_documents", 2.0);
    becomes("fanfare_config_generation", 2.0);
    assert!(daemon.metric("fanfare_config_applied_timestamp_seconds", &[]) > applied);

    home.document_text("videos.json", "{");
    becomes("fanfare_documents_broken", 1.0);
    becomes("fanfare_documents_rejected_total", 1.0);
    becomes("fanfare_config_generation", 2.0);

    let settings = home.settings_file();
    fs::write(&settings, "region = ").expect("the home is writable");
    daemon.signal("HUP");
    becomes("fanfare_config_reload_failed", 1.0);
    becomes("fanfare_config_generation", 2.0);
    home.settings_file();
    daemon.signal("HUP");
    becomes("fanfare_config_generation", 3.0);
    becomes("fanfare_config_reload_failed", 0.0);
}

#[test]
fn requests_of_the_s3_api_are_counted_by_operation() {
    let home = Home::without_aws();
    let daemon = home.start();
    for path in ["photos?notification", "photos?acl"] {
        let refused = ureq::get(format!("{}/{path}", home.url("s3"))).call();
        assert!(matches!(refused, Err(ureq::Error::StatusCode(403))), "nobody signed it");
    }
    for operation in ["GetBucketNotificationConfiguration", "other"] {
        let labels = [&*format!("operation=\"{operation}\""), "status=\"403\""];
        assert!(is(&daemon, "fanfare_s3_requests_total", &labels, 1.0), "{operation}");
    }
    assert!(is(&daemon, "fanfare_s3_requests_total", &[], 2.0));
}
