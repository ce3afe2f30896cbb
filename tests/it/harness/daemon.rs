//! The real binary, running.

use std::{
    fs::File,
    path::Path,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use serde_json::Value;
use ureq::{Agent, Body, http, tls::TlsConfig};

use super::{Home, Process, SOON, until};

/// The binary.
pub(crate) const FANFARE: &str = env!("CARGO_BIN_EXE_fanfare");

/// A running `fanfare serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Daemon<'home> {
    home: &'home Home,
    process: Process,
    agent: Agent,
}

/// What the daemon answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `Retry-After`, if any.
    pub(crate) retry_after: Option<String>,
    /// The body.
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the body is JSON")
    }
}

impl<'home> Daemon<'home> {
    /// Starts it under a launcher, which takes the daemon's command line behind its own, and with
    /// these variables.
    pub(super) fn start(
        home: &'home Home,
        launcher: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let settings = home.settings_file();
        let log = File::options().create(true).append(true).open(home.path("log"));
        let log = log.expect("the home is writable");
        let line = [launcher, &[env!("CARGO_BIN_EXE_fanfare"), "serve", "--config"]].concat();
        let process = Process::start(line[0], |command| {
            command.args(&line[1..]).arg(settings).stderr(log);
            aws_environment(command);
            command.envs(environment.iter().copied());
        });
        Self { home, process, agent: agent(home.tls.clone()) }
    }

    /// Waits until it takes events.
    #[track_caller]
    pub(crate) fn wait_ready(&self) {
        until("the daemon is ready", SOON, || {
            let answer = self.agent.get(format!("{}/readyz", self.home.url("admin"))).call();
            answer.is_ok_and(|answer| answer.status() == 200).then_some(())
        });
    }

    /// What `/readyz` says.
    pub(crate) fn readyz(&self) -> Answer {
        self.ask("readyz")
    }

    /// The sum of a counter or gauge over its label sets that contain these texts.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let metrics = self.ask("metrics").text;
        let samples = metrics.lines().filter_map(|line| line.rsplit_once(' '));
        samples
            .filter(|(series, _)| series.split('{').next() == Some(name))
            .filter(|(series, _)| labels.iter().all(|label| series.contains(label)))
            .map(|(_, value)| value.parse::<f64>().expect("a sample is a number"))
            .sum()
    }

    /// Posts a body and expects 200.
    #[track_caller]
    pub(crate) fn accepts(&self, body: &Value) -> Answer {
        let answer = self.post(body.to_string().as_bytes(), &[]);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Posts a body with these headers.
    #[track_caller]
    pub(crate) fn post(&self, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        self.try_post(body, headers).expect("the daemon answers")
    }

    /// Posts a body to a daemon that may be gone.
    pub(crate) fn try_post(
        &self,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        self.send("application/json", body, headers)
    }

    /// Posts several documents, one a line.
    #[track_caller]
    pub(crate) fn post_lines(&self, lines: &str) -> Answer {
        self.send("application/x-ndjson", lines.as_bytes(), &[]).expect("the daemon answers")
    }

    fn send(
        &self,
        content_type: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(self.events_url("/store")).content_type(content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send(body)?)
    }

    /// Asks the events port for a path without sending an event: `HEAD` or `GET`.
    pub(crate) fn probe(&self, method: &str) -> Answer {
        let request = http::Request::builder().method(method).uri(self.events_url("/"));
        let request = request.body(()).expect("the request is well-formed");
        answer(self.agent.run(request).expect("the daemon answers")).expect("the body arrives")
    }

    /// Where stores post to.
    pub(crate) fn events_url(&self, path: &str) -> String {
        format!("{}{path}", self.home.url("events"))
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for the end; says how it ended, and how long that took.
    #[track_caller]
    pub(crate) fn ended(self, deadline: Duration) -> (ExitStatus, Duration) {
        let start = Instant::now();
        (self.process.wait(deadline), start.elapsed())
    }

    /// Stops it as a service manager does, and expects success.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let (status, _) = self.ended(SOON);
        assert_eq!(status.code(), Some(0), "SIGTERM is no failure");
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Has the admin port of a daemon that may be gone do something.
    pub(crate) fn tell(&self, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}/{path}", self.home.url("admin")));
        answer(request.content_type("application/json").send(body.to_string())?)
    }

    /// Asks the admin port.
    pub(crate) fn ask(&self, path: &str) -> Answer {
        self.ask_with(path, &[])
    }

    /// Asks the admin port with these headers.
    pub(crate) fn ask_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}/{path}", self.home.url("admin")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call().expect("the daemon answers")).expect("the body arrives")
    }

    /// Talks to the daemon in this way from now on, and over new connections.
    pub(crate) fn over(mut self, tls: TlsConfig) -> Self {
        self.agent = agent(Some(tls));
        self
    }
}

/// A client that takes any status for an answer.
fn agent(tls: Option<TlsConfig>) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(SOON));
    let config = config.tls_config(tls.unwrap_or_default());
    config.build().into()
}

/// Runs `fanfare check` on the home's settings, and on these files if any; its exit code, and all
/// that it printed.
pub(crate) fn check(home: &Home, files: &[&Path]) -> (Option<i32>, String) {
    fanfare("check", &home.settings_file(), files)
}

/// Runs `fanfare serve` on settings that it must refuse.
pub(crate) fn serve_refuses(settings: &Path) -> (Option<i32>, String) {
    fanfare("serve", settings, &[])
}

/// Runs `fanfare explain` with these arguments; its exit code, what it answered, and what it
/// complained of.
pub(crate) fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    command(&[&["explain"], arguments].concat())
}

/// Runs a command that asks the home's daemon; its exit code, what it answered, and what it
/// complained of.
pub(crate) fn ask(home: &Home, arguments: &[&str]) -> (Option<i32>, String, String) {
    command(&[arguments, &["--admin", &home.url("admin")]].concat())
}

/// Runs fanfare with these arguments; its exit code, what it answered, and what it complained of.
pub(crate) fn command(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut run = Command::new("timeout");
    run.args(["--signal=KILL", "60", env!("CARGO_BIN_EXE_fanfare")]);
    aws_environment(&mut run);
    let output = run.args(arguments).output().expect("timeout (coreutils) starts");
    let text = |bytes| String::from_utf8(bytes).expect("fanfare prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn fanfare(command: &str, settings: &Path, files: &[&Path]) -> (Option<i32>, String) {
    let mut run = Command::new("timeout");
    run.args(["--signal=KILL", "30", env!("CARGO_BIN_EXE_fanfare"), command, "--config"]);
    aws_environment(&mut run);
    let output = run.arg(settings).args(files).output().expect("timeout (coreutils) starts");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).expect("fanfare prints UTF-8"))
}

/// Nothing of the caller's environment reaches the daemon, so that a test means the same anywhere.
fn aws_environment(command: &mut Command) {
    command.env_clear().envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
}

fn answer(mut response: http::Response<Body>) -> Result<Answer, ureq::Error> {
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().expect("it is ASCII").to_owned());
    let status = response.status().as_u16();
    Ok(Answer { status, retry_after, text: response.body_mut().read_to_string()? })
}
