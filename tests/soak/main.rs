//! As many faults as fit into an hour: a daemon under load, killed, stopped and frozen at random,
//! before destinations that are sick at random, and the oracle's word at the end.
//!
//! `cargo run --release --example soak -- --help`. It builds and runs the binary as it is shipped,
//! and needs nothing but this machine.
#![expect(clippy::print_stdout, reason = "the counts are the result")]

#[path = "../aws/mod.rs"]
#[expect(dead_code, reason = "tests and benches use the rest")]
mod aws;
mod daemon;
mod faults;
#[path = "../it/harness"]
#[expect(dead_code, reason = "the tests use the rest")]
mod harness {
    mod ports;
    mod process;
    mod wait;

    pub(crate) use ports::free_port;
    pub(crate) use process::Process;
    pub(crate) use wait::{SOON, until};
}
#[path = "../oracle/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod oracle;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use aws::Endpoint;
use clap::Parser;
use daemon::Home;
use faults::Faults;
use harness::until;
use jiff::SignedDuration;
use oracle::{Audience, Counts, Stores};

/// How often the counts are printed on the way.
const REPORT: Duration = Duration::from_mins(1);
/// What may take the daemon as long as this after the last fault.
const DRAINED: Duration = Duration::from_mins(10);
/// As many stores post at once.
const STORES: u32 = 8;

/// Hurts a daemon and its destinations at random while stores post, then checks that every event
/// that was answered 200 arrived as it was posted.
///
/// It builds fanfare with cargo, in the same profile as itself, and runs that with a settings file,
/// a journal and ports of its own, sending to a double of AWS in this process.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    /// For how long, such as `1h` or `10m`.
    #[arg(long, default_value = "10m")]
    duration: SignedDuration,
    /// Events a second, of all stores together.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Repeats the choices of a run, if not its moments.
    #[arg(long)]
    seed: Option<u64>,
    /// A fanfare to hurt instead of the one that is built.
    #[arg(long)]
    fanfare: Option<PathBuf>,
    /// Where its journal is; it stays there. Default: a temporary directory, which stays if
    /// something is wrong.
    #[arg(long)]
    directory: Option<PathBuf>,
}

fn main() -> ExitCode {
    match soak(&Arguments::parse()) {
        Ok(counts) => {
            println!("soak: {counts}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("soak: {wrong:#}");
            ExitCode::FAILURE
        }
    }
}

fn soak(arguments: &Arguments) -> anyhow::Result<Counts> {
    let fanfare = arguments.fanfare.clone().map_or_else(build, Ok)?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    fastrand::seed(seed);
    let temporary = tempfile::tempdir()?;
    let directory = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => temporary.path().to_owned(),
    };
    fs::create_dir_all(&directory)?;
    println!("soak: seed {seed}, log and journal in {}", directory.display());

    let aws = Endpoint::<Audience>::bind(0)?;
    let home = Home::new(fanfare, &directory, &aws.url())?;
    let pause = Duration::from_secs(1) * STORES / arguments.rate;
    let stores = Stores::new(&home.events.to_string(), STORES.into(), pause);
    let judged = hurt(arguments.duration.unsigned_abs(), &home, &aws, &stores);
    if judged.is_err() {
        println!("soak: what is left is in {}", temporary.keep().display());
    }
    judged
}

/// Posts, hurts, heals, waits and judges.
fn hurt(
    duration: Duration,
    home: &Home,
    aws: &Endpoint<Audience>,
    stores: &Stores,
) -> anyhow::Result<Counts> {
    let (begin, ended) = (Instant::now(), AtomicBool::new(false));
    let mut faults = Faults::new(home, aws)?;
    thread::scope(|scope| {
        scope.spawn(|| stores.post_until(&ended));
        let mut report = REPORT;
        while begin.elapsed() < duration && faults.one().is_ok() {
            if begin.elapsed() > report {
                report += REPORT;
                let (minutes, events) = (begin.elapsed().as_secs() / 60, stores.accepted());
                println!("soak: {minutes} min, {events} events, {}", faults.counts());
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    let daemon = faults.heal()?;

    // Progress: fresh events are taken, and everything that is owed arrives.
    let before = stores.accepted();
    stores.post_each(10);
    ensure!(stores.accepted() >= before + 10 * STORES as usize, "it takes no events any more");
    until("nothing is pending", DRAINED, || (home.pending()? == 0).then_some(()));
    drop(daemon);

    let told = stores.told();
    let mut counts = faults.counts();
    counts.events = told.accepted.len() as u64;
    let judged = aws.look(|audience| audience.judge(&told, |_| BTreeSet::new()));
    counts += judged.map_err(|wrong| anyhow!(wrong))?;
    Ok(counts)
}

/// Builds the daemon beside this program. It has no failpoints: they are for tests.
fn build() -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--bin", "fanfare", "--manifest-path"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    ensure!(command.status().context("cannot run cargo")?.success(), "fanfare does not build");
    let this = env::current_exe()?;
    let profile = this.ancestors().nth(2).context("an example is in target/<profile>/examples")?;
    Ok(profile.join("fanfare"))
}
