//! How the lanes are doing, for whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::watch;

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
}

/// What a lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneState {
    /// It sends what there is.
    Delivering,
    /// The destination fails; the lane waits, and tries one message.
    Retrying,
    /// The destination or the right to it is gone: an operator has to act. One message is tried from
    /// time to time.
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
        }
    }
}

impl Statuses {
    /// Every lane, by destination.
    pub fn all(&self) -> Vec<LaneStatus> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.values().map(|lane| lane.borrow().clone()).collect()
    }

    /// The lane of one destination, if it has one.
    pub fn of(&self, destination: &str) -> Option<LaneStatus> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.get(destination).map(|lane| lane.borrow().clone())
    }

    pub(super) fn opened(&self, lane: Arc<str>, status: watch::Receiver<LaneStatus>) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(lane, status);
    }

    pub(super) fn closed(&self, lane: &str) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(lane);
    }
}
