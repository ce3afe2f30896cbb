//! How the lanes are doing, for whoever asks.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use super::rate::Rate;

/// One lane, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneStatus {
    /// The destination's ARN.
    pub destination: Arc<str>,
    /// What it does.
    pub state: LaneState,
    /// Why it did not deliver last, until it delivers again.
    pub last_error: Option<LastError>,
    /// When it tries again, if it does not send now.
    pub next_attempt: Option<Timestamp>,
    /// Requests that may be on the wire.
    pub concurrency: usize,
    /// Requests that are.
    pub in_flight: usize,
    /// Messages that wait to be sent again.
    pub waiting: usize,
    /// Messages that wait for the one before them of their key.
    pub held_back: usize,
    /// Messages delivered since the lane was opened.
    pub delivered: u64,
    /// When the oldest event that the lane knows of was accepted. It knows none that it has not read.
    pub oldest: Option<Timestamp>,
    /// Messages delivered in a second, over about the last ten, for whoever asked [`Statuses`].
    pub rate: f64,
    /// What that is computed from: it falls while the lane does nothing, too.
    pub(super) recent: Rate,
}

/// What a lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneState {
    /// It sends what there is.
    Delivering,
    /// The destination fails; the lane waits, and tries one message.
    Retrying,
    /// The destination or the right to it is gone, or the disk does not give back what is pending:
    /// an operator has to act. It is tried again from time to time.
    Broken,
    /// The settings say so.
    Paused,
}

/// Why a lane did not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// The class of the failure.
    pub class: &'static str,
    /// The service's error code, or ours.
    pub code: Box<str>,
    /// The service's words, or ours.
    pub message: Box<str>,
    /// When.
    pub time: Timestamp,
}

/// The status of every lane that runs. A clone sees the same.
#[derive(Clone, Debug, Default)]
pub struct Statuses {
    /// Locked when a lane opens or closes, and when somebody asks; never while delivering.
    lanes: Arc<Mutex<BTreeMap<Arc<str>, watch::Receiver<LaneStatus>>>>,
    /// By how much the books of a destination differed at the last check, where they did. Locked at
    /// each check, and when somebody asks.
    imbalances: Arc<Mutex<HashMap<Arc<str>, u64>>>,
}

impl LaneState {
    /// The label in metrics and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivering => "delivering",
            Self::Retrying => "retrying",
            Self::Broken => "broken",
            Self::Paused => "paused",
        }
    }

    /// Every state.
    pub const ALL: [Self; 4] = [Self::Delivering, Self::Retrying, Self::Broken, Self::Paused];
}

impl LaneStatus {
    pub(super) fn new(destination: &Arc<str>) -> Self {
        Self {
            destination: Arc::clone(destination),
            state: LaneState::Delivering,
            last_error: None,
            next_attempt: None,
            concurrency: 0,
            in_flight: 0,
            waiting: 0,
            held_back: 0,
            delivered: 0,
            oldest: None,
            rate: 0.0,
            recent: Rate::new(Instant::now()),
        }
    }

    fn at(&self, now: Instant) -> Self {
        Self { rate: self.recent.per_second(now), ..self.clone() }
    }
}

impl Statuses {
    /// Every lane, by destination.
    pub fn all(&self) -> Vec<LaneStatus> {
        let now = Instant::now();
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.values().map(|lane| lane.borrow().at(now)).collect()
    }

    /// The lane of one destination, if it has one.
    pub fn of(&self, destination: &str) -> Option<LaneStatus> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.get(destination).map(|lane| lane.borrow().at(Instant::now()))
    }

    /// By how much the books of a destination differed when they were last checked; 0, or something
    /// is wrong.
    pub fn imbalance_of(&self, destination: &str) -> u64 {
        let imbalances = self.imbalances.lock().unwrap_or_else(PoisonError::into_inner);
        imbalances.get(destination).copied().unwrap_or_default()
    }

    pub(super) fn checked(&self, lane: &Arc<str>, imbalance: u64) {
        let mut imbalances = self.imbalances.lock().unwrap_or_else(PoisonError::into_inner);
        if imbalance == 0 {
            imbalances.remove(lane);
        } else {
            imbalances.insert(Arc::clone(lane), imbalance);
        }
    }

    pub(super) fn opened(&self, lane: Arc<str>, status: watch::Receiver<LaneStatus>) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(lane, status);
    }

    pub(super) fn closed(&self, lane: &str) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_that_agree_again_are_not_remembered() {
        let (statuses, lane) = (Statuses::default(), "q".into());
        statuses.checked(&lane, 3);
        assert_eq!((statuses.imbalance_of("q"), statuses.imbalance_of("r")), (3, 0));
        statuses.checked(&lane, 0);
        assert_eq!(statuses.imbalance_of("q"), 0);
    }
}
