//! A lane that does not send looks through what is pending for what nobody asks for any more.
//!
//! A lane that sends finds it when it comes to it. One that is parked or paused never comes to it, so
//! it looks after each change of the documents: at everything if nothing is asked for any more, and
//! else at as much as it may keep places of.

use tokio::time::Instant;

use super::{
    circuit::State,
    intake::LOOK,
    lane::Lane,
    removal::{GRACE, Presence},
    unread::Illegible,
};
use crate::{model::Record, publish::Publish};

/// How far a look has come.
#[derive(Debug)]
pub(super) struct Sweep {
    due: Instant,
    /// Everything that rests below it was looked at.
    cursor: u64,
    /// Something may be gone, and may come back.
    found: Found,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Absent,
}

impl Sweep {
    pub(super) fn at(due: Instant) -> Self {
        Self { due, cursor: 0, found: Found::Nothing }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }
}

impl<P: Publish> Lane<P> {
    /// The documents have changed, or the lane has stopped sending.
    pub(super) fn look_for_removed(&mut self, now: Instant) {
        if self.may_give_up() {
            self.sweep.get_or_insert_with(|| Sweep::at(now)).cursor = 0;
        }
    }

    /// Looks at a few more.
    pub(super) async fn look_on(&mut self, now: Instant) {
        let sends = self.circuit.state() == State::Closed && !self.config.paused;
        let Some(mut sweep) = self.sweep.take_if(|sweep| sweep.due <= now) else { return };
        if sends || !self.may_give_up() {
            return;
        }
        for _ in 0..LOOK {
            let next = self.tickets.oldest_from(sweep.cursor).map(|(number, _)| number);
            let Some(number) = next else {
                if self.can_wait_for_more() && self.fetch_tickets().await > 0 {
                    continue;
                }
                if sweep.found == Found::Absent {
                    self.sweep = Some(Sweep::at(now + GRACE));
                }
                return;
            };
            sweep.cursor = number + 1;
            if self.look_at(number, now).await == Found::Absent {
                sweep.found = Found::Absent;
            }
            if !self.unread.may_read(now) {
                break;
            }
        }
        self.sweep = Some(sweep);
    }

    async fn look_at(&mut self, number: u64, now: Instant) -> Found {
        let resting = self.tickets.oldest_from(number).filter(|(oldest, _)| *oldest == number);
        let Some(mut ticket) = resting.map(|(_, ticket)| ticket.clone()) else {
            return Found::Nothing;
        };
        let presence = match self.read_again(&mut ticket).await {
            Ok(body) => Record::decode(&body)
                .map_or(Presence::Here, |record| self.presence(&record, &ticket, now)),
            Err(Illegible::Gone) => {
                self.tickets.take(number);
                Presence::Here
            }
            // It is found when it is to be sent.
            Err(Illegible::Until(_)) => Presence::Here,
        };
        match presence {
            Presence::Here => Found::Nothing,
            Presence::Away(_) => Found::Absent,
            Presence::Gone => {
                if let Some(ticket) = self.tickets.take(number) {
                    self.give_up(ticket, now);
                }
                Found::Nothing
            }
        }
    }
}
