//! `fanfare explain`: every rule of a bucket and one event, a block a rule.
//!
//! The answer comes from the daemon or from the files, and looks the same.

use std::{
    fmt::Display,
    io::{self, Write},
};

use anyhow::Context;

use super::{Explain, Findings};
use crate::{
    config::Config,
    control::{self, Scope},
    model::{OneLine, decode_form},
    rules::{Explained, Explanation, InForce},
};

/// Explains and prints. A broken document is a problem, even where its last good version is
/// explained.
pub fn explain(asked: &Explain, out: &mut impl Write) -> anyhow::Result<Findings> {
    let (explanation, source) = match &asked.admin {
        Some(url) => (ask(url, asked)?, format!("in force in the daemon at {url}")),
        None => from_files(asked)?,
    };
    if asked.json {
        writeln!(out, "{}", explanation.to_json())?;
    } else {
        print(&explanation, &source, out)?;
    }
    Ok(match explanation.document {
        InForce::Current | InForce::Missing => Findings::None,
        InForce::LastGood | InForce::Unreadable => Findings::Problems,
    })
}

fn ask(url: &str, asked: &Explain) -> anyhow::Result<Explanation> {
    let question = asked.question();
    let parameters = [
        ("bucket", question.bucket.as_str()),
        ("event", question.event_type.name()),
        ("key", question.key.as_str()),
    ];
    Ok(asked.access.client(url.to_owned(), None)?.get("explain", &parameters)?)
}

fn from_files(asked: &Explain) -> anyhow::Result<(Explanation, String)> {
    let path = asked.config.as_ref().context("name the settings with --config")?;
    let config = Config::load(path)?;
    let bus = config.bus()?;
    let scope = Scope { region: config.region, bus, rules: config.rules };
    let directory = &config.notifications.directory;
    let explanation = control::explain_files(directory, &scope, &asked.question())?;
    Ok((explanation, format!("in {}", directory.display())))
}

fn print(explanation: &Explanation, source: &str, out: &mut impl Write) -> io::Result<()> {
    let mut line = |label: &str, text: &dyn Display| writeln!(out, "{label:<13}{}", OneLine(text));
    line("event", &explanation.event)?;
    line("bucket", &explanation.bucket)?;
    line("key", &explanation.key)?;
    line("encoded key", &explanation.encoded_key)?;
    if let Some(decoded) = looks_encoded(&explanation.key) {
        let note = format_args!(
            "the key is taken as it stands; if it is from an event, it is encoded: ask for \
             `{decoded}`"
        );
        line("note", &note)?;
    }
    let problem = explanation.problem.as_deref().unwrap_or_default();
    match explanation.document {
        InForce::Current => line("document", &source)?,
        InForce::Missing => line("document", &format_args!("none {source}"))?,
        InForce::LastGood => {
            line("document", &format_args!("broken: {problem}"))?;
            line("in force", &"the last document that could be read")?;
        }
        InForce::Unreadable => {
            line("document", &format_args!("broken: {problem}"))?;
            line("in force", &"nothing; the bucket's events go to the quarantine")?;
        }
    }
    for rule in &explanation.rules {
        writeln!(out)?;
        print_rule(rule, out)?;
    }
    writeln!(out, "\n{}", OneLine(summary(explanation)))
}

fn print_rule(rule: &Explained, out: &mut impl Write) -> io::Result<()> {
    let mut line = |label: &str, text: &dyn Display| writeln!(out, "{label:<13}{}", OneLine(text));
    line("rule", &rule.id.as_deref().unwrap_or("EventBridge"))?;
    line("destination", &rule.destination)?;
    if rule.matched {
        return line("outcome", &"matched");
    }
    let reasons: Vec<_> = rule.reasons.iter().map(|reason| reason.text.as_str()).collect();
    line("outcome", &format_args!("no: {}", reasons.join("; ")))
}

fn summary(explanation: &Explanation) -> String {
    let (rules, matched) = (&explanation.rules, &explanation.destinations);
    let count = rules.iter().filter(|rule| rule.matched).count();
    match explanation.document {
        InForce::Unreadable => "nobody can say: no document of the bucket was ever readable".into(),
        InForce::Missing => "no rule matches: the bucket has no notification document".into(),
        _ if rules.is_empty() => "no rule matches: the document has none".into(),
        _ if count == 0 => format!("0 of {} match: nobody is notified", of(rules.len())),
        _ => {
            let verb = if count == 1 { "matches" } else { "match" };
            format!("{count} of {} {verb}: → {}", of(rules.len()), matched.join(", "))
        }
    }
}

fn of(rules: usize) -> String {
    format!("{rules} rule{}", if rules == 1 { "" } else { "s" })
}

/// What the key would be if it was copied from an event: it has an escape of the form encoding.
fn looks_encoded(key: &str) -> Option<String> {
    let escapes = key.as_bytes().windows(3).filter(|bytes| {
        matches!(bytes, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    let decoded = decode_form(key)?;
    (escapes.count() > 0).then_some(decoded)
}
