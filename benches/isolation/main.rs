//! What a healthy queue loses by its neighbours: alone, beside three healthy destinations, and
//! beside three sick ones: a queue that takes requests and never answers, one that throttles half
//! of them, and a topic that refuses connections.
//!
//! Throughput is that of a backlog, to a queue that is 50 ms away: what bounds it is the requests that
//! its lane has in flight, not the cores, which stores, daemon and destinations share. Every number
//! is the best of some rounds. `cargo bench --bench isolation`; without `--bench` it does one tiny pass.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "../dispatch/arrivals.rs"]
mod arrivals;
#[path = "../../tests/aws/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod aws;
#[path = "../dispatch/daemon.rs"]
#[expect(dead_code, reason = "the other benches use the rest")]
mod daemon;
#[path = "../../tests/it/harness"]
#[expect(dead_code, reason = "the tests use the rest")]
mod harness {
    mod ports;
    mod process;
    mod wait;

    pub(crate) use ports::free_port;
    pub(crate) use process::Process;
    pub(crate) use wait::{SOON, until};
}
#[path = "../dispatch/load.rs"]
#[expect(dead_code, reason = "the other benches use the rest")]
mod load;

use std::time::Duration;

use arrivals::Arrivals;
use aws::{
    Endpoint, Entry,
    record::Record,
    script::{Fault, Script},
};
use daemon::{Daemon, Home, document};
use harness::until;
use load::{Load, Posted, Schedule, post};
use serde_json::{Value, json};

const ROUNDS: usize = 3;
/// Nothing listens here: a connection is refused at once.
const DEAD: &str = "http://127.0.0.1:9";
const BUCKET: &str = "photos";
const HEALTHY: &str = "queue-0";
/// The round trip when throughput is measured.
const AWAY: Duration = Duration::from_millis(50);
const EVENTS_PER_REQUEST: u64 = 500;
/// Long enough for a machine that is busy with something else.
const ALL_ARRIVED: Duration = Duration::from_mins(2);

/// Who else gets the events.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Neighbours {
    None,
    Healthy,
    Sick,
}

/// What the healthy queue gets.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// Messages a second, of a backlog.
    delivered: f64,
    /// From when a store has an event to its arrival, at a steady thousand a second.
    arrival: [Duration; 2],
}

/// Only what the healthy queue gets counts.
#[derive(Debug, Default)]
struct OfHealthy(Arrivals);

impl Record for OfHealthy {
    fn arrived<'a>(&mut self, destination: &str, entries: impl Iterator<Item = &'a Entry<'a>>) {
        if destination == HEALTHY {
            self.0.arrived(destination, entries);
        }
    }
}

fn main() -> anyhow::Result<()> {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (rounds, time, events) = if measured { (ROUNDS, 4000, 60_000) } else { (1, 50, 1000) };
    let time = Duration::from_millis(time);
    let rows = [
        ("alone", Neighbours::None),
        ("beside three healthy", Neighbours::Healthy),
        ("beside three sick", Neighbours::Sick),
    ];
    let mut best = [Run::default(); 3];
    for _ in 0..rounds {
        for ((_, neighbours), best) in rows.iter().zip(&mut best) {
            let run = measure(*neighbours, time, events)?;
            best.delivered = best.delivered.max(run.delivered);
            if best.arrival[1].is_zero() || run.arrival[1] < best.arrival[1] {
                best.arrival = run.arrival;
            }
        }
    }
    println!(
        "{:<24}{:>13}{:>9}{:>9}{:>9}{:>9}",
        "the healthy queue", "delivered/s", "x alone", "p50 us", "p99 us", "x alone"
    );
    let [alone, ..] = best;
    for ((name, _), run) in rows.iter().zip(&best) {
        let [p50, p99] = run.arrival.map(micros);
        let (rate, slower) = (run.delivered / alone.delivered, p99 / micros(alone.arrival[1]));
        println!("{name:<24}{:>13.0}{rate:>9.2}{p50:>9.0}{p99:>9.0}{slower:>9.2}", run.delivered);
    }
    Ok(())
}

fn measure(neighbours: Neighbours, time: Duration, events: u64) -> anyhow::Result<Run> {
    let aws = Endpoint::<OfHealthy>::bind(0)?;
    if neighbours == Neighbours::Sick {
        aws.one("queue-1", Script::always(Fault::Silence));
        aws.one("queue-2", Script::sometimes(0.5, Fault::Throttled));
    }
    let topic = if neighbours == Neighbours::Sick { DEAD.to_owned() } else { aws.url() };
    let settings = json!({ "endpoint_url": aws.url(), "sns": { "endpoint_url": topic } });
    let home = Home::new(&settings, &[(BUCKET, rules(neighbours))])?;
    let daemon = home.start()?;
    let arrival = steady(&daemon, &aws, time)?;

    aws.all(Script::after(AWAY));
    let load = Load {
        bucket: BUCKET,
        connections: 4,
        events_per_request: EVENTS_PER_REQUEST,
        schedule: Schedule::Closed,
        time: ALL_ARRIVED,
        requests_max: events / EVENTS_PER_REQUEST,
    };
    let posted = post(daemon.events(), load)?;
    let arrivals = arrived(&aws, &posted);
    let took = arrivals.last.map_or(Duration::MAX, |last| last - posted.begin);
    Ok(Run { delivered: float(arrivals.messages) / took.as_secs_f64(), arrival })
}

/// Median and 99th percentile from when a store has an event to its arrival.
fn steady(
    daemon: &Daemon,
    aws: &Endpoint<OfHealthy>,
    time: Duration,
) -> anyhow::Result<[Duration; 2]> {
    let interval = Duration::from_millis(1);
    let load = Load {
        bucket: BUCKET,
        connections: 64,
        events_per_request: 1,
        schedule: Schedule::Every(interval),
        time,
        requests_max: u64::MAX,
    };
    let posted = post(daemon.events(), load)?;
    let arrivals = arrived(aws, &posted);
    let dues = (0..).map(|intervals| posted.begin + interval * intervals);
    let first = arrivals.first.iter().flatten().zip(dues);
    let mut latencies: Vec<Duration> = first.map(|(at, due)| *at - due).collect();
    latencies.sort_unstable();
    let percentile = |percent| latencies.get(latencies.len() * percent / 100).copied();
    Ok([50, 99].map(|percent| percentile(percent).unwrap_or_default()))
}

/// One queue, and with neighbours two more and a topic.
fn rules(neighbours: Neighbours) -> Value {
    if neighbours == Neighbours::None {
        return document(1);
    }
    let mut rules = document(3);
    if let Some(rules) = rules.as_object_mut() {
        let topic = "arn:aws:sns:us-east-1:123456789012:topic";
        let rule = json!([{ "Id": "topic", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"] }]);
        rules.insert("TopicConfigurations".into(), rule);
    }
    rules
}

fn arrived(aws: &Endpoint<OfHealthy>, posted: &Posted) -> Arrivals {
    until("every event in the healthy queue", ALL_ARRIVED, || {
        aws.look(|OfHealthy(arrivals)| (arrivals.events >= posted.events).then_some(()))
    });
    aws.reset().0
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn float(count: u64) -> f64 {
    count as f64
}
