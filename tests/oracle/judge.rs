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

/// What one destination got, read as it came.
#[derive(Debug)]
pub(crate) struct Seen {
    form: Form,
    numbers: BTreeSet<u64>,
    /// Of each object, the event that came last for the first time.
    latest: BTreeMap<u64, u64>,
    messages: u64,
    duplicates: u64,
    /// The first message that is not what was posted.
    foreign: Option<String>,
    /// The first event that came after a later one of its object.
    late: Option<u64>,
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

impl Seen {
    /// Nothing yet.
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            numbers: BTreeSet::new(),
            latest: BTreeMap::new(),
            messages: 0,
            duplicates: 0,
            foreign: None,
            late: None,
        }
    }

    /// One more message.
    pub(crate) fn take(&mut self, message: &str) {
        self.messages += 1;
        let Some(number) = read(message, self.form) else {
            self.foreign.get_or_insert_with(|| message.to_owned());
            return;
        };
        if !self.numbers.insert(number) {
            self.duplicates += 1;
            return;
        }
        let before = self.latest.insert(object(number), number);
        if before.is_some_and(|before| before > number) {
            self.late.get_or_insert(number);
        }
    }

    /// The first event that came after a later one of its object, if any did.
    pub(crate) fn late(&self) -> Option<u64> {
        self.late
    }
}

/// Judges one destination: what it got, which events it asked for, and which may be missing. An
/// error says in one line what is wrong.
pub(crate) fn judge(
    told: &Told,
    seen: &Seen,
    wants: fn(u64) -> bool,
    missing: &BTreeSet<u64>,
) -> Result<Counts, String> {
    if let Some(message) = &seen.foreign {
        return Err(format!("not what was posted: {message}"));
    }
    let posted = |number: &u64| told.accepted.contains(number) || told.unanswered.contains(number);
    if let Some(number) = seen.numbers.iter().find(|number| !posted(number) || !wants(**number)) {
        return Err(format!("nobody asked to be told of event {number:#x}"));
    }
    let here = |number: &u64| seen.numbers.contains(number) || missing.contains(number);
    let owed = told.accepted.iter().filter(|number| wants(**number));
    let lost: Vec<_> = owed.filter(|number| !here(number)).collect();
    if let Some(first) = lost.first() {
        let (lost, of) = (lost.len(), told.accepted.len());
        return Err(format!("{lost} of {of} events are lost, the first is {first:#x}"));
    }
    let Seen { messages, duplicates, .. } = *seen;
    Ok(Counts { messages, duplicates, ..Counts::ZERO })
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
