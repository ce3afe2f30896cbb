//! The judgement on what a destination got.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::AddAssign,
};

use super::{
    Form, Told,
    event::{object, read},
};

/// What one destination got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Got<'a> {
    /// The messages, in the order in which they came.
    pub(crate) messages: &'a [String],
    /// Its dead letters, by the numbers of their events.
    pub(crate) dead: &'a BTreeSet<u64>,
    pub(crate) form: Form,
    /// Which events it asked for.
    pub(crate) wants: fn(u64) -> bool,
    pub(crate) order: Order,
}

/// What was promised of the order in which messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing.
    Any,
    /// The events of one object come for the first time in the order in which they happened.
    PerObject,
}

/// What was counted, over any number of faults.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Lives of a daemon.
    pub(crate) runs: u64,
    /// Things done to it.
    pub(crate) faults: u64,
    /// Events answered 200.
    pub(crate) events: u64,
    /// Messages that destinations took.
    pub(crate) messages: u64,
    /// Messages that told what one before had told.
    pub(crate) duplicates: u64,
    /// Events that ended as dead letters.
    pub(crate) dead: u64,
}

impl Counts {
    /// Nothing yet.
    pub(crate) const ZERO: Self =
        Self { runs: 0, faults: 0, events: 0, messages: 0, duplicates: 0, dead: 0 };
}

/// Judges one destination. An error says in one line what is wrong.
pub(crate) fn judge(told: &Told, got: Got<'_>) -> Result<Counts, String> {
    let mut seen = BTreeSet::new();
    let mut counts = Counts { dead: got.dead.len() as u64, ..Counts::default() };
    let mut latest = BTreeMap::new();
    for message in got.messages {
        let number = read(message, got.form);
        let number = number.ok_or_else(|| format!("not what was posted: {message}"))?;
        let posted = told.accepted.contains(&number) || told.unanswered.contains(&number);
        if !posted || !(got.wants)(number) {
            return Err(format!("nobody asked to be told of event {number:#x}"));
        }
        counts.messages += 1;
        if !seen.insert(number) {
            counts.duplicates += 1;
            continue;
        }
        let before = latest.insert(object(number), number);
        if got.order == Order::PerObject && before.is_some_and(|before| before > number) {
            return Err(format!("event {number:#x} came after {:#x}", before.unwrap_or_default()));
        }
    }
    let owed = |number: &&u64| {
        (got.wants)(**number) && !seen.contains(number) && !got.dead.contains(number)
    };
    let lost: Vec<_> = told.accepted.iter().filter(owed).collect();
    match lost.first() {
        None => Ok(counts),
        Some(first) => Err(format!(
            "{} of {} events are lost, the first is {first:#x}",
            lost.len(),
            told.accepted.len()
        )),
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let Self { runs, faults, events, messages, duplicates, dead } = other;
        self.runs += runs;
        self.faults += faults;
        self.events += events;
        self.messages += messages;
        self.duplicates += duplicates;
        self.dead += dead;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, faults, events, messages, duplicates, dead } = self;
        write!(
            f,
            "{runs} runs, {faults} faults, {events} events, {messages} messages, {duplicates} \
             duplicates, {dead} dead letters, 0 lost, 0 foreign"
        )
    }
}
