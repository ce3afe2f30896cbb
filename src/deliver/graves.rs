//! What a lane gives up: it buries it among the dead letters, or forgets it where it is told to.
//!
//! A dead letter is durable before its record is acknowledged. While it cannot be written, because
//! the dead letters are full or their disk refuses, the message stays pending: nothing is given up
//! silently. It is not sent again either.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use bytesize::ByteSize;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::{
    DeadLetter, GivenUp, Remains, Removal,
    dead_letter::Contents,
    lane::Lane,
    ticket::{Reason, Ticket},
    unread::Illegible,
};
use crate::{
    journal::{Burial, BuryError},
    model::Record,
    publish::Publish,
    tail::Sighting,
};

/// Dead letters written at once.
const BURY_MAX: usize = 64;

/// Burials in a row before the lane looks at anything else.
const BURIALS_MAX: usize = 16;

/// How long to wait before trying again to bury.
const BURY_AGAIN: Duration = Duration::from_secs(10);

/// How often to see whether too much is pending.
const RELIEF_LOOK: Duration = Duration::from_secs(1);

/// A message that is given up, and why.
#[derive(Clone, Debug)]
pub(super) struct Grave {
    pub(super) ticket: Ticket,
    pub(super) reason: Arc<Reason>,
    pub(super) given_up: GivenUp,
}

/// What becomes of events one batch after the other: the log has a line when it begins, and one
/// with the total when it has ended.
#[derive(Debug, Default)]
struct Run {
    count: u64,
    told: u64,
    quiet_at: Option<Instant>,
}

/// A run has ended when nothing came for so long.
const QUIET: Duration = Duration::from_secs(5);

/// What is given up and not yet written.
#[derive(Debug, Default)]
pub(super) struct Graves {
    letters: VecDeque<Grave>,
    forgotten: Vec<Ticket>,
    due: Option<Instant>,
    /// Failures to bury in a row.
    failures: u32,
    buried: Run,
    discarded: Run,
    burials: u64,
}

/// What one burial is to write.
#[derive(Debug, Default)]
struct Round {
    graves: Vec<Grave>,
    letters: Vec<Burial>,
    /// Of their records.
    bytes: u64,
    /// What is told of them, if somebody watches.
    deaths: Vec<Sighting>,
    /// When to try those again that could not be read.
    retry: Option<Instant>,
}

/// What is pending beyond what may be.
#[derive(Debug, Default)]
pub(super) struct Relief {
    /// What may be pending, by the owner of the lanes.
    relieve_to: Option<u64>,
    /// Bytes still to be buried.
    excess: u64,
    at: Option<Instant>,
}

impl Graves {
    pub(super) fn dig(&mut self, grave: Grave, now: Instant) {
        self.letters.push_back(grave);
        self.due.get_or_insert(now);
    }

    fn forget(&mut self, ticket: Ticket, now: Instant) {
        self.forgotten.push(ticket);
        self.due.get_or_insert(now);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.due, self.buried.quiet_at, self.discarded.quiet_at].into_iter().flatten().min()
    }

    pub(super) fn len(&self) -> usize {
        self.letters.len() + self.forgotten.len()
    }

    /// Whether there is room in the next burial.
    pub(super) fn may_dig(&self) -> bool {
        self.room() > 0
    }

    fn room(&self) -> usize {
        BURY_MAX.saturating_sub(self.letters.len())
    }

    /// How many burials there were.
    pub(super) fn burials(&self) -> u64 {
        self.burials
    }

    fn take(&mut self) -> VecDeque<Grave> {
        self.letters.drain(..self.letters.len().min(BURY_MAX)).collect()
    }

    fn put_back(&mut self, graves: impl DoubleEndedIterator<Item = Grave>) {
        graves.rev().for_each(|grave| self.letters.push_front(grave));
    }
}

impl Run {
    /// Whether that begins it.
    fn add(&mut self, count: usize, now: Instant) -> bool {
        self.count += count as u64;
        self.quiet_at = Some(now + QUIET);
        let begins = self.told == 0;
        if begins {
            self.told = self.count;
        }
        begins
    }

    /// Its total when it has ended, if there came more than was told of.
    fn ended(&mut self, now: Instant) -> Option<u64> {
        self.quiet_at.take_if(|quiet_at| *quiet_at <= now)?;
        let Self { count, told, .. } = std::mem::take(self);
        (count > told).then_some(count)
    }
}

impl Relief {
    /// Looks from then on, if there is a quota.
    pub(super) fn new(quota: Option<ByteSize>, now: Instant) -> Self {
        Self { at: quota.map(|_| now), ..Self::default() }
    }

    pub(super) fn order(&mut self, relieve_to: Option<u64>, now: Instant) {
        self.relieve_to = relieve_to;
        if relieve_to.is_some() {
            self.at = Some(now);
        }
    }

    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }
}

impl Grave {
    /// Of a message that has failed for the last time, or that is too old.
    pub(super) fn of(ticket: Ticket, given_up: GivenUp) -> Self {
        let reason = match &ticket.trouble {
            Some(trouble) => Arc::clone(&trouble.reason),
            None => Reason::new("expired", "MaxAgeExceeded", "it was never sent"),
        };
        Self { ticket, reason, given_up }
    }
}

impl<P: Publish> Lane<P> {
    /// What the removal policy says of an event that nobody asks for any more.
    pub(super) fn give_up(&mut self, ticket: Ticket, now: Instant) {
        if self.config.removal == Removal::Discard {
            return self.graves.forget(ticket, now);
        }
        let words = "no rule names this destination for this event any more";
        let reason = Reason::new("removed", "DestinationRemoved", words);
        self.graves.dig(Grave { ticket, reason, given_up: GivenUp::Removed }, now);
    }

    /// Gives up what waits and is too old, whatever the destination does.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.config.max_age.is_none() || self.config.paused {
            return;
        }
        let wall = self.surroundings.clock.now();
        while self.graves.may_dig()
            && let Some((number, oldest)) = self.tickets.oldest_from(0)
            && self.is_expired(oldest, wall)
        {
            let Some(ticket) = self.tickets.take(number) else { break };
            self.dig_expired(ticket, (now, wall));
        }
    }

    /// Gives up a message that is too old, and those behind it that are as well.
    pub(super) fn dig_expired(&mut self, ticket: Ticket, (now, wall): (Instant, Timestamp)) {
        let (max, max_age) = (self.graves.room().max(1), self.config.max_age);
        let too_old = |_, ticket: &Ticket| max_age.is_some_and(|max| ticket.age(wall) >= max);
        let grave = |ticket| Grave::of(ticket, GivenUp::MaxAge);
        self.dig_with_key(ticket, (max, too_old), grave, now);
    }

    /// Gives up a head and at most so many in all of its key, as far as they may go with it: they are
    /// buried together, and none of them waits for the one before. Answers how many.
    fn dig_with_key(
        &mut self,
        mut ticket: Ticket,
        (max, may): (usize, impl Fn(u64, &Ticket) -> bool),
        grave: impl Fn(Ticket) -> Grave,
        now: Instant,
    ) -> usize {
        let mut dug = 1;
        while dug < max
            && let Some(key) = ticket.key
            && let Some(next) = self.tickets.take_behind(key, &may)
        {
            // The key is free when the last of them is buried.
            ticket.key = None;
            self.graves.dig(grave(std::mem::replace(&mut ticket, next)), now);
            dug += 1;
        }
        self.graves.dig(grave(ticket), now);
        dug
    }

    /// Gives up the oldest of what waits while more is pending than may be, whether the lane sends
    /// or not. What is ready or on the wire is left alone.
    pub(super) async fn relieve(&mut self, now: Instant) {
        if self.relief.at.is_none_or(|at| at > now) {
            return;
        }
        if self.relief.excess == 0 {
            self.relief.excess = self.excess();
        }
        for _ in 0..BURIALS_MAX {
            if self.relief.excess == 0 || self.graves.due.is_some_and(|due| due > now) {
                break;
            }
            let dug = self.dig_oldest(now).await;
            let buried = self.bury(now).await;
            self.relief.excess = self.relief.excess.saturating_sub(buried);
            if dug == 0 || buried == 0 {
                self.relief.excess = 0;
            }
        }
        if self.relief.excess > 0 && self.graves.due.is_none_or(|due| due <= now) {
            // What was answered meanwhile, and a stop, come first.
            self.relief.at = Some(now);
            return;
        }
        // The journal counts what was buried with its next commit, not before.
        self.relief.excess = 0;
        let goes_on = self.quota().is_some() || self.relief.relieve_to.is_some();
        self.relief.at = goes_on.then(|| now + RELIEF_LOOK);
    }

    /// Bytes pending beyond what may be.
    fn excess(&mut self) -> u64 {
        let pending = self.reader.pending_bytes();
        let ordered = self.relief.relieve_to.map_or(0, |to| pending.saturating_sub(to));
        if ordered == 0 {
            self.relief.relieve_to = None;
        }
        ordered.max(self.quota().map_or(0, |quota| pending.saturating_sub(quota)))
    }

    async fn dig_oldest(&mut self, now: Instant) -> usize {
        if self.tickets.resting() == 0 && self.can_wait_for_more() {
            self.fetch_tickets().await;
        }
        let (bytes, count) = (self.reader.pending_bytes(), self.reader.pending().max(1));
        let wanted = self.relief.excess.div_ceil((bytes / count).max(1));
        let wanted = usize::try_from(wanted).unwrap_or(BURY_MAX).min(BURY_MAX);
        let reason = Reason::new("over_quota", "OverQuota", "more was pending than may be");
        let mut dug = 0;
        while dug < wanted
            && let Some((number, _)) = self.tickets.oldest_from(0)
            && let Some(ticket) = self.tickets.take(number)
        {
            let next = self.tickets.oldest_from(0).map(|(next, _)| next);
            let is_oldest = |number, _: &Ticket| next.is_none_or(|next| number < next);
            let given_up = GivenUp::OverQuota;
            let grave = |ticket| Grave { ticket, reason: Arc::clone(&reason), given_up };
            dug += self.dig_with_key(ticket, (wanted - dug, is_oldest), grave, now);
        }
        dug
    }

    /// Writes dead letters and forgets what is to be forgotten. Answers how many bytes of records
    /// became dead letters.
    pub(super) async fn bury(&mut self, now: Instant) -> u64 {
        self.tell_totals(now);
        if self.graves.due.is_none_or(|due| due > now) {
            return 0;
        }
        self.forget(now).await;
        let Round { graves, letters, bytes, deaths, retry } = self.letters(now).await;
        let waits = !self.graves.letters.is_empty();
        // What could not be read waits for all others.
        self.graves.due = waits.then(|| retry.filter(|_| letters.is_empty()).unwrap_or(now));
        if letters.is_empty() {
            return 0;
        }
        let buried = self.reader.bury(letters).await;
        self.graves.burials += 1;
        match buried {
            Ok(()) => {
                self.buried(&graves, now);
                self.surroundings.hub.tell(deaths);
                bytes
            }
            Err(cause) => {
                self.graves.put_back(graves.into_iter());
                self.graves.due = Some(now + BURY_AGAIN);
                self.complain(&cause);
                0
            }
        }
    }

    async fn forget(&mut self, now: Instant) {
        let tickets = std::mem::take(&mut self.graves.forgotten);
        let positions: Vec<_> = tickets.iter().map(|ticket| ticket.position).collect();
        if positions.is_empty() {
            return;
        }
        self.reader.discard(&positions).await;
        tickets.iter().filter_map(|ticket| ticket.key).for_each(|key| self.tickets.finished(key));
        let (destination, count) = (&self.name, positions.len());
        if self.graves.discarded.add(count, now) {
            info!(%destination, count, "discarding events that nobody asks for any more");
        }
    }

    /// As many dead letters as are written at once and fit into the lane's memory. What cannot be
    /// read now goes behind all others, so that it keeps back none of them.
    async fn letters(&mut self, now: Instant) -> Round {
        let mut written = Round::default();
        let mut left = self.graves.take();
        while let Some(mut grave) = left.pop_front() {
            match self.read_again(&mut grave.ticket).await {
                Ok(body) => {
                    written.bytes += body.len() as u64;
                    let record = Record::decode(&body);
                    written.deaths.extend(self.death(&grave, record.as_ref().ok()));
                    written.letters.push(self.letter(&grave, record.as_ref().or(Err(&body))));
                    written.graves.push(grave);
                }
                // That took a search through a segment: what else there is to do comes first.
                Err(Illegible::Gone) => break,
                Err(Illegible::Until(until)) => {
                    self.graves.letters.push_back(grave);
                    written.retry = Some(until);
                }
            }
            if written.bytes >= self.config.in_flight_bytes.as_u64() || !self.unread.may_read(now) {
                break;
            }
        }
        self.graves.put_back(left.into_iter());
        written
    }

    fn letter(&self, grave: &Grave, record: Result<&Record, &Bytes>) -> Burial {
        let ticket = &grave.ticket;
        let contents = match record {
            Ok(record) => Contents::Record(record),
            Err(body) => Contents::Unreadable(body),
        };
        let message = record.ok().and_then(|record| self.render(record, ticket.ordinal));
        let remains = Remains::new(&contents, ticket.ordinal, message);
        let letter = DeadLetter::new(&self.name, grave, &contents, &remains);
        Burial { position: ticket.position, summary: letter.encode(), body: remains.encode() }
    }

    fn buried(&mut self, graves: &[Grave], now: Instant) {
        self.graves.failures = 0;
        let destination = &self.name;
        for Grave { ticket, reason, .. } in graves {
            self.meters.dead(reason.class);
            let seq = ticket.position.seq();
            debug!(%destination, seq, class = reason.class, cause = %reason, "event became a dead letter");
            if let Some(key) = ticket.key {
                self.tickets.finished(key);
            }
        }
        if let Some(Grave { reason, given_up, .. }) = graves.first()
            && self.graves.buried.add(graves.len(), now)
        {
            let (count, given_up) = (graves.len(), given_up.name());
            warn!(%destination, count, given_up, class = reason.class, cause = %reason, "events became dead letters");
        }
    }

    fn tell_totals(&mut self, now: Instant) {
        let destination = &self.name;
        if let Some(count) = self.graves.buried.ended(now) {
            warn!(%destination, count, "so many events became dead letters in all");
        }
        if let Some(count) = self.graves.discarded.ended(now) {
            info!(%destination, count, "so many events that nobody asked for were discarded in all");
        }
    }

    fn complain(&mut self, cause: &BuryError) {
        self.graves.failures = self.graves.failures.saturating_add(1);
        let (destination, failures) = (&self.name, self.graves.failures);
        let waiting = self.graves.letters.len();
        if failures.is_power_of_two() {
            error!(%destination, failures, waiting, %cause, "cannot write dead letters; the events stay pending");
        } else {
            debug!(%destination, failures, waiting, %cause, "cannot write dead letters; the events stay pending");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_when_it_begins_and_its_total_when_it_has_ended() {
        let (mut run, now) = (Run::default(), Instant::now());
        assert!(run.add(40, now));
        assert!(!run.add(40, now + QUIET / 2));
        assert_eq!(run.ended(now + QUIET), None);
        assert_eq!(run.ended(now + 2 * QUIET), Some(80));
        assert!(run.quiet_at.is_none());
        assert!(run.add(1, now), "the next one begins anew");
        assert_eq!(run.ended(now + QUIET), None, "all of it was told");
    }
}
