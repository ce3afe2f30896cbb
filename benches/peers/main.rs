//! fanfare's matcher beside those that others use, with the same rules and events, in one table.
//!
//! `benches/peers/run` builds the peers and names them here. Without them, and so in a test, the
//! plain scan alone is beside it. Every matcher is asked on one thread, after it has warmed up; of
//! some passes each window of events counts with its best, in processor time. Of as many events as
//! the plain scan can be asked about, each has to have as many matches as the scan says.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "../route/clock.rs"]
mod clock;
mod peer;
#[path = "../route/rules.rs"]
mod rules;
mod workload;

use std::{env, path::Path};

use fanfare::{model::Destination, route::Found};

use self::{
    clock::{nanoseconds, time},
    peer::{Figures, Peer},
    workload::{Workload, hostile_workloads, usual_workloads},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";
/// Where the files for the peers are.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/peers");

/// How much is done.
struct Size {
    rules: &'static [usize],
    events: usize,
    passes: usize,
    hostile: &'static [usize],
}

const MEASURED: Size = Size {
    rules: &[1, 10, 100, 1_000, 10_000, 100_000],
    events: 1 << 17,
    passes: 9,
    hostile: &[1_000, 100_000],
};
const TRIED: Size = Size { rules: &[1, 10], events: 1 << 8, passes: 1, hostile: &[50] };

const LEGEND: &str = "\
A match is one event in, all rules that want it out; the event type and the key are tested.
  fanfare, plain scan: the event is at hand as a type and a key.
  event-ruler, quamina: the event is JSON with the members `type` and `key`; parsing it is in the
  figure. `best` is another matcher: it knows nothing of event types, so that it finds too much,
  and event-ruler, but not quamina, is given the key parsed. A build begins with patterns in JSON.
  A prefix and a suffix are one wildcard there, `P*S`, whose ends must not overlap in the key;
  fanfare tests the two by themselves. No key here is that short.
In brackets: how many times what fanfare takes.
";

fn main() -> anyhow::Result<()> {
    let measured = env::args().any(|argument| argument == "--bench");
    let size = if measured { MEASURED } else { TRIED };
    let programs = env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let peers: Vec<Peer> = programs.filter_map(|program| Peer::new(program.into())).collect();
    println!("{LEGEND}");
    print_head(&peers);
    for &count in size.rules {
        for workload in usual_workloads(count, size.events) {
            print_row(&workload, size.passes, &peers)?;
        }
    }
    for &count in size.hostile {
        for workload in hostile_workloads(count) {
            print_row(&workload, size.passes, &peers)?;
        }
    }
    Ok(())
}

fn print_head(peers: &[Peer]) {
    print!("| rules and events | rules | fanfare ns | build ms | B/rule | plain scan ns |");
    for Peer { name, .. } in peers {
        print!(" {name} ns | best ns | build ms | B/rule |");
    }
    println!("\n|---|---|---|---|---|---|{}", "---|---|---|---|".repeat(peers.len()));
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
fn print_row(workload: &Workload, passes: usize, peers: &[Peer]) -> anyhow::Result<()> {
    let destination: Destination = QUEUE.parse()?;
    let count = workload.rules.len();
    let mut bucket = None;
    let weighed = allocation_counter::measure(|| bucket = Some(workload.compile(&destination)));
    let bucket = bucket.expect("it was compiled");
    let builds = (0..passes.min(3)).map(|_| time(|| workload.compile(&destination)).0);
    let build = builds.min().unwrap_or_default().as_secs_f64();

    let mut found = Found::default();
    let mut ask = |query: &_| {
        let (event, key): &rules::Query = query;
        bucket.find(*event, key, &mut found);
        found.len()
    };
    for query in workload.checked() {
        assert_eq!(ask(query), workload.scan(query), "{query:?}");
    }
    let ns = nanoseconds(&workload.events, passes, ask);
    let plain = nanoseconds(workload.checked(), passes, |query| workload.scan(query));
    print!(
        "| {} | {count} | {ns:.0} | {:.3} | {:.0} | {} |",
        workload.name,
        build * 1e3,
        weighed.bytes_current as f64 / count as f64,
        times(plain, ns),
    );
    if !peers.is_empty() {
        workload.write(Path::new(FOLDER))?;
    }
    for peer in peers {
        print_figures(&peer.ask(Path::new(FOLDER))?, workload, ns);
    }
    println!();
    Ok(())
}

/// A peer's part of a row.
#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
fn print_figures(figures: &Figures, workload: &Workload, fanfare: f64) {
    let build = figures.number("build").map(|seconds| format!("{:.1}", seconds * 1e3));
    let bytes = figures.number("bytes").map(|bytes| bytes / workload.rules.len() as f64);
    let bytes = bytes.map_or_else(String::new, |bytes| format!("{bytes:.0}"));
    let ns = |word| figures.number(word).map(|ns| times(ns, fanfare));
    let asked = match figures.number("wrong") {
        Some(wrong) if wrong > 0.0 => {
            format!("wrong for {wrong} of {} events", workload.checked().len())
        }
        _ if build.is_none() => String::new(),
        _ => ns("ns").unwrap_or_else(|| figures.end()),
    };
    let best = ns("best").unwrap_or_default();
    let build = build.unwrap_or_else(|| figures.end());
    print!(" {asked} | {best} | {build} | {bytes} |");
}

/// A time in nanoseconds, and how many times the other it is.
fn times(ns: f64, fanfare: f64) -> String {
    let ratio = ns / fanfare;
    let digits = usize::from(ratio < 10.0);
    format!("{ns:.0} ({ratio:.digits$}x)")
}
