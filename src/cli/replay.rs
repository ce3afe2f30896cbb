//! `fanfare replay`: has the daemon send events again that the journal still has, and watches.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    num::NonZeroU32,
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;
use serde::Deserialize;
use tabwriter::TabWriter;

use super::{
    AdminPort, Ended, Form, Moment,
    client::{AskError, Client},
    form::print_json,
    interrupt::Interrupt,
    progress::{SHARES, share_bar},
};
use crate::{
    model::{BucketName, Destination, DestinationError, OneLine},
    replay::{Order, Replay, State, Through},
};

/// How often to look how far it has come.
const LOOK: Duration = Duration::from_millis(300);

/// What to send again, or what to know of it.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ReplayCommand {
    /// Events that were accepted at this time or later: 2026-11-22T08:00:00Z, or 2h ago.
    #[arg(long, value_name = "TIME", required_unless_present_any = ["status", "cancel"])]
    since: Option<Moment>,
    /// Events that were accepted before this time; without it, before now.
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<Moment>,
    /// Events of this bucket only.
    #[arg(long, requires = "since")]
    bucket: Option<BucketName>,
    /// Events of objects whose raw key begins so.
    #[arg(long, requires = "since", allow_hyphen_values = true)]
    prefix: Option<String>,
    /// To this destination only: what the rules send there, or everything if none names it.
    #[arg(long, value_name = "ARN", requires = "since", value_parser = one_destination)]
    destination: Option<Destination>,
    /// Do not ask back where no rule names the destination, so that it gets every event.
    #[arg(long, requires = "destination")]
    yes: bool,
    /// At most so many events a second.
    #[arg(long, value_name = "N", default_value = "500")]
    rate: NonZeroU32,
    /// Count, and send nothing.
    #[arg(long, requires = "since")]
    dry_run: bool,
    /// List the replays that run or have ended.
    #[arg(long, conflicts_with_all = ["since", "cancel"])]
    status: bool,
    /// End this replay; what it has sent stays sent.
    #[arg(long, value_name = "ID", conflicts_with = "since")]
    cancel: Option<u64>,
    /// How.
    #[command(flatten)]
    form: Form,
    /// Where.
    #[command(flatten)]
    admin: AdminPort,
}

/// Why a replay goes to no such destination.
#[derive(Debug, thiserror::Error)]
#[error("{cause}; write the whole ARN of one destination; a replay takes no `*`")]
struct NoDestination {
    cause: DestinationError,
}

fn one_destination(text: &str) -> Result<Destination, NoDestination> {
    text.parse().map_err(|cause| NoDestination { cause })
}

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "no rule names {destination}, so it would get every event that fits; correct the ARN, say \
     `--yes` to send them, or `--dry-run` to only count them"
)]
struct Unconfirmed {
    destination: Destination,
}

/// Why a replay is not watched to its end.
#[derive(Debug, thiserror::Error)]
#[error(
    "replay {id} cannot be watched any more; it goes on when the daemon does, and `fanfare replay \
     --status` shows it"
)]
struct Unwatched {
    id: u64,
    source: AskError,
}

/// The replays as the admin port lists them.
#[derive(Deserialize)]
struct Listed {
    replays: Vec<Replay>,
}

/// Does it, and prints how it went.
pub fn replay(asked: &ReplayCommand, out: &mut impl Write) -> anyhow::Result<Ended> {
    let client = asked.admin.client()?;
    if let Some(id) = asked.cancel {
        let replay: Replay = client.delete(&format!("replays/{id}"))?;
        asked.print(&replay, out)?;
        return Ok(Ended::Done);
    }
    match asked.order()? {
        Some(order) => asked.follow(&client, &order, out),
        None => asked.list(&client, out),
    }
}

impl ReplayCommand {
    /// What is asked, if anything is to be sent.
    fn order(&self) -> anyhow::Result<Option<Order>> {
        let Some(since) = self.since else { return Ok(None) };
        let now = Timestamp::now();
        Ok(Some(Order {
            since: since.from(now)?,
            until: self.until.map(|until| until.from(now)).transpose()?,
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            destination: self.destination.clone(),
            rate: self.rate,
            everything: self.yes,
            dry_run: self.dry_run,
        }))
    }

    /// Starts it and watches until it ends; Ctrl-C ends only the watching.
    fn follow(
        &self,
        client: &Client,
        order: &Order,
        out: &mut impl Write,
    ) -> anyhow::Result<Ended> {
        let interrupt = Interrupt::watch().context("cannot watch for Ctrl-C")?;
        let mut replay = self.start(client, order)?;
        let id = replay.id;
        if replay.through == Through::Everything {
            writeln!(io::stderr(), "no rule names the destination: it gets every event")?;
        }
        let bar = share_bar();
        while replay.state == State::Running {
            bar.set_position(share(&replay));
            bar.set_message(events(replay.replayed));
            if interrupt.came_within(LOOK) {
                bar.finish_and_clear();
                writeln!(
                    out,
                    "replay {id} goes on in the daemon; `fanfare replay --status` shows it, \
                     `fanfare replay --cancel {id}` ends it"
                )?;
                return Ok(Ended::Unfinished);
            }
            let looked = client.get(&format!("replays/{id}"), &[]);
            replay = looked.map_err(|source| {
                bar.finish_and_clear();
                Unwatched { id, source }
            })?;
        }
        bar.finish_and_clear();
        self.print(&replay, out)?;
        Ok(if replay.state == State::Finished { Ended::Done } else { Ended::Unfinished })
    }

    /// Asks back where the daemon does: a misspelt ARN is some other queue, which gets everything.
    fn start(&self, client: &Client, order: &Order) -> anyhow::Result<Replay> {
        let refused = match client.post("replays", order) {
            Err(refused @ AskError::Refused { .. }) => refused,
            answered => return Ok(answered?),
        };
        let is_unnamed = matches!(
            &refused,
            AskError::Refused { parameter: Some(parameter), .. } if **parameter == *"everything"
        );
        let Some(destination) = self.destination.clone().filter(|_| is_unnamed) else {
            return Err(refused.into());
        };
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Unconfirmed { destination }.into());
        }
        write!(io::stderr(), "No rule names {destination}. Send it every event that fits? [y/N] ")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" | "yes" => {
                Ok(client.post("replays", &Order { everything: true, ..order.clone() })?)
            }
            _ => Err(Unconfirmed { destination }.into()),
        }
    }

    fn list(&self, client: &Client, out: &mut impl Write) -> anyhow::Result<Ended> {
        let listed: Listed = client.get("replays", &[])?;
        if self.form.json {
            listed.replays.iter().try_for_each(|replay| print_json(replay, out))?;
        } else if listed.replays.is_empty() {
            writeln!(out, "no replays")?;
        } else {
            table(&listed.replays, out)?;
        }
        Ok(Ended::Done)
    }

    fn print(&self, replay: &Replay, out: &mut impl Write) -> io::Result<()> {
        if self.form.json {
            return print_json(replay, out);
        }
        let Replay { id, state, replayed, read, .. } = replay;
        let sent = if replay.order.dry_run { "would be sent" } else { "sent" };
        let (name, sent) = (state.name(), format!("{} {sent} again", events(*replayed)));
        writeln!(out, "replay {id} {name}: {sent}, {read} records read")?;
        if let Some(problem) = &replay.problem {
            writeln!(out, "{}", OneLine(problem))?;
        }
        if replay.read == 0 && *state == State::Finished {
            writeln!(
                out,
                "the journal has nothing of that time; `journal.retention` says how long it keeps \
                 what was delivered"
            )?;
        }
        Ok(())
    }
}

fn table(replays: &[Replay], out: &mut impl Write) -> io::Result<()> {
    let mut table = TabWriter::new(out).padding(2);
    writeln!(table, "ID\tSTATE\tOF TIME\tEVENTS\tSINCE\tUNTIL\tWHAT")?;
    for replay in replays {
        let Order { since, until, bucket, prefix, destination, dry_run, .. } = &replay.order;
        let (bucket, prefix) = (bucket.as_ref().map_or("*", |b| b.as_str()), prefix.as_deref());
        let to = destination.as_ref().map_or("the rules", Destination::as_str);
        let what = format!("{bucket}/{}* to {to}", prefix.unwrap_or_default());
        let dry = if *dry_run { ", dry run" } else { "" };
        let problem = replay.problem.as_ref().map(|problem| format!(": {problem}"));
        writeln!(
            table,
            "{}\t{}\t{}%\t{}\t{since:.0}\t{}\t{}{dry}",
            replay.id,
            OneLine(format_args!("{}{}", replay.state.name(), problem.unwrap_or_default())),
            share(replay) * 100 / SHARES,
            replay.replayed,
            until.map_or_else(String::new, |until| format!("{until:.0}")),
            OneLine(what),
        )?;
    }
    table.flush()
}

/// How much of the time it was asked for lies behind a replay.
fn share(replay: &Replay) -> u64 {
    let (since, Some(until)) = (replay.order.since, replay.order.until) else { return 0 };
    if replay.state == State::Finished {
        return SHARES;
    }
    let reached = replay.reached.unwrap_or(since).clamp(since, until);
    let (all, behind) = (until.duration_since(since), reached.duration_since(since));
    let share = behind.as_millis() * i128::from(SHARES) / all.as_millis().max(1);
    u64::try_from(share).unwrap_or(0).min(SHARES)
}

fn events(count: u64) -> String {
    format!("{count} event{}", if count == 1 { "" } else { "s" })
}
