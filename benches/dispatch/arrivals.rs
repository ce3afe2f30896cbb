//! What arrived at the endpoint: of a message only when its event came first.

use std::{sync::LazyLock, time::Instant};

use regex::Regex;

use super::aws::{Entry, record::Record};

/// What came since the last reset.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Of each event, by its number.
    pub(crate) first: Vec<Option<Instant>>,
    /// Events, however often each of them came.
    pub(crate) events: u64,
    /// Messages.
    pub(crate) messages: u64,
    /// Requests.
    pub(crate) requests: u64,
    /// Of the latest message.
    pub(crate) last: Option<Instant>,
    /// The first message.
    pub(crate) sample: String,
}

impl Record for Arrivals {
    fn arrived<'a>(&mut self, _: &str, entries: impl Iterator<Item = &'a Entry<'a>>) {
        let now = Instant::now();
        self.requests += 1;
        for entry in entries {
            if self.sample.is_empty() {
                self.sample = entry.body().into_owned();
            }
            self.arrive(number(entry.raw()), now);
        }
    }
}

impl Arrivals {
    fn arrive(&mut self, number: usize, now: Instant) {
        if self.first.len() <= number {
            self.first.resize(number + 1, None);
        }
        let first = self.first.get_mut(number).expect("just made long enough");
        self.events += u64::from(first.is_none());
        self.messages += 1;
        first.get_or_insert(now);
        self.last = Some(now);
    }
}

/// The number of the event that a message tells of.
fn number(message: &str) -> usize {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("event-([0-9]{9})").expect("the pattern is fixed"));
    let found = NUMBER.captures(message).and_then(|found| found[1].parse().ok());
    found.expect("every event of the bench has a number")
}
