//! What follows from an answer: for the destination, and then for each message of the request.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::{
    batch::{Batch, Delivery},
    circuit::{News, Opened, State, Why},
    graves::Grave,
    lane::{Answer, Lane},
    policy::{Company, Fate, Request, Sign, is_broken_alone},
    status::LastError,
    ticket::{Attempt, Reason, Ticket},
};
use crate::{
    failpoint,
    publish::{Cause, Class, Publish, Verdict},
};

/// Different messages in a row, each refused alone for a reason that nobody knows, that make it the
/// destination's problem.
const DOUBTS_MAX: usize = 3;

/// Messages in a row that were at fault themselves: no stream of events is that bad, so the
/// destination is. Below it they become dead letters at once, above it with the pace of probes.
const POISONED_MAX: u32 = 100;

impl<P: Publish> Lane<P> {
    pub(super) async fn settle(&mut self, answer: Answer) {
        failpoint::here("deliver::published");
        let now = Instant::now();
        self.meters.attempted(answer.round_trip);
        for cause in answer.verdicts.iter().filter_map(Verdict::cause) {
            self.meters.failed(cause.class);
        }
        self.heed(&answer, now);
        self.tell_attempt(&answer.batch, &answer.verdicts);
        self.settle_each(answer, now).await;
        if self.circuit.state() != State::Closed {
            self.park();
        }
    }

    /// What the answer says about the destination.
    fn heed(&mut self, answer: &Answer, now: Instant) {
        match Sign::of(&answer.verdicts) {
            Sign::Took => {
                self.time(answer, now);
                self.took(answer);
            }
            Sign::TookSome(cause) => {
                self.limiter.throttled(answer.epoch);
                self.remember(&cause);
                self.took(answer);
            }
            Sign::Refused(cause) => {
                self.time(answer, now);
                self.remember(&cause);
                self.refused(answer, &cause, now);
            }
            Sign::Doubtful(cause) => {
                self.remember(&cause);
                self.doubt(answer, &cause, now);
            }
            Sign::Failed { after, cause } => {
                self.remember(&cause);
                self.failed(answer, (after, &cause), now);
            }
        }
    }

    /// The lane takes no answer while it buries: what came meanwhile waited for the lane, which says
    /// nothing of the service.
    fn time(&mut self, answer: &Answer, now: Instant) {
        if answer.burials == self.graves.burials() {
            self.limiter.answered(answer.round_trip, now);
        }
    }

    fn took(&mut self, answer: &Answer) {
        self.doubts.clear();
        self.poisoned = 0;
        match (self.circuit.succeeded(answer.era), std::mem::take(&mut self.told)) {
            (Some(failures), News::Tell) => {
                info!(destination = %self.name, failures, "delivering again");
            }
            (_, told) => self.told = told,
        }
    }

    /// The destination works. Only if it refuses whatever it gets, it does not.
    fn refused(&mut self, answer: &Answer, cause: &Cause, now: Instant) {
        if cause.class == Class::BatchShape {
            let (entries, weight) = (answer.batch.tickets.len(), answer.batch.weight);
            if self.shape.shrink(entries, weight, &cause.code) {
                let (entries, bytes) = (self.shape.entries, self.shape.bytes);
                info!(destination = %self.name, entries, bytes, %cause, "requests get smaller");
            }
        }
        let is_poison = |verdict: &&Verdict| matches!(verdict, Verdict::Reject(_));
        let poisoned = answer.verdicts.iter().filter(is_poison).count();
        self.poisoned = self.poisoned.saturating_add(u32::try_from(poisoned).unwrap_or(u32::MAX));
        if self.poisoned >= POISONED_MAX && poisoned > 0 {
            self.stop_sending(answer, (Class::Broken, None), cause, now);
        } else if matches!(self.circuit.state(), State::HalfOpen { .. }) {
            self.circuit.succeeded(answer.era);
        }
    }

    /// One message that is refused alone may be at fault itself; several in a row are not.
    fn doubt(&mut self, answer: &Answer, cause: &Cause, now: Instant) {
        let number = answer.batch.tickets.first().map_or(0, |ticket| ticket.position.seq());
        if self.doubts.len() < DOUBTS_MAX && !self.doubts.contains(&number) {
            self.doubts.push(number);
        }
        if self.doubts.len() >= DOUBTS_MAX {
            self.stop_sending(answer, (Class::Broken, None), cause, now);
        } else if matches!(self.circuit.state(), State::HalfOpen { .. }) {
            self.stop_sending(answer, (Class::Transient, None), cause, now);
        }
    }

    fn failed(
        &mut self,
        answer: &Answer,
        (after, cause): (Option<Duration>, &Cause),
        now: Instant,
    ) {
        let is_alone = |ticket: &Ticket| is_broken_alone(ticket, self.delivered);
        let speaks_for_itself = cause.class == Class::Broken
            && self.circuit.state() == State::Closed
            && answer.batch.tickets.iter().all(is_alone);
        if speaks_for_itself {
            return;
        }
        // Requests that were throttled together are one throttle; a probe is always answered for.
        let is_known = cause.class == Class::Throttled
            && after.is_none()
            && self.circuit.state() == State::Closed
            && answer.epoch != self.limiter.epoch();
        if is_known {
            return;
        }
        match cause.class {
            Class::Throttled => self.limiter.throttled(answer.epoch),
            _ => self.limiter.failed(answer.epoch),
        }
        self.stop_sending(answer, (cause.class, after), cause, now);
    }

    /// Sends nothing for a while, if that is one failure too many.
    fn stop_sending(
        &mut self,
        answer: &Answer,
        (class, after): (Class, Option<Duration>),
        cause: &Cause,
        now: Instant,
    ) {
        let was_closed = self.circuit.state() == State::Closed;
        let failure = (class, after);
        let Some(opened) = self.circuit.failed(answer.era, now, failure, fastrand::f64()) else {
            return;
        };
        self.limiter.restart();
        self.tell(opened, cause);
        if was_closed {
            self.look_for_removed(now);
        }
    }

    /// A throttle is nothing to tell of: it is how a busy service goes about its work.
    fn tell(&mut self, Opened { why, wait, failures, news }: Opened, cause: &Cause) {
        let news = if cause.class == Class::Throttled { News::Known } else { news };
        if news == News::Tell {
            self.told = News::Tell;
        }
        let (destination, class) = (&self.name, cause.class.name());
        match (news, why) {
            (News::Tell, Why::Broken) => {
                error!(%destination, failures, class, probe_in = ?wait, %cause, "destination is broken; its events stay pending until somebody acts");
            }
            (News::Tell, Why::Failing) => {
                warn!(%destination, failures, class, ?wait, %cause, "destination fails, will retry");
            }
            (News::Known, _) => {
                debug!(%destination, failures, class, ?wait, %cause, "destination still fails");
            }
        }
    }

    fn remember(&self, cause: &Cause) {
        let Cause { class, code, message } = cause.clone();
        let time = self.surroundings.clock.now();
        let last = LastError { class: class.name(), code, message, time };
        self.status.send_modify(|status| status.last_error = Some(last));
    }

    async fn settle_each(&mut self, answer: Answer, now: Instant) {
        let Answer { batch, verdicts, .. } = answer;
        let (request, before) = (Request::of(&verdicts), self.delivered);
        let is_delivered = |verdict: &&Verdict| matches!(verdict, Verdict::Delivered);
        self.delivered += verdicts.iter().filter(is_delivered).count() as u64;
        let (mut delivered, mut again) = (Vec::with_capacity(verdicts.len()), Vec::new());
        let Batch { tickets, messages, subjects, .. } = batch;
        let sent = tickets.into_iter().zip(messages.into_iter().zip(subjects)).zip(verdicts);
        for ((mut ticket, (message, subject)), verdict) in sent {
            let (fate, blame) = self.policy.fate(&verdict, request, &ticket, self.delivered);
            if let Some(cause) = verdict.cause() {
                let wall = self.surroundings.clock.now();
                let attempt = Attempt { now: wall, delivered: before, blame };
                ticket.failed(&Arc::new(Reason::from(cause)), attempt);
            }
            match fate {
                Fate::Delivered => delivered.push(ticket),
                Fate::Dead(given_up) => self.graves.dig(Grave::of(ticket, given_up), now),
                Fate::Split(company) => {
                    ticket.company = company;
                    again.push(Delivery { ticket, message, subject, since: now });
                }
                Fate::Wait(company) => self.wait(ticket, company, &verdict, now),
            }
        }
        again.into_iter().rev().for_each(|delivery| self.ready.push_front(delivery));
        self.acknowledge(&delivered).await;
    }

    fn wait(&mut self, mut ticket: Ticket, company: Company, verdict: &Verdict, now: Instant) {
        let Verdict::Retry { after, cause } = verdict else { return };
        if company == Company::Alone {
            ticket.company = 1;
        }
        let (failures, random) = (ticket.failures(), fastrand::f64());
        let wait = self.config.backoff.wait(cause.class, failures, *after, random);
        let (destination, seq) = (&self.name, ticket.position.seq());
        debug!(%destination, seq, failures, class = cause.class.name(), ?wait, %cause, "message not delivered, will retry");
        self.tickets.rest(seq, ticket, Some(now + wait));
    }

    async fn acknowledge(&mut self, delivered: &[Ticket]) {
        let now = self.surroundings.clock.now();
        self.meters.delivered(delivered.iter().map(|ticket| ticket.age(now)));
        let positions: Vec<_> = delivered.iter().map(|ticket| ticket.position).collect();
        self.reader.acknowledge(&positions).await;
        delivered.iter().filter_map(|ticket| ticket.key).for_each(|key| self.tickets.finished(key));
    }
}
