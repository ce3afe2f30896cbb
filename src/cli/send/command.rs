//! Reads on one thread and sends on another, one request after the other.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::ProgressBar;

use super::{
    EventsPort,
    input::{Input, InputError, LINES_MAX},
    part::Part,
    port::Answer,
    poster::Poster,
    tally::Tally,
};
use crate::cli::{Ended, Form, form::print_json, interrupt::Interrupt, progress::bytes_bar};

/// How often to look whether Ctrl-C came while there is nothing to send.
const LOOK: Duration = Duration::from_millis(200);

/// What to send, and where.
#[derive(Debug, clap::Args)]
pub struct SendCommand {
    /// Files of events: one document a line (NDJSON), or one document, as stores post them; `-` is
    /// standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// At most so many events a second.
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// How.
    #[command(flatten)]
    form: Form,
    /// Where.
    #[command(flatten)]
    port: EventsPort,
}

/// Who sends.
struct Sender {
    poster: Poster,
    rate: Option<NonZeroU32>,
    interrupt: Interrupt,
    bar: ProgressBar,
    tally: Tally,
    started: Instant,
}

/// Sends the files, one after the other, and prints what became of their events.
pub fn send(asked: &SendCommand, out: &mut impl Write) -> anyhow::Result<Ended> {
    let port = asked.port.open()?;
    port.probe()?;
    let interrupt = Interrupt::watch().context("cannot watch for Ctrl-C")?;
    // One is on the wire while the next is read.
    let (feeder, parts) = mpsc::sync_channel(1);
    let (files, lines_max) = (asked.files.clone(), asked.lines_max());
    thread::Builder::new().name("reader".into()).spawn(move || feed(&files, lines_max, &feeder))?;
    let (rate, bar) = (asked.rate, bytes_bar(size(&asked.files)));
    let (tally, started) = (Tally::default(), Instant::now());
    let poster = Poster::start(port)?;
    let mut sender = Sender { poster, rate, interrupt, bar, tally, started };
    let sent = sender.send(&parts);
    sender.bar.finish_and_clear();
    let ended = *sent.as_ref().unwrap_or(&Ended::Unfinished);
    asked.report(&sender.tally, ended, out)?;
    sent
}

/// Reads part after part until nobody takes them any more.
fn feed(files: &[PathBuf], lines_max: usize, parts: &SyncSender<Result<Part, InputError>>) {
    for file in files {
        let mut input = match Input::open(file, lines_max) {
            Ok(input) => input,
            Err(cause) => return drop(parts.send(Err(cause))),
        };
        while let Some(part) = input.next().transpose() {
            let failed = part.is_err();
            if parts.send(part).is_err() || failed {
                return;
            }
        }
    }
}

/// The bytes of all files, if they are files.
fn size(files: &[PathBuf]) -> Option<u64> {
    let size = |file: &PathBuf| {
        let about = fs::metadata(file).ok().filter(|_| file != Path::new("-"))?;
        about.is_file().then_some(about.len())
    };
    files.iter().map(size).sum()
}

impl SendCommand {
    /// A slow rate has small requests, or it would come in bursts.
    fn lines_max(&self) -> usize {
        let rate = self.rate.map_or(usize::MAX, |rate| rate.get() as usize);
        rate.min(LINES_MAX)
    }

    fn report(&self, tally: &Tally, ended: Ended, out: &mut impl Write) -> io::Result<()> {
        if self.form.json {
            return print_json(tally, out);
        }
        if ended == Ended::Unfinished {
            write!(out, "stopped: ")?;
        }
        tally.print(out)?;
        if tally.is_unwanted() {
            writeln!(io::stderr(), "no rule wants any of them; `fanfare explain` says why")?;
        }
        Ok(())
    }
}

impl Sender {
    fn send(&mut self, parts: &Receiver<Result<Part, InputError>>) -> anyhow::Result<Ended> {
        loop {
            match parts.recv_timeout(LOOK) {
                Ok(part) => {
                    if self.deliver(part?)? == Ended::Unfinished {
                        return Ok(Ended::Unfinished);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.interrupt.came_within(Duration::ZERO) {
                        return Ok(Ended::Unfinished);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Done),
            }
        }
    }

    /// Sends a part until it is accepted, in smaller ones if it has to be.
    fn deliver(&mut self, part: Part) -> anyhow::Result<Ended> {
        let mut rest = VecDeque::from([Arc::new(part)]);
        let mut is_refused = false;
        while let Some(part) = rest.pop_front() {
            let begun = Instant::now();
            let mut pause = Duration::ZERO;
            match self.poster.post(&part, &self.interrupt)? {
                Answer::Accepted(accepted) => {
                    self.tally.add(accepted);
                    self.show(&part);
                    is_refused = false;
                    let due = |rate| Duration::from_secs(accepted.received) / rate;
                    let due = self.rate.map_or(Duration::ZERO, |rate| due(rate.get()));
                    pause = due.saturating_sub(begun.elapsed());
                }
                Answer::Later { wait, words } => {
                    if !is_refused {
                        self.note(&format!(
                            "the daemon takes no events now: {words}; trying again every {wait:?}"
                        ))?;
                    }
                    is_refused = true;
                    rest.push_front(part);
                    pause = wait;
                }
                Answer::TooLarge(refused) => {
                    let [one, two] = part.halves().ok_or(refused)?;
                    rest.push_front(Arc::new(two));
                    rest.push_front(Arc::new(one));
                }
            }
            if self.interrupt.came_within(pause) {
                return Ok(Ended::Unfinished);
            }
        }
        Ok(Ended::Done)
    }

    fn show(&mut self, part: &Part) {
        self.tally.seconds = self.started.elapsed().as_secs_f64();
        self.bar.inc(part.body.len() as u64);
        let (events, rate) = (self.tally.received, self.tally.events_per_second());
        self.bar.set_message(format!(", {events} events, {rate}/s"));
    }

    fn note(&self, words: &str) -> io::Result<()> {
        self.bar.suspend(|| writeln!(io::stderr(), "note: {words}"))
    }
}
