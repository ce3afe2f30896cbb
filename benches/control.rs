//! The two calls of the S3 API, on the real binary and on moto: how long one takes, and how many a
//! second there are.
//!
//! The client is the same for both: raw HTTP over connections that stay open, each request signed
//! before its clock starts. Destinations are not validated. What differs is what a 200 means: moto
//! keeps the configuration in memory, fanfare has it on stable storage and in force. Rates on a
//! shared machine swing, so the ratios count. `cargo bench --bench control`; without `--bench` it
//! does one tiny pass.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "dispatch/daemon.rs"]
#[expect(dead_code, reason = "the bench of the whole way uses the rest")]
mod daemon;
#[path = "../tests/it/harness"]
#[expect(dead_code, reason = "the tests use the rest")]
mod harness {
    mod components;
    mod ports;
    mod process;
    mod wait;

    pub(crate) use components::python;
    pub(crate) use ports::free_port;
    pub(crate) use process::Process;
    pub(crate) use wait::{SOON, until};
}

use std::{
    net::SocketAddr,
    process::Stdio,
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, ensure};
use aws_sdk_sqs::config::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use daemon::Daemon;
use harness::{Process, SOON, free_port, python, until};
use ureq::{Agent, http};

/// Nothing listens here: nobody may be asked.
const DEAD: &str = "http://127.0.0.1:9";

/// One thing to measure, on both servers.
#[derive(Clone, Copy, Debug)]
struct Row {
    name: &'static str,
    method: &'static str,
    rules: usize,
    /// Each has a bucket of its own.
    connections: usize,
}

#[rustfmt::skip]
const ROWS: [Row; 6] = [
    Row { name: "GET, 1 rule", method: "GET", rules: 1, connections: 1 },
    Row { name: "GET, 100 rules", method: "GET", rules: 100, connections: 1 },
    Row { name: "GET, 1 rule", method: "GET", rules: 1, connections: 8 },
    Row { name: "PUT, 1 rule", method: "PUT", rules: 1, connections: 1 },
    Row { name: "PUT, 100 rules", method: "PUT", rules: 100, connections: 1 },
    Row { name: "PUT, 1 rule", method: "PUT", rules: 1, connections: 8 },
];

/// What came out of one row on one server.
#[derive(Clone, Copy, Debug)]
struct Run {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

fn main() -> anyhow::Result<()> {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let time = Duration::from_millis(if measured { 4000 } else { 20 });
    let daemon = Daemon::start(DEAD, &[])?;
    let (moto, _process) = start_moto();
    println!(
        "{:<16}{:>6}{:>10}{:>10}{:>10}{:>12}{:>12}{:>12}{:>10}",
        "", "conns", "req/s", "p50 us", "p99 us", "moto req/s", "moto p50", "moto p99", "x moto"
    );
    for row in &ROWS {
        let [fanfare, peer] = [daemon.s3(), moto].map(|server| measure(row, server, time));
        print(row, &fanfare?, &peer?);
    }
    Ok(())
}

/// A moto server with the buckets of all connections.
fn start_moto() -> (SocketAddr, Process) {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let process = Process::start(python(), |command| {
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &address.port().to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
    });
    until("moto answers", SOON, || ureq::get(format!("http://{address}/moto-api/")).call().ok());
    make_queue(address);
    for row in &ROWS {
        for connection in 0..row.connections {
            let bucket = format!("/{}", bucket(connection));
            let made = send(&agent(), "PUT", address, &bucket, "");
            made.expect("moto makes a bucket");
        }
    }
    (address, process)
}

/// moto looks for the queue even if it is told not to validate.
fn make_queue(moto: SocketAddr) {
    let sqs = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/sqs/aws4_request";
    ureq::post(format!("http://{moto}/"))
        .header("authorization", sqs)
        .header("x-amz-target", "AmazonSQS.CreateQueue")
        .content_type("application/x-amz-json-1.0")
        .send(r#"{"QueueName":"queue"}"#)
        .expect("moto makes a queue");
}

fn bucket(connection: usize) -> String {
    format!("photos-{connection}")
}

/// Rules that do not overlap. moto takes the name of a filter rule in lower case only.
fn document(rules: usize) -> String {
    let rule = |n| {
        format!(
            "<QueueConfiguration><Id>rule-{n}</Id><Filter><S3Key><FilterRule><Name>prefix</Name>\
             <Value>uploads/{n}/</Value></FilterRule></S3Key></Filter>\
             <Queue>arn:aws:sqs:us-east-1:123456789012:queue</Queue>\
             <Event>s3:ObjectCreated:*</Event></QueueConfiguration>"
        )
    };
    let rules: String = (0..rules).map(rule).collect();
    format!(
        "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{rules}\
         </NotificationConfiguration>"
    )
}

fn measure(row: &Row, server: SocketAddr, time: Duration) -> anyhow::Result<Run> {
    let begin = Instant::now();
    let latencies = thread::scope(|scope| {
        let connections: Vec<_> = (0..row.connections)
            .map(|connection| scope.spawn(move || call(row, server, &bucket(connection), time)))
            .collect();
        let joined =
            connections.into_iter().map(|c| c.join().expect("a connection fails by value"));
        joined.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let took = begin.elapsed();
    let mut latencies = latencies.concat();
    latencies.sort_unstable();
    let [p50, p99] = [50, 99]
        .map(|percent| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default());
    let count = u32::try_from(latencies.len()).context("the run was too long")?;
    Ok(Run { per_second: f64::from(count) / took.as_secs_f64(), p50, p99 })
}

/// Calls again and again on one connection; how long each call took.
fn call(
    row: &Row,
    server: SocketAddr,
    bucket: &str,
    time: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let agent = agent();
    let path = format!("/{bucket}?notification");
    let document = document(row.rules);
    send(&agent, "PUT", server, &path, &document)?;
    let sent = if row.method == "PUT" { document.as_str() } else { "" };
    let (begin, mut latencies) = (Instant::now(), Vec::new());
    while latencies.is_empty() || begin.elapsed() < time {
        latencies.push(send(&agent, row.method, server, &path, sent)?);
    }
    Ok(latencies)
}

/// A client that keeps its connection, and takes a refusal for an answer.
fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(SOON)).build().into()
}

/// Signs and sends one request, and reads its answer; how long the sending and reading took.
fn send(
    agent: &Agent,
    method: &str,
    server: SocketAddr,
    path: &str,
    body: &str,
) -> anyhow::Result<Duration> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("http://{server}{path}"))
        .header("host", server.to_string())
        .header("x-amz-skip-destination-validation", "true")
        .body(body.to_owned())?;
    sign_as_bench(&mut request)?;
    let begin = Instant::now();
    let mut answer =
        if method == "GET" { agent.run(request.map(|_| ()))? } else { agent.run(request)? };
    let text = answer.body_mut().read_to_string()?;
    let took = begin.elapsed();
    let complete = method == "PUT" || text.contains("<QueueConfiguration>");
    ensure!(answer.status() == 200 && complete, "{method} {server}{path}: {text}");
    Ok(took)
}

fn sign_as_bench(request: &mut http::Request<String>) -> anyhow::Result<()> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = Credentials::new("bench", "bench", None, None, "bench").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(now())
        .settings(settings)
        .build()?
        .into();
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let headers = request.headers().iter();
    let headers: Vec<_> =
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let body = SignableBody::Bytes(request.body().as_bytes());
    let signable = SignableRequest::new(&method, &uri, headers.into_iter(), body)?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a signature has the time of day")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn print(row: &Row, fanfare: &Run, moto: &Run) {
    println!(
        "{:<16}{:>6}{:>10.0}{:>10.0}{:>10.0}{:>12.0}{:>12.0}{:>12.0}{:>10.1}",
        row.name,
        row.connections,
        fanfare.per_second,
        micros(fanfare.p50),
        micros(fanfare.p99),
        moto.per_second,
        micros(moto.p50),
        micros(moto.p99),
        fanfare.per_second / moto.per_second,
    );
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
