//! A destination that is down while a million events come, and comes back: how fast they are taken,
//! what they cost while they wait, how long a start takes with them, and how fast they go out.
//!
//! The daemon is killed before that start, so that nothing was put in order for it.
//! `cargo bench --bench backlog`; without `--bench` it does one tiny pass.
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

use std::time::{Duration, Instant};

use arrivals::Arrivals;
use aws::Endpoint;
use daemon::{Home, document};
use harness::until;
use load::{Load, Schedule, post};
use serde_json::json;

const BUCKET: &str = "photos";
const EVENTS_PER_REQUEST: u64 = 500;
/// Longer than a million events take on a machine that is busy with something else.
const LONG: Duration = Duration::from_mins(10);

fn main() -> anyhow::Result<()> {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let events = if measured { 1_000_000 } else { 2_000 };
    let aws = Endpoint::<Arrivals>::bind(0)?;
    aws.refuse();
    let home = Home::new(&json!({ "endpoint_url": aws.url() }), &[(BUCKET, document(1))])?;

    let daemon = home.start()?;
    let load = Load {
        bucket: BUCKET,
        connections: 4,
        events_per_request: EVENTS_PER_REQUEST,
        schedule: Schedule::Closed,
        time: LONG,
        requests_max: events / EVENTS_PER_REQUEST,
    };
    let posted = post(daemon.events(), load)?;
    let filled = daemon.usage()?;
    println!("{:<44}{:>12}", "events pending", posted.events);
    println!("{:<44}{:>12.0}", "taken, events/s", rate(posted.events, posted.took));
    print_mib("resident with them pending, MiB", filled.resident);
    daemon.kill();

    let begin = Instant::now();
    let daemon = home.start()?;
    println!("{:<44}{:>12.2}", "start after kill -9, s", begin.elapsed().as_secs_f64());
    print_mib("resident after that start, MiB", daemon.usage()?.resident);

    let begin = Instant::now();
    aws.listen()?;
    until("every event arrives", LONG, || {
        aws.look(|arrivals| (arrivals.events >= posted.events).then_some(()))
    });
    let Arrivals { first, messages, last, .. } = aws.reset();
    let earliest = first.iter().flatten().min().copied().unwrap_or(begin);
    let took = last.map_or(Duration::MAX, |last| last - earliest);
    println!(
        "{:<44}{:>12.2}",
        "first arrival after the comeback, s",
        (earliest - begin).as_secs_f64()
    );
    println!("{:<44}{:>12.0}", "delivered, events/s", rate(posted.events, took));
    println!("{:<44}{:>12}", "duplicates", messages - posted.events);
    print_mib("the most that was resident, MiB", daemon.usage()?.resident_max);
    Ok(())
}

fn print_mib(what: &str, bytes: u64) {
    println!("{what:<44}{:>12.0}", float(bytes) / 1_048_576.0);
}

fn rate(events: u64, took: Duration) -> f64 {
    float(events) / took.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn float(count: u64) -> f64 {
    count as f64
}
