//! How often the rules of a bucket wanted an event.
//!
//! It counts what was accepted, not what was asked: a search touches none of this. The counts
//! live as long as the compiled rules, so rules that take the place of others begin anew. They are
//! a piece of memory of their own, so that counting on one core does not take from the others what
//! a search reads there.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{Bucket, Found, Shared};
use crate::model::BucketName;

/// The counts of one bucket: its events, those that any rule wanted, and then those of each rule.
/// Each count is right by itself; two of them may be of different moments.
#[derive(Clone, Debug)]
pub(super) struct Hits(Arc<[AtomicU64]>);

/// Of the whole bucket.
const HEAD: usize = 2;

impl Hits {
    pub(super) fn new(rules: usize) -> Self {
        Self((0..HEAD + rules).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn events(&self) -> u64 {
        self.read(0)
    }

    pub(super) fn matched(&self) -> u64 {
        self.read(1)
    }

    pub(super) fn of_rule(&self, rule: usize) -> u64 {
        self.read(HEAD + rule)
    }

    fn read(&self, at: usize) -> u64 {
        self.0.get(at).map_or(0, |count| count.load(Relaxed))
    }

    fn add(&self, at: usize, count: u64) {
        if let Some(counter) = self.0.get(at) {
            counter.fetch_add(count, Relaxed);
        }
    }
}

/// Events of buckets without a document, which nobody wants: a name that is misspelt shows here.
#[derive(Debug, Default)]
pub(super) struct Strays {
    events: AtomicU64,
    /// Locked once a request that has such events, and for a moment.
    last: Mutex<Option<BucketName>>,
}

impl Strays {
    fn add(&self, events: u64, last: BucketName) {
        self.events.fetch_add(events, Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

impl Shared {
    /// How many events were accepted of buckets without a document, and which bucket was the last.
    pub fn strays(&self) -> (u64, Option<BucketName>) {
        let last = self.strays.last.lock().unwrap_or_else(PoisonError::into_inner);
        (self.strays.events.load(Relaxed), last.clone())
    }
}

/// Events on their way to the counts of their buckets, which get them once the events are accepted.
#[derive(Debug, Default)]
pub struct Tally {
    /// One for each run of events of the same bucket.
    runs: Vec<Run>,
    /// The rules that wanted them, one run after the other.
    rules: Vec<u32>,
    /// Of buckets without a document, and the last such bucket.
    strays: Option<(u64, BucketName)>,
}

#[derive(Debug)]
struct Run {
    hits: Hits,
    events: u64,
    matched: u64,
    /// Where its rules end.
    rules_end: usize,
}

impl Tally {
    /// Adds an event of the bucket, and the rules that want it.
    pub fn add(&mut self, bucket: &Bucket, found: &Found) {
        self.rules.extend(found.numbers());
        let (matched, rules_end) = (u64::from(!found.is_empty()), self.rules.len());
        match self.runs.last_mut() {
            Some(run) if Arc::ptr_eq(&run.hits.0, &bucket.hits.0) => {
                run.events += 1;
                run.matched += matched;
                run.rules_end = rules_end;
            }
            _ => self.runs.push(Run { hits: bucket.hits.clone(), events: 1, matched, rules_end }),
        }
    }

    /// Adds an event of a bucket without a document.
    pub fn add_stray(&mut self, bucket: &BucketName) {
        match &mut self.strays {
            Some((events, last)) => {
                *events += 1;
                last.clone_from(bucket);
            }
            None => self.strays = Some((1, bucket.clone())),
        }
    }

    /// Counts all of them.
    pub fn count(self, shared: &Shared) {
        if let Some((events, last)) = self.strays {
            shared.strays.add(events, last);
        }
        let mut rules = self.rules.into_iter();
        let mut counted = 0;
        for Run { hits, events, matched, rules_end } in self.runs {
            hits.add(0, events);
            hits.add(1, matched);
            for rule in rules.by_ref().take(rules_end - counted) {
                hits.add(HEAD + rule as usize, 1);
            }
            counted = rules_end;
        }
    }
}
