//! `fanfare dead-letters`: what destinations will not take, as the running daemon knows it.

use std::{
    fmt::Display,
    io::{self, Write},
    num::NonZeroUsize,
};

use jiff::Timestamp;
use tabwriter::TabWriter;

use super::{
    AdminPort, Ended, Form, Moment,
    client::{Client, escaped},
    consent::Consent,
    form::{print_json, seconds},
    redrive::{Chosen, Deed},
};
use crate::{
    admin::{BATCH_MAX, DeadLetter, Page, Selection},
    model::{BucketName, OneLine, wildcard},
};

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub enum DeadLetters {
    /// List dead letters, by destination, the oldest first.
    List {
        /// Which.
        #[command(flatten)]
        filter: Filter,
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
    /// Show everything about a dead letter, with the message as it was sent.
    Show {
        /// Its id, as `list` prints it.
        id: String,
        /// How.
        #[command(flatten)]
        form: Form,
        /// Where.
        #[command(flatten)]
        admin: AdminPort,
    },
    /// Send dead letters to their destinations again.
    Redrive(Chosen),
    /// Remove dead letters for good.
    Purge {
        /// Which, and how fast.
        #[command(flatten)]
        run: Chosen,
        /// Do not ask back.
        #[arg(long)]
        yes: bool,
    },
}

/// Which dead letters: those that fulfil every condition that is given.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// The destination's ARN; `*` stands for any characters.
    #[arg(long, value_name = "ARN")]
    destination: Option<String>,
    /// The object's bucket.
    #[arg(long)]
    bucket: Option<BucketName>,
    /// What the object's raw key begins with.
    #[arg(long, allow_hyphen_values = true)]
    prefix: Option<String>,
    /// The code of the failure, such as `InvalidMessageContents`, or why it was given up, as `list`
    /// prints it, such as `max_age`.
    #[arg(long)]
    code: Option<String>,
    /// Given up at this time or later: 2026-11-22T08:00:00Z, or 2h ago.
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Given up before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

/// Does it, and prints what there was to see or what was done.
pub fn dead_letters(asked: &DeadLetters, out: &mut impl Write) -> anyhow::Result<Ended> {
    match asked {
        DeadLetters::List { filter, limit, form, admin } => {
            let (client, selection) = (admin.client()?, filter.selection()?);
            list(&client, &selection, limit.get(), (form, out))
        }
        DeadLetters::Show { id, form, admin } => {
            let path = format!("dead-letters/{}", escaped(id));
            let letter: DeadLetter = admin.client()?.get(&path, &[])?;
            if form.json {
                print_json(&letter, out)?;
            } else {
                show(&letter, out)?;
            }
            Ok(Ended::Done)
        }
        DeadLetters::Redrive(run) => run.carry_out(Deed::Redrive, out),
        DeadLetters::Purge { run, yes: false } => run.carry_out(Deed::Purge(Consent::Asked), out),
        DeadLetters::Purge { run, yes: true } => run.carry_out(Deed::Purge(Consent::Given), out),
    }
}

fn list(
    client: &Client,
    selection: &Selection,
    limit: usize,
    (form, out): (&Form, &mut impl Write),
) -> anyhow::Result<Ended> {
    let (mut listed, mut rows, mut after) = (0, Vec::new(), None);
    loop {
        let max = (limit - listed).min(BATCH_MAX);
        let page = page(client, selection, max, after.as_deref())?;
        listed += page.dead_letters.len();
        if form.json {
            page.dead_letters.iter().try_for_each(|letter| print_json(letter, out))?;
        } else {
            // A table is aligned whole; the limit bounds it.
            rows.extend(page.dead_letters);
        }
        after = page.after;
        if after.is_none() || listed >= limit {
            break;
        }
    }
    if form.json {
        return Ok(Ended::Done);
    }
    if rows.is_empty() {
        writeln!(out, "no dead letters")?;
        return Ok(Ended::Done);
    }
    let mut table = TabWriter::new(&mut *out).padding(2);
    writeln!(table, "ID\tTIME\tEVENT\tOBJECT\tWHY\tCODE\tATTEMPTS")?;
    rows.iter().try_for_each(|letter| row(letter, &mut table))?;
    table.flush()?;
    drop(table);
    if after.is_some() {
        writeln!(out, "the first {listed}; --limit lists more")?;
    }
    Ok(Ended::Done)
}

/// Whether any is selected.
pub(super) fn is_any(client: &Client, selection: &Selection) -> anyhow::Result<bool> {
    let mut after = None;
    loop {
        let page = page(client, selection, 1, after.as_deref())?;
        after = page.after;
        if !page.dead_letters.is_empty() || after.is_none() {
            return Ok(!page.dead_letters.is_empty());
        }
    }
}

fn page(
    client: &Client,
    selection: &Selection,
    limit: usize,
    after: Option<&str>,
) -> anyhow::Result<Page> {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let (since, until, limit) = (time(selection.since), time(selection.until), limit.to_string());
    let parameters = [
        ("destination", selection.destination.as_deref()),
        ("bucket", selection.bucket.as_ref().map(BucketName::as_str)),
        ("prefix", selection.prefix.as_deref()),
        ("code", selection.code.as_deref()),
        ("since", since.as_deref()),
        ("until", until.as_deref()),
        ("after", after),
        ("limit", Some(&*limit)),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(client.get("dead-letters", &given.collect::<Vec<_>>())?)
}

fn row(DeadLetter { id, time, letter, .. }: &DeadLetter, out: &mut impl Write) -> io::Result<()> {
    let (bucket, key) = (letter.bucket.as_deref(), letter.key.as_deref());
    let object = format!("{}/{}", bucket.unwrap_or_default(), key.unwrap_or_default());
    let event = letter.event_type.as_deref().unwrap_or_default();
    let (time, code, attempts) = (seconds(*time), &letter.code, letter.attempts);
    let why = letter.given_up.map_or("", |given_up| given_up.name());
    let (id, event, object, code) = (OneLine(id), OneLine(event), OneLine(object), OneLine(code));
    writeln!(out, "{id}\t{time}\t{event}\t{object}\t{why}\t{code}\t{attempts}")
}

fn show(shown: &DeadLetter, out: &mut impl Write) -> io::Result<()> {
    let mut line = |label: &str, text: &dyn Display| writeln!(out, "{label:<14}{}", OneLine(text));
    let mut known = |label: &str, text: &Option<String>| match text {
        Some(text) => line(label, text),
        None => Ok(()),
    };
    let DeadLetter { id, time, letter, payload } = shown;
    known("id", &Some(id.clone()))?;
    known("event", &letter.event_type)?;
    known("bucket", &letter.bucket)?;
    known("key", &letter.key)?;
    known("event id", &letter.event_id)?;
    known("rule", &letter.rule_id)?;
    line("destination", &letter.destination)?;
    if let Some(given_up) = letter.given_up {
        line("why", &format_args!("{}: {}", given_up.name(), given_up.words()))?;
    }
    line("class", &letter.class)?;
    line("code", &letter.code)?;
    line("message", &letter.message)?;
    line("attempts", &letter.attempts)?;
    line("accepted", &letter.accepted)?;
    if let (Some(first), Some(last)) = (letter.first_failure, letter.last_failure) {
        line("first failure", &first)?;
        line("last failure", &last)?;
    }
    line("given up", time)?;
    match payload {
        Some(payload) => {
            line("subject", &payload.subject)?;
            writeln!(out, "\n{}", OneLine(&payload.body))
        }
        None => writeln!(out, "\nThe record cannot be read, so there is no message."),
    }
}

impl Filter {
    /// Whether nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        let Self { destination, bucket, prefix, code, since, until } = self;
        let is_object = bucket.is_some() || prefix.is_some();
        !(destination.is_some()
            || is_object
            || code.is_some()
            || since.is_some()
            || until.is_some())
    }

    /// Those of one destination that are selected; none if none of it can be.
    pub(super) fn selection_of(&self, arn: &str) -> anyhow::Result<Option<Selection>> {
        if self.destination.as_ref().is_some_and(|arns| !wildcard::fits(arns, arn)) {
            return Ok(None);
        }
        Ok(Some(Selection { destination: Some(arn.to_owned()), ..self.selection()? }))
    }

    pub(super) fn selection(&self) -> anyhow::Result<Selection> {
        let now = Timestamp::now();
        let time = |moment: Option<Moment>| moment.map(|moment| moment.from(now)).transpose();
        Ok(Selection {
            destination: self.destination.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            code: self.code.clone(),
            since: time(self.since)?,
            until: time(self.until)?,
        })
    }
}
