//! What a lane reads: new records, and those again whose wait is over.

use std::{hash::BuildHasher as _, sync::Arc};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    GivenUp, Ordering,
    batch::{Delivery, size},
    circuit::Permit,
    graves::Grave,
    lane::Lane,
    removal::Presence,
    ticket::{ANY, Reason, Ticket},
    unread::Illegible,
};
use crate::{
    journal::{Fetched, Origin},
    model::{Again, Message, Record, RecordError},
    publish::Publish,
    tail::Subject,
};

/// Messages that wait before a lane reads no further: some 3 MB of memory.
const WAITING_MAX: usize = 16_384;

/// Messages that wait for another of their key before a lane reads no further: some 6 MB of memory.
/// A key with more events than that pending behind a failed one holds back the others too.
const HELD_BACK_MAX: usize = 65_536;

/// How many records to look at at once where none is sent.
pub(super) const LOOK: usize = 64;
/// And how many bytes of them.
const LOOK_BYTES: usize = 1 << 20;

/// What a lane may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intake {
    /// What it is going to send.
    Messages,
    /// What it only keeps an eye on.
    Tickets,
    Nothing,
}

/// How much larger messages are than their records, so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansion {
    read: u64,
    rendered: u64,
}

impl Default for Expansion {
    /// A guess that the first message corrects.
    fn default() -> Self {
        Self { read: 1, rendered: 4 }
    }
}

impl Expansion {
    /// The bytes of records whose messages fill so much room.
    fn of_records(self, room: usize) -> usize {
        let bytes = (room as u64).saturating_mul(self.read) / self.rendered.max(1);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

impl<P: Publish> Lane<P> {
    pub(super) fn intake(&self, now: Instant) -> Intake {
        if !self.unread.may_fetch(now) || !self.can_wait_for_more() {
            return Intake::Nothing;
        }
        match self.permit(now) {
            Permit::Everything if self.can_hold_more() => Intake::Messages,
            Permit::Probe if self.ready.is_empty() && !self.has_due(now) => Intake::Messages,
            // One is enough to know when the oldest is too old.
            Permit::Nothing if self.looks_at_age() => Intake::Tickets,
            Permit::Everything | Permit::Probe | Permit::Nothing => Intake::Nothing,
        }
    }

    fn looks_at_age(&self) -> bool {
        let knows_none = self.tickets.resting() == 0 && self.graves.len() == 0;
        self.config.max_age.is_some() && !self.config.paused && knows_none
    }

    fn has_due(&self, now: Instant) -> bool {
        self.tickets.next_due().is_some_and(|until| until.is_none_or(|until| until <= now))
    }

    /// Whether there is memory for another message.
    fn can_hold_more(&self) -> bool {
        self.room() > 0 && self.ready.len() < self.ready_max()
    }

    /// Whether there is memory for another place in the journal.
    pub(super) fn can_wait_for_more(&self) -> bool {
        self.tickets.resting() + self.graves.len() < WAITING_MAX
            && self.tickets.held_back() < HELD_BACK_MAX
    }

    /// Bytes of messages that may still be held.
    fn room(&self) -> usize {
        self.config.in_flight_bytes().saturating_sub(self.ready.bytes() + self.wire_bytes)
    }

    /// Twice what can be on the wire, so that the next requests are ready when a place is free.
    fn ready_max(&self) -> usize {
        self.limiter.limit().saturating_mul(self.shape.entries * 2)
    }

    pub(super) async fn take_in(&mut self, intake: Intake) {
        let now = Instant::now();
        let (count, bytes) = match (intake, self.permit(now)) {
            (Intake::Nothing, _) => return,
            (Intake::Tickets, _) => (LOOK, LOOK_BYTES),
            (Intake::Messages, Permit::Probe) => (1, LOOK_BYTES),
            (Intake::Messages, _) => (
                self.ready_max().saturating_sub(self.ready.len()),
                self.expansion.of_records(self.room()),
            ),
        };
        self.fetch(intake, count, bytes).await;
    }

    /// Reads new records; answers how many.
    pub(super) async fn fetch(&mut self, intake: Intake, count: usize, bytes: usize) -> usize {
        if !self.unread.may_fetch(Instant::now()) {
            return 0;
        }
        let fetched = match self.reader.fetch(count, bytes).await {
            Ok(fetched) => fetched,
            Err(cause) => {
                self.cannot_go_on(&cause);
                return 0;
            }
        };
        let (now, wall) = (Instant::now(), self.surroundings.clock.now());
        let count = fetched.len();
        for it in fetched {
            self.admit(it, intake, (now, wall));
        }
        count
    }

    /// Reads new records as tickets; answers how many.
    pub(super) async fn fetch_tickets(&mut self) -> usize {
        self.fetch(Intake::Tickets, LOOK, LOOK_BYTES).await
    }

    fn admit(&mut self, fetched: Fetched, intake: Intake, now: (Instant, Timestamp)) {
        let Fetched { position, ordinal, body, time, origin } = fetched;
        let in_order = self.config.ordering == Ordering::PerKey;
        let record = (intake == Intake::Messages || in_order).then(|| Record::decode(&body));
        let readable = record.as_ref().filter(|_| in_order).and_then(|record| record.as_ref().ok());
        let key =
            readable.map(|Record { event, .. }| self.keys.hash_one((&event.bucket, &event.key)));
        let (accepted, company) = (time, ANY);
        let mut ticket =
            Ticket { position, ordinal, accepted, origin, key, company, trouble: None };
        if let Some(key) = key {
            match self.tickets.admit(key, position.seq(), ticket) {
                Some(head) => ticket = head,
                None => return,
            }
        }
        self.expansion.read += body.len() as u64;
        match record {
            Some(record) if intake == Intake::Messages => self.make_ready(ticket, record, now),
            _ => self.tickets.rest(position.seq(), ticket, None),
        }
    }

    /// When a message is to be read again.
    pub(super) fn recall_at(&self, now: Instant) -> Option<Instant> {
        let has_room = match self.permit(now) {
            Permit::Everything => self.can_hold_more(),
            Permit::Probe => self.ready.is_empty(),
            Permit::Nothing => false,
        };
        self.tickets.next_due().filter(|_| has_room).map(|until| until.unwrap_or(now))
    }

    /// Reads those messages again whose wait is over, as far as they may be sent.
    pub(super) async fn recall(&mut self, now: Instant) {
        if self.permit(now) == Permit::Probe && self.next_has_failed() {
            // One that the destination refused shall not be the only one it ever gets to see.
            let is_new = self.can_wait_for_more() && self.fetch(Intake::Messages, 1, 0).await > 0;
            if is_new {
                return;
            }
        }
        let mut share = (self.ready_max() / 2).max(1);
        while share > 0 && self.recall_at(now).is_some_and(|at| at <= now) {
            let Some(mut ticket) = self.tickets.take_due(now) else { break };
            match self.read_again(&mut ticket).await {
                Ok(body) => {
                    self.expansion.read += body.len() as u64;
                    let wall = self.surroundings.clock.now();
                    self.make_ready(ticket, Record::decode(&body), (now, wall));
                }
                // That took a search through a segment: what else there is to do comes first.
                Err(Illegible::Gone) => return,
                Err(Illegible::Until(until)) => {
                    self.tickets.rest(ticket.position.seq(), ticket, Some(until));
                }
            }
            if !self.unread.may_read(now) {
                return;
            }
            share -= 1;
        }
    }

    fn next_has_failed(&self) -> bool {
        self.ready.is_empty() && self.tickets.next_due().is_some_and(|until| until.is_some())
    }

    fn make_ready(
        &mut self,
        ticket: Ticket,
        record: Result<Record, RecordError>,
        (now, wall): (Instant, Timestamp),
    ) {
        if self.is_expired(&ticket, wall) {
            return self.dig_expired(ticket, (now, wall));
        }
        let number = ticket.position.seq();
        let presence = record.as_ref().map(|record| self.presence(record, &ticket, now));
        match presence {
            Ok(Presence::Away(until)) => return self.tickets.rest(number, ticket, Some(until)),
            Ok(Presence::Gone) => return self.give_up(ticket, now),
            Ok(Presence::Here) | Err(_) => {}
        }
        match self.message(record, ticket.ordinal) {
            Ok((mut message, subject)) => {
                message.again = again(&ticket);
                self.expansion.rendered += size(&message) as u64;
                self.ready.push_back(Delivery { ticket, message, subject, since: now });
            }
            Err(reason) => {
                self.graves.dig(Grave { ticket, reason, given_up: GivenUp::Unreadable }, now);
            }
        }
    }

    fn message(
        &self,
        record: Result<Record, RecordError>,
        ordinal: usize,
    ) -> Result<(Message, Subject), Arc<Reason>> {
        let unreadable = |cause| Reason::new("unreadable", "UnreadableRecord", cause);
        let words = "the event has no form that this destination takes";
        let formless = || Reason::new("unreadable", "NoSuchForm", words);
        let record = record.map_err(unreadable)?;
        let message = self.render(&record, ordinal).ok_or_else(formless)?;
        Ok((message, record.event.into()))
    }

    pub(super) fn is_expired(&self, ticket: &Ticket, wall: Timestamp) -> bool {
        self.config.max_age.is_some_and(|max_age| ticket.age(wall) >= max_age)
    }

    /// Whether the event is still asked for, if that matters. What an operator sends again is,
    /// whatever the rules say.
    pub(super) fn presence(&mut self, record: &Record, ticket: &Ticket, now: Instant) -> Presence {
        if !self.may_give_up() || ticket.origin != Origin::Store {
            return Presence::Here;
        }
        let Some(rule) = record.rules.get(ticket.ordinal) else { return Presence::Here };
        let (event, rule) = (&record.event, rule.as_ref());
        if self.surroundings.still_wanted.asks(event, rule, &self.destination) {
            self.absences.here(&event.bucket, rule)
        } else {
            self.absences.away(&event.bucket, rule, now)
        }
    }

    /// The message, unless the record names no rule for the destination, or the form does not exist.
    pub(super) fn render(&self, record: &Record, ordinal: usize) -> Option<Message> {
        let rule = record.rules.get(ordinal)?.as_ref();
        self.surroundings.renderer.message(self.form, &record.event, rule)
    }
}

/// Which sending of its event a message is, if it is not the first.
fn again(ticket: &Ticket) -> Option<Again> {
    let number = ticket.position.seq();
    match ticket.origin {
        Origin::Store => None,
        Origin::Redrive => Some(Again::Redriven(number)),
        Origin::Replay => Some(Again::Replayed(number)),
    }
}
