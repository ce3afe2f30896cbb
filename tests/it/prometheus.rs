//! What operators watch fanfare with: Prometheus, the shipped alert rules, and the shipped dashboard.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::Path,
    process::Command,
};

use regex::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{Agent, tls::TlsConfig};

use crate::harness::{
    Authority, Daemon, Fault, Home, Process, SOON, Script, Sink, free_port, minio, prometheus,
    root, rule, rules, until,
};

const TOKEN: &str = "s3cr3t";
const FINE: &str = "arn:aws:sqs:us-east-1:123456789012:fine";
const GONE: &str = "arn:aws:sqs:us-east-1:123456789012:gone";

/// A running Prometheus, and its directory.
struct Prometheus {
    url: String,
    agent: Agent,
    _process: Process,
    _dir: TempDir,
}

impl Prometheus {
    /// Starts one with the shipped settings and rules; only what a user has to fill in is filled in.
    fn watching(program: &Path, home: &Home) -> Self {
        let dir = tempfile::tempdir().expect("the temporary directory is writable");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).expect("the temporary directory is writable");
            path.to_string_lossy().into_owned()
        };
        let settings = shipped("prometheus/prometheus.yml")
            .replace("    # authorization", "    authorization")
            .replace(
                "    #   credentials_file: /etc/prometheus/fanfare.token",
                "      credentials_file: fanfare.token",
            )
            .replace("    # scheme", "    scheme")
            .replace("    # tls_config", "    tls_config")
            .replace(
                "    #   ca_file: /etc/prometheus/fanfare-ca.crt",
                "      ca_file: fanfare-ca.crt",
            )
            .replace("127.0.0.1:9712", home.address("admin"))
            .replace("15s", "1s");
        write("alerts.yml", &shipped("prometheus/alerts.yml"));
        write("fanfare.token", TOKEN);
        let authority = fs::read_to_string(home.path("ca.crt")).expect("the home speaks TLS");
        write("fanfare-ca.crt", &authority);
        let settings = write("prometheus.yml", &settings);
        let address = format!("127.0.0.1:{}", free_port());
        let log =
            File::create(dir.path().join("log")).expect("the temporary directory is writable");
        let process = Process::start(program, |command| {
            command.arg(format!("--config.file={settings}")).stderr(log);
            command.arg(format!("--web.listen-address={address}"));
            command.arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()));
        });
        let agent = agent(TlsConfig::default());
        let this = Self { url: format!("http://{address}"), agent, _process: process, _dir: dir };
        until("Prometheus is ready", SOON, || {
            this.agent
                .get(format!("{}/-/ready", this.url))
                .call()
                .ok()?
                .status()
                .is_success()
                .then_some(())
        });
        this
    }

    /// What it answers to this question of its API.
    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let mut question = self.agent.get(format!("{}/api/v1/{path}", self.url));
        for (name, value) in parameters {
            question = question.query(name, value);
        }
        let answer = question.call().expect("Prometheus answers").body_mut().read_json::<Value>();
        let answer = answer.expect("it answers with JSON");
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        answer["data"].clone()
    }

    /// How many series the expression has now that have a value.
    fn count(&self, expression: &str) -> usize {
        let data = self.ask("query", &[("query", expression)]);
        let series = data["result"].as_array().expect("a query has a result");
        series.iter().filter(|series| series["value"][1] != "NaN").count()
    }

    /// The names of all that it scraped.
    fn names(&self) -> BTreeSet<String> {
        let names = self.ask("label/__name__/values", &[]);
        let names = names.as_array().expect("names are a list").iter();
        names.map(|name| name.as_str().expect("a name is a text").to_owned()).collect()
    }
}

/// A client that takes any status for an answer.
fn agent(tls: TlsConfig) -> Agent {
    let config = Agent::config_builder().timeout_global(Some(SOON)).http_status_as_error(false);
    config.tls_config(tls).build().into()
}

/// The text of a file below `config`.
fn shipped(file: &str) -> String {
    fs::read_to_string(root().join("config").join(file)).expect("the file is shipped")
}

fn dashboard() -> Value {
    serde_json::from_str(&shipped("grafana/fanfare.json")).expect("the dashboard is JSON")
}

/// The panels that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().expect("a dashboard has panels");
    panels.iter().filter(|panel| panel["type"] != "row").collect()
}

/// What a panel asks, for all that there is.
fn questions(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().expect("a panel has targets").iter();
    targets.map(|target| filled_in(&target["expr"])).collect()
}

fn filled_in(expression: &Value) -> String {
    let expression = expression.as_str().expect("an expression is a text");
    let filled = expression.replace("$__rate_interval", "15s");
    let filled = filled.replace("$instance", ".*").replace("$destination", ".*");
    assert!(!filled.contains('$'), "a variable that the test does not know: {filled}");
    filled
}

/// Every name that fits in this text.
fn found(text: &str, pattern: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("the pattern is valid");
    pattern.captures_iter(text).map(|captures| captures[1].to_owned()).collect()
}

/// Runs promtool on a file below `config/prometheus`.
fn promtool(arguments: &[&str]) {
    let Some(promtool) = prometheus("promtool") else { return };
    let mut run = Command::new(promtool);
    let output = run.args(arguments).current_dir(root().join("config/prometheus")).output();
    let output = output.expect("promtool starts");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    promtool(&["test", "rules", "alerts_test.yml"]);
}

#[test]
fn the_rules_and_the_settings_are_valid() {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"]);
    promtool(&["check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"]);
}

#[test]
fn every_alert_has_a_test_and_a_runbook() {
    let alerts = shipped("prometheus/alerts.yml");
    let tested = found(&shipped("prometheus/alerts_test.yml"), r#"alertname="(\w+)""#);
    assert_eq!(found(&alerts, r"- alert: (\w+)"), tested);
    let guide = fs::read_to_string(root().join("docs/operate.md")).expect("the guide is there");
    let anchor = |heading: &String| {
        let heading = heading.to_lowercase().replace(' ', "-");
        heading.replace(|c: char| !c.is_alphanumeric() && c != '-', "")
    };
    let anchors: BTreeSet<_> = found(&guide, r"(?m)^## (.*)$").iter().map(anchor).collect();
    for alert in alerts.split("- alert: ").skip(1) {
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(alert.contains(part), "no {part}in {alert}");
        }
        let runbook = found(alert, r"runbook: docs/operate.md#(\S+)");
        assert!(!runbook.is_empty() && runbook.is_subset(&anchors), "no such heading: {alert}");
    }
}

#[test]
fn the_dashboard_is_as_grafana_would_write_it_and_explains_itself() {
    let dashboard = dashboard();
    let written = serde_json::to_string_pretty(&dashboard).expect("JSON can be written") + "\n";
    assert!(written == shipped("grafana/fanfare.json"), "keys in order, two spaces: jq -S .");
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels(&dashboard) {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_u64()), "two panels have the id of {title}");
        assert!(panel["description"].as_str().is_some_and(|words| words.ends_with('.')), "{title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        let targets = panel["targets"].as_array().expect("a panel has targets");
        let is_named = |target: &Value| target["legendFormat"] != "" || panel["type"] == "stat";
        assert!(targets.iter().all(is_named), "{title} has lines without a name");
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("it is placed"));
        assert!(x + width <= 24, "{title} is out of the grid");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(places.insert(cell), "{title} lies over another");
        }
    }
}

/// A home with a token and certificates, of which one destination takes events and one is gone.
fn guarded(authority: &Authority, sink: &Sink) -> Home {
    let home = Home::sending_to(sink).speaking_tls(authority);
    fs::write(home.path("admin.token"), TOKEN).expect("the home is writable");
    let token = home.path("admin.token").to_string_lossy().into_owned();
    let created = ["s3:ObjectCreated:*"];
    home.document("fine", &rules(&[rule("fine", FINE, &created)]));
    home.document("gone", &rules(&[rule("gone", GONE, &created)]));
    sink.one("gone", Script::always(Fault::Missing));
    sink.one("fine", Script::poisoned(|body| body.contains("poison")));
    home.set("admin", "token_file", token)
}

/// A little of everything that stores and their users do.
fn drive(home: &Home, daemon: &Daemon<'_>, client: &Agent) {
    // Refused, since it is not signed, and counted.
    client.get(format!("{}/fine?notification", home.url("s3"))).call().expect("it answers");
    for bucket in ["fine", "gone", "unwanted"] {
        daemon.accepts(&minio("ObjectCreated:Put", bucket, "a.jpg"));
    }
    daemon.accepts(&json!({ "no": "event" }));
}

#[test]
fn a_prometheus_shows_all_that_rules_and_dashboard_ask_for() {
    let Some(program) = prometheus("prometheus") else { return };
    let (authority, sink) = (Authority::new("operators"), Sink::bind(0).expect("a port is free"));
    let home = guarded(&authority, &sink);
    let daemon = home.start();
    let prometheus = Prometheus::watching(&program, &home);
    until("Prometheus scrapes the daemon", SOON, || {
        (prometheus.count("up{job=\"fanfare\"} == 1") == 1).then_some(())
    });
    let client = agent(authority.trusted());
    let drive = || drive(&home, &daemon, &client);
    drive();
    until("it has seen the destinations", SOON, || {
        (prometheus.count("fanfare_pending") == 2).then_some(())
    });
    daemon.accepts(&minio("ObjectCreated:Put", "fine", "poison"));

    every_panel_has_data(&prometheus, drive);
    every_rule_can_be_evaluated(&prometheus);
    every_name_is_exposed(&prometheus);
    a_dead_letter_is_told_in_words(&prometheus);
}

fn every_panel_has_data(prometheus: &Prometheus, drive: impl Fn()) {
    let dashboard = dashboard();
    let annotations = dashboard["annotations"]["list"].as_array().expect("there are some").iter();
    let annotations = annotations.map(|it| (&it["name"], vec![filled_in(&it["expr"])]));
    let shown = panels(&dashboard).into_iter().map(|panel| (&panel["title"], questions(panel)));
    for (title, questions) in shown.chain(annotations) {
        for question in questions {
            until(&format!("{title} shows something: {question}"), SOON, || {
                drive();
                (prometheus.count(&question) > 0).then_some(())
            });
        }
    }
}

fn every_rule_can_be_evaluated(prometheus: &Prometheus) {
    let rules = until("every rule is evaluated", SOON, || {
        let rules = prometheus.ask("rules", &[])["groups"][0]["rules"].clone();
        let rules = rules.as_array().expect("the rules are loaded").clone();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    });
    assert_eq!(rules.len(), shipped("prometheus/alerts.yml").matches("- alert: ").count());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

fn every_name_is_exposed(prometheus: &Prometheus) {
    let exposed = prometheus.names();
    for file in ["prometheus/alerts.yml", "grafana/fanfare.json"] {
        let used = found(&shipped(file), r"\b((?:fanfare|process)_[a-z_0-9]+)\b");
        let unknown: Vec<_> = used.difference(&exposed).collect();
        assert!(unknown.is_empty(), "{file} asks for what nobody exposes: {unknown:?}");
    }
}

fn a_dead_letter_is_told_in_words(prometheus: &Prometheus) {
    until("the alert says whose dead letter it is", SOON, || {
        let alerts = prometheus.ask("alerts", &[]);
        let alerts = alerts["alerts"].as_array().expect("alerts are a list");
        let summary = alerts.iter().find_map(|alert| {
            let is_it = alert["labels"]["alertname"] == "FanfareDeadLettersGrow";
            (is_it && alert["state"] == "firing").then(|| alert["annotations"]["summary"].clone())
        })?;
        assert_eq!(summary, format!("{FINE} has new dead letters, 1 in all"));
        Some(())
    });
}
