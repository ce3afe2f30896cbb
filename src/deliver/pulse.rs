//! Signs of life: whoever wants to know asks the task that owns the lanes, and that asks each lane.
//!
//! A lane takes a ping whenever it comes around, so one that has not taken the last ping when the
//! next is due is stuck. Nobody waits for a lane.

use std::sync::Arc;

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

/// Asks whether the lanes move. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pulse(mpsc::Sender<Question>);

/// Wants the lanes that are stuck.
pub(super) type Question = oneshot::Sender<Vec<Arc<str>>>;

/// Pings one lane.
#[derive(Debug)]
pub(super) struct Pings(mpsc::Sender<()>);

/// A pulse, and where its questions arrive.
pub(super) fn pulse() -> (Pulse, mpsc::Receiver<Question>) {
    // A question that is not taken is waited for.
    let (questions, inbox) = mpsc::channel(1);
    (Pulse(questions), inbox)
}

/// What pings a lane, and where the lane takes it.
pub(super) fn pings() -> (Pings, mpsc::Receiver<()>) {
    // Full means: the last ping was not taken.
    let (pings, taken) = mpsc::channel(1);
    (Pings(pings), taken)
}

impl Pulse {
    /// The lanes that have not moved since this was asked last. Returns when the owner of the
    /// lanes has moved; `None` if it has ended.
    pub async fn stuck(&self) -> Option<Vec<Arc<str>>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(reply).await.ok()?;
        answer.await.ok()
    }
}

impl Pings {
    /// Pings the lane, and says whether it has not taken the ping before. One that has ended is
    /// not stuck.
    pub(super) fn find_it_stuck(&self) -> bool {
        matches!(self.0.try_send(()), Err(TrySendError::Full(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_does_not_take_its_ping_is_stuck_the_next_time() {
        let (pings, mut taken) = pings();
        assert!(!pings.find_it_stuck());
        taken.try_recv().unwrap();
        assert!(!pings.find_it_stuck(), "it took the first");
        assert!(pings.find_it_stuck());
    }

    #[test]
    fn a_lane_that_has_ended_is_not_stuck() {
        let (pings, taken) = pings();
        pings.find_it_stuck();
        drop(taken);
        assert!(!pings.find_it_stuck());
    }
}
