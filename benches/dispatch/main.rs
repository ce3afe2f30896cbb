//! The whole way of an event: stores that post, the real binary, and a queue that answers like
//! SQS, all of them on the cores of this machine; beside them what the daemon is held against.
//!
//! Rates on a shared machine swing, ratios swing less: every row is measured once a round, and
//! the best round counts, for the peers too. The journals are in `target/tmp`, so that is the
//! disk that is measured. `cargo bench --bench dispatch`; without `--bench` it does one tiny pass
//! and measures nothing.
#![expect(clippy::print_stdout, reason = "the tables are the result")]

mod arrivals;
#[path = "../../tests/aws/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod aws;
#[expect(dead_code, reason = "the bench of the S3 API uses the rest")]
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
mod load;
mod peers;

use std::time::Duration;

use arrivals::Arrivals;
use daemon::Daemon;
use harness::until;
use load::{Load, Posted, Schedule, post};
use mimalloc::MiMalloc;
use peers::{NullServer, sdk_loop};

/// What plays AWS.
type Sink = aws::Endpoint<Arrivals>;

/// The daemon's allocator, so that its peers have no worse one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: usize = 3;
/// Nothing listens here: a connection is refused at once.
const DEAD: &str = "http://127.0.0.1:9";
/// Long enough for a machine that is busy with something else.
const ALL_ARRIVED: Duration = Duration::from_mins(2);

/// The bucket that a rule names, and one that none does.
const WANTED: &str = "photos";
const UNWANTED: &str = "logs";

/// One thing to measure.
#[derive(Clone, Copy, Debug)]
struct Row {
    name: &'static str,
    bucket: &'static str,
    connections: usize,
    events_per_request: u64,
    target: Target,
}

/// Where the events go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    /// No further than the answer: a server that does nothing else.
    NullServer,
    /// To destinations that are down, or to nobody.
    Dead,
    /// To so many queues.
    Queues(usize),
}

#[rustfmt::skip]
const ROWS: [Row; 15] = [
    Row { name: "null axum handler", ..row(1, Target::NullServer) },
    Row { name: "null axum handler", ..row(64, Target::NullServer) },
    Row { name: "null axum handler", ..row(256, Target::NullServer) },
    Row { name: "no rule matches", bucket: UNWANTED, ..row(64, Target::Dead) },
    Row { name: "no rule matches", bucket: UNWANTED, ..row(256, Target::Dead) },
    Row { name: "no rule matches, NDJSON of 500", bucket: UNWANTED, events_per_request: 500, ..row(4, Target::Dead) },
    Row { name: "dead queue, one store", ..row(1, Target::Dead) },
    Row { name: "dead queue", ..row(64, Target::Dead) },
    Row { name: "dead queue", ..row(256, Target::Dead) },
    Row { name: "dead queue, NDJSON of 500", events_per_request: 500, ..row(4, Target::Dead) },
    Row { name: "one queue, one store", ..row(1, Target::Queues(1)) },
    Row { name: "one queue", ..row(64, Target::Queues(1)) },
    Row { name: "one queue", ..row(256, Target::Queues(1)) },
    Row { name: "one queue, NDJSON of 500", events_per_request: 500, ..row(4, Target::Queues(1)) },
    Row { name: "four queues", ..row(64, Target::Queues(4)) },
];

const fn row(connections: usize, target: Target) -> Row {
    Row { name: "", bucket: WANTED, connections, events_per_request: 1, target }
}

/// What came out of one run of a row.
#[derive(Clone, Debug, Default)]
struct Run {
    /// Events answered 200, a second.
    accepted: f64,
    /// Messages that the sink has, a second, until the last of them; 0 if none was to arrive.
    delivered: f64,
    messages_per_request: f64,
    /// From a request to its answer: median and 99th percentile.
    answer: [Duration; 2],
    /// From when a request was due until its event was in the sink.
    arrival: [Duration; 2],
    /// The daemon's processor time an event, in microseconds.
    processor: f64,
    /// The daemon's resident memory before and after, in MiB.
    resident: [f64; 2],
}

fn main() -> anyhow::Result<()> {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (rounds, time) = if measured { (ROUNDS, 3000) } else { (1, 20) };
    let time = Duration::from_millis(time);
    let (sink, null) = (Sink::bind(0)?, NullServer::start()?);
    let mut best: Vec<Run> = vec![Run::default(); ROWS.len()];
    let (mut sdk, mut steady) = (0_f64, Vec::new());
    for _ in 0..rounds {
        for (row, best) in ROWS.iter().zip(&mut best) {
            let run = measure(row, Schedule::Closed, time, (&sink, &null))?;
            if (run.delivered, run.accepted) > (best.delivered, best.accepted) {
                *best = run;
            }
        }
        steady.push(measure(
            &row(64, Target::Queues(1)),
            Schedule::Every(Duration::from_millis(1)),
            time,
            (&sink, &null),
        )?);
        sdk = sdk.max(sdk_loop(&sink.url(), &sample(&sink)?, time)?);
    }
    print(&best, sdk);
    let steady = steady.into_iter().min_by_key(|run| run.arrival[1]);
    print_steady(&steady.unwrap_or_default());
    Ok(())
}

/// A message as the daemon sends it, for the peer to send the same.
fn sample(sink: &Sink) -> anyhow::Result<String> {
    let daemon = Daemon::start(&sink.url(), &[(WANTED, 1)])?;
    let load = load_of(&row(1, Target::Queues(1)), Schedule::Closed, Duration::from_millis(1));
    arrived(sink, &post(daemon.events(), load)?, 1);
    Ok(sink.reset().sample)
}

fn load_of(row: &Row, schedule: Schedule, time: Duration) -> Load {
    let Row { bucket, connections, events_per_request, .. } = *row;
    let requests_max = u64::MAX;
    Load { bucket, connections, events_per_request, schedule, time, requests_max }
}

fn measure(
    row: &Row,
    schedule: Schedule,
    time: Duration,
    (sink, null): (&Sink, &NullServer),
) -> anyhow::Result<Run> {
    let load = load_of(row, schedule, time);
    let (endpoint, queues) = match row.target {
        Target::NullServer => return Ok(Run::answered(&post(null.address, load)?)),
        Target::Dead => (DEAD.to_owned(), 1),
        Target::Queues(queues) => (sink.url(), queues),
    };
    let daemon = Daemon::start(&endpoint, &[(WANTED, queues)])?;
    sink.reset(); // The peer sends there too.
    let before = daemon.usage()?;
    let posted = post(daemon.events(), load)?;
    let mut run = Run::answered(&posted);
    if let Target::Queues(queues) = row.target {
        arrived(sink, &posted, queues as u64);
        run.add_arrivals(&posted, &sink.reset(), schedule);
    }
    let after = daemon.usage()?;
    run.processor = micros(after.processor.saturating_sub(before.processor)) / float(posted.events);
    run.resident = [before.resident, after.resident].map(|bytes| float(bytes) / 1_048_576.0);
    Ok(run)
}

fn arrived(sink: &Sink, posted: &Posted, queues: u64) {
    until("every event in every queue", ALL_ARRIVED, || {
        let (events, messages) = sink.look(|arrivals| (arrivals.events, arrivals.messages));
        (events >= posted.events && messages >= posted.events * queues).then_some(())
    });
}

impl Run {
    fn answered(posted: &Posted) -> Self {
        Self {
            accepted: float(posted.events) / posted.took.as_secs_f64(),
            answer: percentiles(&posted.latencies),
            ..Self::default()
        }
    }

    fn add_arrivals(&mut self, posted: &Posted, arrivals: &Arrivals, schedule: Schedule) {
        let took = arrivals.last.map_or(Duration::MAX, |last| last - posted.begin);
        self.delivered = float(arrivals.messages) / took.as_secs_f64();
        self.messages_per_request = float(arrivals.messages) / float(arrivals.requests);
        if let Schedule::Every(interval) = schedule {
            let dues = (0..).map(|intervals| posted.begin + interval * intervals);
            let first = arrivals.first.iter().flatten().zip(dues);
            let mut latencies: Vec<Duration> = first.map(|(at, due)| *at - due).collect();
            latencies.sort_unstable();
            self.arrival = percentiles(&latencies);
        }
    }
}

/// Median and 99th percentile of what is in order.
fn percentiles(ascending: &[Duration]) -> [Duration; 2] {
    [50, 99].map(|percent| {
        let place = ascending.len() * percent / 100;
        ascending.get(place).copied().unwrap_or_default()
    })
}

fn print(best: &[Run], sdk: f64) {
    let heads = [
        "conns",
        "accepted/s",
        "x null",
        "delivered/s",
        "x SDK",
        "batch",
        "p50 us",
        "p99 us",
        "cpu us",
        "RSS MiB",
    ];
    print_line("", heads.map(str::to_owned));
    for (row, run) in ROWS.iter().zip(best) {
        let null = ROWS.iter().zip(best).find(|(peer, _)| {
            peer.target == Target::NullServer && peer.connections == row.connections
        });
        let null = null.map_or(0.0, |(_, peer)| run.accepted / peer.accepted);
        let [p50, p99] = run.answer.map(micros);
        let [before, after] = run.resident;
        let cells = [
            row.connections.to_string(),
            number(run.accepted, 0),
            number(null, 2),
            number(run.delivered, 0),
            number(run.delivered / sdk, 2),
            number(run.messages_per_request, 1),
            number(p50, 0),
            number(p99, 0),
            number(run.processor, 1),
            if before > 0.0 { format!("{before:.0} > {after:.0}") } else { String::new() },
        ];
        print_line(row.name, cells);
    }
    let heads = ["", "", "", &number(sdk, 0), "1.00", "10.0", "", "", "", ""];
    print_line("SDK alone, 64 requests in flight", heads.map(str::to_owned));
}

fn print_line(name: &str, cells: [String; 10]) {
    let [conns, accepted, null, delivered, sdk, batch, p50, p99, processor, resident] = cells;
    println!(
        "{name:<32}{conns:>6}{accepted:>11}{null:>8}{delivered:>12}{sdk:>7}{batch:>7}{p50:>8}{p99:>8}{processor:>8}{resident:>12}"
    );
}

fn print_steady(run: &Run) {
    let [[answer_p50, answer_p99], [p50, p99]] =
        [run.answer, run.arrival].map(|times| times.map(micros));
    println!();
    println!("one queue, 1,000 events/s       p50 us   p99 us");
    println!("POST to answer               {answer_p50:>9.0}{answer_p99:>9.0}");
    println!("POST to arrival at the queue {p50:>9.0}{p99:>9.0}");
    println!(
        "cpu us an event {:.1}, messages a request {:.1}",
        run.processor, run.messages_per_request
    );
}

/// Nothing for 0, which means that it was not measured.
fn number(value: f64, decimals: usize) -> String {
    if value > 0.0 { format!("{value:.decimals$}") } else { String::new() }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn float(count: u64) -> f64 {
    count as f64
}
