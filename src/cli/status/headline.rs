//! The first line: whether something is wrong, and what. Pure: a status in, a sentence out.

use anstyle::{AnsiColor, Style};

use super::words::{count, many, since};
use crate::admin::{Destination, Lane, Status};

/// In the order in which they are told.
const SICK: [&str; 3] = ["broken", "retrying", "paused"];

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    /// All is well.
    Healthy,
    /// It may pass, or somebody wanted it so.
    Uneasy,
    /// Somebody has to act.
    Wrong,
}

/// What there is to say, and its colour.
pub(super) fn headline(status: &Status) -> (Style, String) {
    let findings: Vec<_> =
        [refusal(status), destinations(status), books(status), documents(status), reload(status)]
            .into_iter()
            .flatten()
            .collect();
    let grade = findings.iter().map(|(grade, _)| *grade).max().unwrap_or(Grade::Healthy);
    let mut parts: Vec<_> = findings.into_iter().map(|(_, words)| words).collect();
    if grade == Grade::Healthy {
        let known = in_use(status).count() as u64;
        parts.push(match known {
            0 => "healthy: no destination yet".into(),
            known => format!("healthy: {}", many(known, "destination")),
        });
    }
    parts.push(pending(status));
    parts.extend(dead(status));
    (style(grade), parts.join("; "))
}

fn refusal(status: &Status) -> Option<(Grade, String)> {
    let why = status.journal.refusing.as_ref()?;
    Some((
        Grade::Wrong,
        format!(
            "new events are refused: the journal is {}",
            why.strip_prefix("the ").unwrap_or(why)
        ),
    ))
}

fn destinations(status: &Status) -> Option<(Grade, String)> {
    let all = in_use(status).count();
    let of = |state: &str| in_use(status).filter(|(_, lane)| lane.state == state).count();
    let mut told: Vec<String> = Vec::new();
    for state in SICK {
        match (of(state), told.is_empty()) {
            (0, _) => {}
            (some, true) => {
                let plural = if all == 1 { "" } else { "s" };
                told.push(format!("{some} of {all} destination{plural} {state}"));
            }
            (some, false) => told.push(format!("{some} {state}")),
        }
    }
    let grade = if of("broken") > 0 { Grade::Wrong } else { Grade::Uneasy };
    (!told.is_empty()).then(|| (grade, told.join(", ")))
}

fn books(status: &Status) -> Option<(Grade, String)> {
    let imbalance = status.books.imbalance;
    (imbalance > 0).then(|| (Grade::Wrong, format!("the books differ by {}", count(imbalance))))
}

fn documents(status: &Status) -> Option<(Grade, String)> {
    let broken = status.documents.broken.len() as u64;
    (broken > 0).then(|| (Grade::Wrong, format!("{} cannot be used", many(broken, "document"))))
}

fn reload(status: &Status) -> Option<(Grade, String)> {
    status.config.reload_problem.as_ref()?;
    Some((Grade::Uneasy, "the last reload changed nothing".into()))
}

fn pending(status: &Status) -> String {
    let pending: u64 = status.destinations.iter().map(|it| it.books.pending).sum();
    if pending == 0 {
        return "nothing pending".into();
    }
    let waits = in_use(status).filter(|(destination, _)| destination.books.pending > 0);
    let oldest = waits.filter_map(|(_, lane)| lane.oldest).min();
    let oldest = oldest.map(|oldest| format!(", the oldest for {}", since(oldest, status.time)));
    format!("{} pending{}", many(pending, "event"), oldest.unwrap_or_default())
}

fn dead(status: &Status) -> Option<String> {
    let dead = status.journal.dead_letters;
    (dead > 0).then(|| many(dead, "dead letter"))
}

/// The destinations that have a lane.
fn in_use(status: &Status) -> impl Iterator<Item = (&Destination, &Lane)> {
    status.destinations.iter().filter_map(|it| Some((it, it.lane.as_ref()?)))
}

fn style(grade: Grade) -> Style {
    let colour = match grade {
        Grade::Healthy => AnsiColor::Green,
        Grade::Uneasy => AnsiColor::Yellow,
        Grade::Wrong => AnsiColor::Red,
    };
    colour.on_default().bold()
}
