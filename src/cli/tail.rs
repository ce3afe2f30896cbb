//! `fanfare tail`: what happens to events now, a line each, until Ctrl-C or the daemon's end.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::Duration,
};

use anstyle::{AnsiColor, Effects, Style};
use anyhow::Context;
use jiff::Timestamp;
use serde::Deserialize;

use super::{AdminPort, Ended, Form, interrupt::Interrupt, paint::Paint};
use crate::model::{BucketName, OneLine};

/// How often to look whether Ctrl-C came.
const LOOK: Duration = Duration::from_millis(200);
/// The daemon says every few seconds that it is there; after so long it is not.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// A line is a key and some words; what is longer is none.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Lines that were read and not printed.
const LINES_MAX: usize = 64;

/// Which events to watch.
#[derive(Debug, clap::Args)]
pub struct Tail {
    /// Events of this bucket only.
    #[arg(long)]
    bucket: Option<BucketName>,
    /// Events of objects whose raw key begins so.
    #[arg(long, allow_hyphen_values = true)]
    prefix: Option<String>,
    /// Events that go to this destination; `*` stands for any characters.
    #[arg(long, value_name = "ARN")]
    destination: Option<String>,
    /// How.
    #[command(flatten)]
    form: Form,
    /// Where.
    #[command(flatten)]
    admin: AdminPort,
}

/// Why there is nothing more to watch.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error("the daemon has stopped, and the tail with it")]
    Stopped,
    #[error("the connection to the daemon broke")]
    Broken(#[source] io::Error),
    #[error("nothing came from the daemon for {SILENCE_MAX:?}, not even that it is there")]
    Silent,
}

/// A line as the daemon sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    time: Option<Timestamp>,
    stage: String,
    bucket: Option<String>,
    key: Option<String>,
    event: Option<String>,
    rule: Option<String>,
    destination: Option<String>,
    class: Option<String>,
    code: Option<String>,
    message: Option<String>,
    skipped: Option<u64>,
}

/// Watches and prints.
pub fn tail(asked: &Tail, out: &mut impl Write) -> anyhow::Result<Ended> {
    let interrupt = Interrupt::watch().context("cannot watch for Ctrl-C")?;
    let parameters = [
        ("bucket", asked.bucket.as_ref().map(BucketName::as_str)),
        ("prefix", asked.prefix.as_deref()),
        ("destination", asked.destination.as_deref()),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let stream = asked.admin.client()?.follow("tail", &given.collect::<Vec<_>>())?;
    writeln!(io::stderr(), "watching from now on; Ctrl-C ends it")?;
    let (sender, lines) = mpsc::sync_channel(LINES_MAX);
    thread::Builder::new().name("tail".into()).spawn(move || read(stream, &sender))?;
    let paint = Paint::of_output();
    follow(&lines, &interrupt, |line| {
        if asked.form.json { writeln!(out, "{line}") } else { print(line, paint, out) }
    })
}

/// Sends each line on, until nobody takes it any more. A full channel makes it wait, and with it
/// the daemon, which then skips lines and says so.
fn read(stream: impl Read, lines: &SyncSender<io::Result<String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let read = stream.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        let is_end = !matches!(read, Ok(1..));
        let line = match read {
            Ok(0) => return,
            Ok(_) => Ok(line),
            Err(cause) => Err(cause),
        };
        if lines.send(line).is_err() || is_end {
            return;
        }
    }
}

fn follow(
    lines: &Receiver<io::Result<String>>,
    interrupt: &Interrupt,
    mut print: impl FnMut(&str) -> io::Result<()>,
) -> anyhow::Result<Ended> {
    let mut silent = Duration::ZERO;
    loop {
        if interrupt.came_within(Duration::ZERO) {
            return Ok(Ended::Done);
        }
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                silent = Duration::ZERO;
                let line = line.map_err(TailError::Broken)?;
                // A blank one only says that the daemon is there.
                if !line.trim().is_empty() {
                    print(line.trim_end())?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                silent += LOOK;
                if silent >= SILENCE_MAX {
                    return Err(TailError::Silent.into());
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Err(TailError::Stopped.into()),
        }
    }
}

/// A line for people. Every text in it is somebody else's, and may hold what moves a cursor.
fn print(line: &str, paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let Ok(line) = serde_json::from_str::<Line>(line) else {
        return writeln!(out, "{}", OneLine(line));
    };
    if let Some(skipped) = line.skipped {
        let words = format!("{skipped} more were not shown: they came faster than they were read");
        return writeln!(out, "{}", paint.show(AnsiColor::Yellow.on_default(), words));
    }
    let time = line.time.map_or_else(String::new, |time| time.strftime("%T%.3fZ").to_string());
    let stage = format!("{:<11}", OneLine(&line.stage).to_string());
    write!(out, "{time} {}", paint.show(style(&line.stage), stage))?;
    if let (Some(event), Some(bucket), Some(key)) = (&line.event, &line.bucket, &line.key) {
        write!(out, " {} {}/{}", OneLine(event), OneLine(bucket), OneLine(key))?;
    }
    if let Some(arn) = &line.destination {
        write!(out, " → {}", OneLine(short(arn)))?;
    }
    if let Some(rule) = &line.rule {
        write!(out, " ({})", OneLine(rule))?;
    }
    if let Some(class) = &line.class {
        write!(out, " {}", OneLine(class))?;
    }
    if let Some(code) = &line.code {
        write!(out, " {}", OneLine(code))?;
    }
    match &line.message {
        Some(message) => writeln!(out, ": {}", OneLine(message)),
        None => writeln!(out),
    }
}

fn style(stage: &str) -> Style {
    match stage {
        "matched" => AnsiColor::Cyan.on_default(),
        "delivered" => AnsiColor::Green.on_default(),
        "failed" => AnsiColor::Yellow.on_default(),
        "quarantined" => AnsiColor::Magenta.on_default(),
        "dead" => AnsiColor::Red.on_default().effects(Effects::BOLD),
        _ => Style::new().effects(Effects::DIMMED),
    }
}

/// What people call a destination: its service and its name.
fn short(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':');
    let (Some(service), Some(resource)) = (parts.nth(2), parts.nth(2)) else {
        return arn.to_owned();
    };
    let name = resource.strip_prefix("function:").or(resource.strip_prefix("event-bus/"));
    format!("{service}:{}", name.unwrap_or(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, paint: Paint) -> String {
        let mut out = Vec::new();
        print(line, paint, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_says_when_what_where_and_why() {
        let failed = r#"{"time":"2026-11-22T08:12:31.5Z","stage":"failed","bucket":"photos","key":"a b","event":"ObjectCreated:Put","event_id":"00","rule":"r","destination":"arn:aws:sqs:us-east-1:123456789012:thumbs","class":"broken","code":"NoSuchQueue","message":"it is gone"}"#;
        assert_eq!(
            shown(failed, Paint::Plain),
            "08:12:31.500Z failed      ObjectCreated:Put photos/a b → sqs:thumbs (r) broken \
             NoSuchQueue: it is gone\n"
        );
        let rejected = r#"{"time":"2026-11-22T08:12:31Z","stage":"quarantined","message":"no"}"#;
        assert_eq!(shown(rejected, Paint::Plain), "08:12:31.000Z quarantined: no\n");
        let skipped = shown(r#"{"skipped":7}"#, Paint::Plain);
        assert!(skipped.starts_with("7 more were not shown"), "{skipped}");
    }

    #[test]
    fn no_key_moves_the_cursor() {
        let line = r#"{"time":"2026-11-22T08:12:31Z","stage":"\u001b[1m","bucket":"b","key":"\u001b[2J\nx","event":"e","message":"\u001b]0;t\u0007"}"#;
        let shown = shown(line, Paint::Plain);
        assert_eq!(shown.matches('\n').count(), 1);
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    }

    #[test]
    fn only_the_stage_is_coloured() {
        let line = r#"{"time":"2026-11-22T08:12:31Z","stage":"delivered"}"#;
        let coloured = shown(line, Paint::Colours);
        assert_eq!(coloured, "08:12:31.000Z \u{1b}[32mdelivered  \u{1b}[0m\n");
    }

    #[test]
    fn a_destination_is_called_by_its_service_and_name() {
        for (arn, name) in [
            ("arn:aws:sns:us-east-1:123456789012:t", "sns:t"),
            ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "lambda:f:live"),
            ("arn:aws:events:us-east-1:123456789012:event-bus/default", "events:default"),
            ("what", "what"),
        ] {
            assert_eq!(short(arn), name);
        }
    }
}
