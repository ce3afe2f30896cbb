//! Stores that post one event after another, and remember what they were told.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use ureq::Agent;

use super::event::{STORE_SHIFT, posted};

/// How long a store waits for its answer, and the pause of one that got none.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

/// All stores of a test, each with objects of its own.
#[derive(Debug)]
pub(crate) struct Stores {
    url: String,
    pause: Duration,
    next: Vec<AtomicU64>,
    /// Locked by a store for every answer.
    told: Mutex<Told>,
}

/// The numbers of events by what their store was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// 200: these are owed.
    pub(crate) accepted: BTreeSet<u64>,
    /// Anything else, or nothing: these may come or not.
    pub(crate) unanswered: BTreeSet<u64>,
}

impl Stores {
    /// So many, which post to this address and pause after each answer.
    pub(crate) fn new(address: &str, stores: u64, pause: Duration) -> Self {
        let first = |store: u64| AtomicU64::new(store << STORE_SHIFT);
        let next = (0..stores).map(first).collect();
        Self { url: format!("http://{address}/"), pause, next, told: Mutex::default() }
    }

    /// Posts until it is told to end. A store whose event was not taken goes on with the next.
    pub(crate) fn post_until(&self, ended: &AtomicBool) {
        self.post(|_| !ended.load(Ordering::Relaxed));
    }

    /// Posts so many events each.
    pub(crate) fn post_each(&self, events: u64) {
        self.post(|posted| posted < events);
    }

    fn post(&self, more: impl Fn(u64) -> bool + Sync) {
        let store = |next: &AtomicU64| {
            let agent = agent();
            for _ in (0..).take_while(|posted| more(*posted)) {
                self.post_one(&agent, next.fetch_add(1, Ordering::Relaxed));
            }
        };
        thread::scope(|scope| {
            for next in &self.next {
                scope.spawn(|| store(next));
            }
        });
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a store has a pace, and asks no daemon that is gone in a loop"
    )]
    fn post_one(&self, agent: &Agent, number: u64) {
        let body = posted(number).to_string();
        let answer = agent.post(&self.url).content_type("application/json").send(body);
        let accepted = answer.is_ok_and(|answer| answer.status() == 200);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if accepted { &mut told.accepted } else { &mut told.unanswered };
        list.insert(number);
        drop(told);
        thread::sleep(if accepted { self.pause } else { self.pause.max(PAUSE) });
    }

    /// What they were told until now.
    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events were taken until now.
    pub(crate) fn accepted(&self) -> usize {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).accepted.len()
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().into()
}
