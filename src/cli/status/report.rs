//! The whole text, in its colours. Pure: a status and a width in, lines out.

use std::{collections::HashMap, io::Write};

use anstyle::{AnsiColor, Style};
use console::truncate_str;
use tabwriter::TabWriter;

use super::{
    headline::headline,
    sick::remarks,
    words::{clipped, count, lasting, many, painted, rate, share, short, since, wrapped},
};
use crate::{
    admin::{Bucket, Destination, Lane, Status},
    model::OneLine,
};

/// So many buckets are shown.
const BUCKETS_SHOWN: usize = 10;
/// What the other columns of a destination need.
const OTHER_COLUMNS: usize = 60;
/// What the names of the last lines need.
const LABEL: usize = 14;
/// A name is not made shorter than that.
const NAME_MIN: usize = 16;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

/// Everything there is to see, in no line longer than the width.
pub(super) fn report(status: &Status, width: Option<usize>) -> String {
    let (style, headline) = headline(status);
    let mut lines = folded(style, &headline, width);
    for part in [destinations(status, width), buckets(status), rest(status, width)] {
        if !part.is_empty() {
            lines.push(String::new());
            lines.extend(part);
        }
    }
    let mut text = String::new();
    for line in lines {
        let line = width.map_or(line.as_str().into(), |width| truncate_str(&line, width, "…"));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Those that do not get their events first, each with what is wrong below it.
fn destinations(status: &Status, width: Option<usize>) -> Vec<String> {
    if status.destinations.is_empty() {
        return Vec::new();
    }
    let mut shown: Vec<_> = status.destinations.iter().collect();
    shown.sort_by_key(|destination| severity(destination));
    let names = names(&status.destinations, width);
    let heads = ["DESTINATION", "STATE", "RATE", "PENDING", "OLDEST", "NEXT ATTEMPT"];
    let rows = shown.iter().map(|destination| row(destination, &names, status));
    let mut table = aligned(&heads, rows).into_iter();
    let mut lines: Vec<_> = table.next().into_iter().collect();
    for (destination, row) in shown.iter().zip(table) {
        lines.push(row);
        for remark in remarks(destination, status.time) {
            lines.extend(indented(&remark, width));
        }
    }
    lines
}

fn severity(destination: &Destination) -> usize {
    let order = ["broken", "retrying", "paused", "delivering"];
    let state = destination.lane.as_ref().map(|lane| &*lane.state);
    order.iter().position(|known| Some(*known) == state).unwrap_or(order.len())
}

/// Short names, unless two destinations have the same.
fn names(destinations: &[Destination], width: Option<usize>) -> HashMap<&str, String> {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for destination in destinations {
        *uses.entry(short(&destination.destination)).or_default() += 1;
    }
    let name = |arn| {
        let name = short(arn);
        let name = if uses.get(&name) == Some(&1) { name } else { OneLine(arn).to_string() };
        let room = width.map(|width| width.saturating_sub(OTHER_COLUMNS).max(NAME_MIN));
        room.map_or(name.clone(), |room| clipped(&name, room))
    };
    destinations.iter().map(|it| (&*it.destination, name(&it.destination))).collect()
}

fn row(destination: &Destination, names: &HashMap<&str, String>, status: &Status) -> Vec<String> {
    let arn = &*destination.destination;
    let name = names.get(arn).cloned().unwrap_or_default();
    let pending = destination.books.pending;
    let Some(lane) = &destination.lane else {
        let cells = [&*name, "unused", "", &count(pending), "", ""];
        return cells.map(|cell| painted(DIM, cell)).into();
    };
    let oldest = lane.oldest.filter(|_| pending > 0);
    let oldest = oldest.map(|oldest| since(oldest, status.time)).unwrap_or_default();
    let next = lane.next_attempt.map(|next| next.duration_since(status.time));
    let next = match next {
        Some(wait) if wait.is_positive() => format!("in {}", lasting(wait)),
        _ if matches!(&*lane.state, "broken" | "retrying") => "now".into(),
        _ => String::new(),
    };
    vec![name, state(lane), rate(lane.rate), count(pending), oldest, next]
}

fn state(lane: &Lane) -> String {
    let style = match &*lane.state {
        "delivering" => GREEN,
        "broken" => RED.bold(),
        _ => YELLOW,
    };
    painted(style, &OneLine(&lane.state).to_string())
}

fn buckets(status: &Status) -> Vec<String> {
    let mut lines = buckets_with_rules(status);
    if status.strays.events > 0 {
        let last = status.strays.last_bucket.as_deref().unwrap_or_default();
        let events = many(status.strays.events, "event");
        let words = format!(
            "{events} of buckets without a document, the last of {}: no rule wants them",
            OneLine(last)
        );
        lines.push(painted(YELLOW, &words));
    }
    lines
}

fn buckets_with_rules(status: &Status) -> Vec<String> {
    if status.buckets.is_empty() {
        return Vec::new();
    }
    let row = |bucket: &Bucket| {
        let name = OneLine(&bucket.bucket).to_string();
        let rules = count(bucket.rules as u64);
        vec![name, rules, count(bucket.events), count(bucket.matched)]
    };
    let shown = status.buckets.iter().take(BUCKETS_SHOWN);
    let mut lines = aligned(&["BUCKET", "RULES", "EVENTS", "MATCHED"], shown.map(row));
    let more = status.all_buckets.buckets.saturating_sub(BUCKETS_SHOWN);
    if more > 0 {
        let all = status.all_buckets;
        let (rules, events) = (many(all.rules as u64, "rule"), many(all.events, "event"));
        let matched = count(all.matched);
        let words = format!(
            "and {} more, which GET /buckets lists; all together {rules}, {events}, {matched} matched",
            count(more as u64)
        );
        lines.push(painted(DIM, &words));
    }
    lines
}

fn rest(status: &Status, width: Option<usize>) -> Vec<String> {
    let Status { journal, documents, config, .. } = status;
    let mut lines = Vec::new();
    let mut line = |label: &str, style: Style, text: &str| {
        lines.push(format!("{label:<LABEL$}{}", painted(style, text)));
    };
    let plain = Style::new();
    let held = share(journal.bytes, journal.bytes_limit);
    line("journal", plain, &format!("{held}, {}", many(journal.segments as u64, "segment")));
    if let Some(why) = &journal.refusing {
        let refusal = format!("refuses new events: {}", OneLine(why));
        let help = format!("help: {}", making_room(why));
        let room = width.map_or(usize::MAX, |width| width.saturating_sub(LABEL));
        for (style, text) in [(RED, refusal), (plain, help)] {
            for part in wrapped(&text, room) {
                line("", style, &part);
            }
        }
    } else if let Some(why) = &journal.last_error {
        line("", RED, &format!("the last write failed: {}", OneLine(why)));
    }
    let (dead, held) =
        (journal.dead_letters, share(journal.dead_letters_bytes, journal.dead_letters_limit));
    let style = if dead > 0 { YELLOW } else { plain };
    line("dead letters", style, &format!("{}, {held}", count(dead)));
    let (rows, held) =
        (journal.quarantine_rows, share(journal.quarantine_bytes, journal.quarantine_limit));
    let style = if rows > 0 { YELLOW } else { plain };
    line("quarantine", style, &format!("{}, {held}", count(rows)));
    match status.books.imbalance {
        0 => line("books", plain, "balanced"),
        imbalance => {
            let differ = format!("differ by {}; please report this as a bug", count(imbalance));
            line("books", RED, &differ);
        }
    }
    let age = since(config.applied, status.time);
    let applied = format!(
        "{} in force, generation {}, for {age}",
        count(documents.loaded as u64),
        config.generation
    );
    line("documents", plain, &applied);
    let version = OneLine(&status.version);
    let up = format!("{version}, up {}", since(status.started, status.time));
    line("fanfare", plain, &up);
    for broken in &documents.broken {
        let file = OneLine(broken.file.display());
        lines.push(String::new());
        lines.extend(folded(RED, &format!("{file} cannot be used"), width));
        lines.extend(indented(&OneLine(&broken.problem).to_string(), width));
        lines.extend(indented(&format!("in force: {}", OneLine(&broken.in_force)), width));
    }
    if let Some(problem) = &config.reload_problem {
        lines.push(String::new());
        lines.push(painted(YELLOW, "the last reload changed nothing"));
        // It has the line of the settings and a mark below it.
        for line in problem.lines() {
            lines.extend(indented(&OneLine(line).to_string(), width));
        }
    }
    lines
}

/// What lets a journal take events again, as far as its words tell.
fn making_room(why: &str) -> &'static str {
    if why.starts_with("full") {
        "mend the destinations that have most pending, or raise journal.size_limit and restart; \
         deliveries go on, and what stores keep follows by itself"
    } else {
        "see to the disk; deliveries go on where they can, and what stores keep follows by itself"
    }
}

/// Rows under their heads, each column as wide as it has to be. Colours take no room.
fn aligned(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut table = TabWriter::new(Vec::new()).padding(2).ansi(true);
    let heads = heads.iter().map(|head| painted(BOLD, head)).collect();
    for row in std::iter::once(heads).chain(rows) {
        let row: Vec<String> = row;
        writeln!(table, "{}", row.join("\t")).expect("memory takes every row");
    }
    let bytes = table.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(|line| line.trim_end().to_owned()).collect()
}

fn indented(text: &str, width: Option<usize>) -> Vec<String> {
    let fits = |width| text.chars().count() + 2 <= width;
    let Some(width) = width.filter(|&width| !fits(width)) else { return vec![format!("  {text}")] };
    let lines = wrapped(text, width.saturating_sub(2)).into_iter();
    lines.map(|line| format!("  {line}")).collect()
}

fn folded(style: Style, text: &str, width: Option<usize>) -> Vec<String> {
    let lines = width.map_or_else(|| vec![text.to_owned()], |width| wrapped(text, width));
    lines.iter().map(|line| painted(style, line)).collect()
}
