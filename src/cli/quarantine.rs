//! `fanfare quarantine`: what stores sent and fanfare could not take, as the running daemon has it.

use std::{
    fmt::Display,
    io::{self, Write},
    num::NonZeroUsize,
};

use clap::ArgGroup;
use serde::Serialize;
use tabwriter::TabWriter;

use super::{
    AdminPort, Ended, Form,
    client::{AskError, Client},
    consent::{Consent, confirm, counted},
    form::{print_json, seconds},
};
use crate::{
    admin::{BATCH_MAX, QuarantineBatch, QuarantineDone, QuarantinePage, QuarantineRow},
    model::OneLine,
};

const NOUN: &str = "row";

/// What to do with the quarantine.
#[derive(Debug, clap::Subcommand)]
pub enum Quarantine {
    /// List what is in the quarantine, the oldest first.
    List {
        /// List at most so many.
        #[arg(long, value_name = "N", default_value = "100")]
        limit: NonZeroUsize,
        /// How.
        #[command(flatten)]
        form: Form,
        /// Where.
        #[command(flatten)]
        admin: AdminPort,
    },
    /// Show a row of the quarantine: why it is there, and what the store sent.
    Show {
        /// Its number, as `list` prints it.
        id: u64,
        /// How.
        #[command(flatten)]
        form: Form,
        /// Where.
        #[command(flatten)]
        admin: AdminPort,
    },
    /// Take rows of the quarantine as if they came now: what is understood goes where today's rules
    /// want it and leaves the quarantine, the rest stays.
    Retry(Rows),
    /// Remove rows of the quarantine for good.
    Purge {
        /// Which.
        #[command(flatten)]
        rows: Rows,
        /// Do not ask back.
        #[arg(long)]
        yes: bool,
    },
}

/// Which rows.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("which").required(true)))]
pub struct Rows {
    /// These, as `list` prints them, or else --all.
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<u64>,
    /// All that are there now.
    #[arg(long, group = "which")]
    all: bool,
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

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Retry,
    Purge(Consent),
}

/// How far it has come; as JSON, too.
#[derive(Clone, Debug, Default, Serialize)]
struct Tally {
    /// How many rows there were.
    matched: u64,
    /// How many are in quarantine no more.
    done: u64,
    /// How many events of them were accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<u64>,
    /// Why the journal did not take the first that it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// Does it, and prints what there was to see or what was done.
pub fn quarantine(asked: &Quarantine, out: &mut impl Write) -> anyhow::Result<Ended> {
    match asked {
        Quarantine::List { limit, form, admin } => {
            list(&admin.client()?, limit.get(), (form, out))?;
            Ok(Ended::Done)
        }
        Quarantine::Show { id, form, admin } => {
            let row: QuarantineRow = admin.client()?.get(&format!("quarantine/{id}"), &[])?;
            if form.json { print_json(&row, out) } else { show(&row, out) }?;
            Ok(Ended::Done)
        }
        Quarantine::Retry(rows) => rows.carry_out(Deed::Retry, out),
        Quarantine::Purge { rows, yes: false } => rows.carry_out(Deed::Purge(Consent::Asked), out),
        Quarantine::Purge { rows, yes: true } => rows.carry_out(Deed::Purge(Consent::Given), out),
    }
}

fn list(
    client: &Client,
    limit: usize,
    (form, out): (&Form, &mut impl Write),
) -> anyhow::Result<()> {
    let (rows, has_more) = rows(client, limit)?;
    if form.json {
        return Ok(rows.iter().try_for_each(|row| print_json(row, out))?);
    }
    if rows.is_empty() {
        return Ok(writeln!(out, "nothing in quarantine")?);
    }
    let mut table = TabWriter::new(&mut *out).padding(2);
    writeln!(table, "ID\tTIME\tBYTES\tREASON")?;
    for QuarantineRow { id, time, bytes, reason, .. } in &rows {
        writeln!(table, "{id}\t{}\t{bytes}\t{}", seconds(*time), OneLine(reason))?;
    }
    table.flush()?;
    drop(table);
    if has_more {
        writeln!(out, "the first {}; --limit lists more", rows.len())?;
    }
    Ok(())
}

/// At most so many rows, and whether there are more.
fn rows(client: &Client, limit: usize) -> Result<(Vec<QuarantineRow>, bool), AskError> {
    let (mut rows, mut after) = (Vec::new(), None::<u64>);
    loop {
        let max = (limit - rows.len()).min(BATCH_MAX).to_string();
        let last = after.map(|after| after.to_string());
        let after_last = last.as_deref().map(|last| ("after", last));
        let parameters: Vec<_> = after_last.into_iter().chain([("limit", &*max)]).collect();
        let page: QuarantinePage = client.get("quarantine", &parameters)?;
        rows.extend(page.rows);
        after = page.after;
        if after.is_none() || rows.len() >= limit {
            return Ok((rows, after.is_some()));
        }
    }
}

fn show(row: &QuarantineRow, out: &mut impl Write) -> io::Result<()> {
    let QuarantineRow { id, time, reason, bytes, text, base64 } = row;
    let mut line = |label: &str, text: &dyn Display| writeln!(out, "{label:<14}{}", OneLine(text));
    line("id", id)?;
    line("set aside", time)?;
    line("reason", reason)?;
    line("bytes", bytes)?;
    writeln!(out)?;
    match (text, base64) {
        (Some(text), _) => text.lines().try_for_each(|line| writeln!(out, "{}", OneLine(line))),
        (None, Some(base64)) => writeln!(out, "It is no text; in base64:\n{}", OneLine(base64)),
        (None, None) => Ok(()),
    }
}

impl Rows {
    fn carry_out(&self, deed: Deed, out: &mut impl Write) -> anyhow::Result<Ended> {
        let client = self.admin.client()?;
        let ids = if self.all {
            rows(&client, usize::MAX)?.0.into_iter().map(|row| row.id).collect()
        } else {
            self.ids.clone()
        };
        // Whoever named each of them has said enough.
        if deed == Deed::Purge(Consent::Asked) && self.all && !self.dry_run && !ids.is_empty() {
            confirm(ids.len() as u64, NOUN)?;
        }
        let mut tally = Tally { accepted: deed.counts_events(), ..Tally::default() };
        let worked = ids.chunks(BATCH_MAX).try_for_each(|ids| {
            let ids = Some(ids.to_vec());
            let batch =
                QuarantineBatch { ids, dry_run: self.dry_run, ..QuarantineBatch::default() };
            client.post(deed.path(), &batch).map(|done| tally.add(done))
        });
        self.report(deed, &tally, out)?;
        worked?;
        let is_done = self.dry_run || tally.done == tally.matched;
        Ok(if is_done && self.gone(&tally) == 0 { Ended::Done } else { Ended::Unfinished })
    }

    /// How many of those that were named are not there.
    fn gone(&self, tally: &Tally) -> u64 {
        (self.ids.len() as u64).saturating_sub(tally.matched)
    }

    fn report(&self, deed: Deed, tally: &Tally, out: &mut impl Write) -> io::Result<()> {
        if self.form.json {
            return print_json(tally, out);
        }
        let (&Tally { matched, done, accepted, ref refused }, past) = (tally, deed.done());
        if matched == 0 && self.all {
            writeln!(out, "nothing in quarantine")?;
        } else if self.dry_run {
            writeln!(out, "{} would be {past}", counted(matched, NOUN))?;
        } else {
            let events = accepted.map(|events| format!(", {} accepted", counted(events, "event")));
            writeln!(out, "{} {past}{}", counted(matched, NOUN), events.unwrap_or_default())?;
        }
        if deed == Deed::Retry && !self.dry_run && matched > done {
            let stay = matched - done;
            writeln!(out, "{stay} of them cannot be taken yet and stay; `show` says why")?;
            if let Some(refused) = refused {
                writeln!(out, "the journal refused some: {}", OneLine(refused))?;
            }
        }
        match self.gone(tally) {
            0 => Ok(()),
            gone => writeln!(out, "{gone} of the {} named are not there", self.ids.len()),
        }
    }
}

impl Tally {
    fn add(&mut self, batch: QuarantineDone) {
        self.matched += batch.matched;
        self.done += batch.done;
        self.accepted = self.accepted.map(|sum| sum + batch.accepted.unwrap_or_default());
        self.refused = self.refused.take().or(batch.refused);
    }
}

impl Deed {
    fn path(self) -> &'static str {
        match self {
            Self::Retry => "quarantine/retry",
            Self::Purge(_) => "quarantine/purge",
        }
    }

    fn counts_events(self) -> Option<u64> {
        (self == Self::Retry).then_some(0)
    }

    fn done(self) -> &'static str {
        match self {
            Self::Retry => "retried",
            Self::Purge(_) => "purged",
        }
    }
}
