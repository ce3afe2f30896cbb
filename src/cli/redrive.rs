//! Sends dead letters again, or removes them: first it counts them, then it works in batches.
//!
//! Each batch is done whole by the daemon, durably, before it answers; between two of them
//! everything can end.

use std::{
    io::{self, Write},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    AdminPort, Ended, Form,
    client::{AskError, Client},
    consent::{Consent, confirm, counted},
    dead_letters::{Filter, is_any},
    form::print_json,
    interrupt::Interrupt,
    progress::bar,
};
use crate::{
    admin::{BATCH_MAX, Batch, Destination, Destinations, Done},
    model::OneLine,
};

const NOUN: &str = "dead letter";

/// Which dead letters, and how fast.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// These, as `list` prints them; without any, those that fulfil every condition that is given.
    /// `--destination '*'` is all of them.
    #[arg(value_name = "ID", conflicts_with = "Filter")]
    ids: Vec<String>,
    /// Which.
    #[command(flatten)]
    filter: Filter,
    /// At most so many a second.
    #[arg(long, value_name = "N", default_value = "500")]
    rate: NonZeroU32,
    /// Only say how many there are.
    #[arg(long)]
    dry_run: bool,
    /// How.
    #[command(flatten)]
    form: Form,
    /// Where.
    #[command(flatten)]
    admin: AdminPort,
}

/// What becomes of the dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Redrive,
    Purge(Consent),
}

/// Which dead letters nobody said.
#[derive(Debug, thiserror::Error)]
#[error(
    "say which dead letters: their ids, as `fanfare dead-letters list` prints them, or one of \
     --destination, --bucket, --prefix, --code, --since, --until; --destination '*' is all of them"
)]
pub(super) struct Unchosen;

/// Why not all was done.
#[derive(Debug, thiserror::Error)]
#[error("what is not {done} is still a dead letter; ask again when the daemon answers")]
struct Interrupted {
    done: &'static str,
    source: AskError,
}

/// How far it has come; as JSON, too.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Tally {
    /// How many there were when they were counted.
    matched: u64,
    done: u64,
}

/// Who has the daemon do it.
struct Worker {
    client: Client,
    deed: Deed,
    interrupt: Interrupt,
}

impl Chosen {
    /// Does it, and prints how many it was done to.
    pub(super) fn carry_out(&self, deed: Deed, out: &mut impl Write) -> anyhow::Result<Ended> {
        if self.ids.is_empty() && self.filter.is_empty() {
            return Err(Unchosen.into());
        }
        let client = self.admin.client()?;
        let interrupt = Interrupt::watch().context("cannot watch for Ctrl-C")?;
        let worker = Worker { client, deed, interrupt };
        let batches = self.batches()?;
        let mut tally = Tally::default();
        for batch in &batches {
            let counting = Batch { dry_run: true, limit: None, ..batch.clone() };
            let counted = worker.each(counting, |answer| {
                tally.matched += answer.matched;
                worker.interrupt.came_within(Duration::ZERO)
            })?;
            if counted == Ended::Unfinished {
                writeln!(out, "stopped while counting; nothing is {}", deed.done())?;
                return Ok(Ended::Unfinished);
            }
        }
        if self.dry_run || tally.matched == 0 {
            self.report(deed, tally, Ended::Done, out)?;
        } else {
            self.confirm(deed, tally.matched)?;
            if deed == Deed::Redrive {
                self.note_destinations(&worker.client)?;
            }
            let worked = self.work(&worker, &batches, &mut tally);
            let ended = *worked.as_ref().unwrap_or(&Ended::Unfinished);
            self.report(deed, tally, ended, out)?;
            let worked = worked.map_err(|source| Interrupted { done: deed.done(), source });
            if worked? == Ended::Unfinished {
                return Ok(Ended::Unfinished);
            }
        }
        Ok(if self.gone(tally) == 0 { Ended::Done } else { Ended::Unfinished })
    }

    /// How many of those that were named are not there.
    fn gone(&self, tally: Tally) -> u64 {
        let named = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        named.saturating_sub(tally.matched)
    }

    /// What is redriven to a destination that does not deliver now waits there.
    fn note_destinations(&self, client: &Client) -> anyhow::Result<()> {
        let Destinations { destinations } = client.get("destinations", &[])?;
        for Destination { destination, lane, .. } in destinations {
            let Some(lane) = lane.filter(|lane| lane.state != "delivering") else { continue };
            if self.has_of(client, &destination)? {
                let cause =
                    lane.last_error.map(|error| format!(": {}: {}", error.code, error.message));
                let (state, cause) = (lane.state, cause.unwrap_or_default());
                let note = format_args!("{destination} is {state}, what is redriven waits{cause}");
                writeln!(io::stderr(), "note: {}", OneLine(note))?;
            }
        }
        Ok(())
    }

    /// Whether dead letters of this destination are chosen.
    fn has_of(&self, client: &Client, arn: &str) -> anyhow::Result<bool> {
        if !self.ids.is_empty() {
            let is_of = |id: &String| id.rsplit_once('#').is_some_and(|(of, _)| of == arn);
            return Ok(self.ids.iter().any(is_of));
        }
        match self.filter.selection_of(arn)? {
            Some(selection) => is_any(client, &selection),
            None => Ok(false),
        }
    }

    /// The first request of each run of batches.
    fn batches(&self) -> anyhow::Result<Vec<Batch>> {
        let limit = usize::try_from(self.rate.get()).unwrap_or(usize::MAX).min(BATCH_MAX);
        if self.ids.is_empty() {
            let filter = Some(self.filter.selection()?);
            return Ok(vec![Batch { filter, limit: Some(limit), ..Batch::default() }]);
        }
        let ids = self.ids.chunks(limit).map(<[String]>::to_vec);
        Ok(ids.map(|ids| Batch { ids: Some(ids), ..Batch::default() }).collect())
    }

    fn work(
        &self,
        worker: &Worker,
        batches: &[Batch],
        tally: &mut Tally,
    ) -> Result<Ended, AskError> {
        let is_long = tally.matched > u64::from(self.rate.get());
        let bar =
            if is_long { bar(tally.matched, worker.deed.verb()) } else { ProgressBar::hidden() };
        let mut started = Instant::now();
        for batch in batches {
            if worker.interrupt.came_within(Duration::ZERO) {
                return Ok(Ended::Unfinished);
            }
            let ended = worker.each(batch.clone(), |answer| {
                tally.done += answer.done;
                bar.set_position(tally.done);
                if tally.done >= tally.matched {
                    return false;
                }
                // The rate is an average over a batch.
                let due = Duration::from_secs(answer.done) / self.rate.get();
                let interrupted =
                    worker.interrupt.came_within(due.saturating_sub(started.elapsed()));
                started = Instant::now();
                interrupted
            })?;
            if ended == Ended::Unfinished {
                return Ok(Ended::Unfinished);
            }
        }
        bar.finish_and_clear();
        Ok(Ended::Done)
    }

    /// Whoever named each of them has said enough.
    fn confirm(&self, deed: Deed, count: u64) -> anyhow::Result<()> {
        if deed != Deed::Purge(Consent::Asked) || !self.ids.is_empty() {
            return Ok(());
        }
        confirm(count, NOUN)
    }

    fn report(
        &self,
        deed: Deed,
        tally: Tally,
        ended: Ended,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let (Tally { matched, done }, past) = (tally, deed.done());
        if self.form.json {
            print_json(&tally, out)?;
            return Ok(());
        }
        if matched == 0 && self.ids.is_empty() {
            writeln!(out, "no dead letters")?;
        } else if self.dry_run {
            writeln!(out, "{} would be {past}", counted(matched, NOUN))?;
        } else if ended == Ended::Unfinished {
            writeln!(out, "stopped: {done} of {} {past}", counted(matched, NOUN))?;
        } else {
            writeln!(out, "{} {past}", counted(done, NOUN))?;
        }
        match self.gone(tally) {
            0 => {}
            gone => writeln!(out, "{gone} of the {} named are not there", self.ids.len())?,
        }
        Ok(())
    }
}

impl Deed {
    fn path(self) -> &'static str {
        match self {
            Self::Redrive => "dead-letters/redrive",
            Self::Purge(_) => "dead-letters/purge",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Redrive => "redriving",
            Self::Purge(_) => "purging",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Redrive => "redriven",
            Self::Purge(_) => "purged",
        }
    }
}

impl Worker {
    /// Sends one batch after the other until there are no more, or until it is interrupted.
    fn each(
        &self,
        first: Batch,
        mut interrupted: impl FnMut(&Done) -> bool,
    ) -> Result<Ended, AskError> {
        let mut next = Some(first);
        while let Some(batch) = next {
            let done: Done = self.client.post(self.deed.path(), &batch)?;
            let is_interrupted = interrupted(&done);
            next = done.next;
            if is_interrupted && next.is_some() {
                return Ok(Ended::Unfinished);
            }
        }
        Ok(Ended::Done)
    }
}
