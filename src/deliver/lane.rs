//! One destination's deliveries: the loop that decides what to do next.
//!
//! The lane's task owns everything that this file names. What it decides by is in parts that know
//! neither clock nor disk (`policy`, `circuit`, `limiter`, `batch`, `tickets`, `removal`); what it
//! does is beside this file: `intake` reads, `settle` follows from answers, `graves` gives up.

use std::{collections::BTreeMap, hash::RandomState, sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{
    Config, LaneState, LaneStatus, OverQuota, Removal, StillWanted,
    batch::{Batch, Ready, Shape, size},
    circuit::{Circuit, Era, News, Permit, State, Why},
    clock::Clock,
    graves::{Graves, Relief},
    intake::{Expansion, Intake},
    limiter::{Epoch, Limiter},
    metrics::Meters,
    policy::Policy,
    removal::Absences,
    sweep::Sweep,
    ticket::Ticket,
    tickets::Tickets,
    unread::Unread,
};
use crate::{
    journal::Reader,
    model::Destination,
    payload::{Form, Renderer},
    publish::{Publish, Verdict},
    stop::Stop,
    tail::Hub,
};

/// How often the age of what waits is looked at, at the least: the wall clock may be set.
const AGE_LOOK: Duration = Duration::from_mins(1);

/// How a destination is reached.
#[derive(Debug)]
pub struct Connection<P> {
    /// Sends.
    pub publisher: P,
    /// The form of its messages.
    pub form: Form,
    /// Its own settings.
    pub config: Config,
}

/// What all lanes have in common.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) renderer: Arc<Renderer>,
    pub(super) still_wanted: StillWanted,
    pub(super) clock: Clock,
    /// Told of every attempt, and of what is given up.
    pub(super) hub: Hub,
    /// Changes when a document does.
    pub(super) documents: watch::Receiver<()>,
}

/// What the owner of the lanes asks of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// Nobody names the destination any more, and nothing is pending.
    pub(super) retire: bool,
    /// The journal is full: bury the oldest until no more bytes than this are pending.
    pub(super) relieve_to: Option<u64>,
}

/// The task that owns one destination.
#[derive(Debug)]
pub(super) struct Lane<P> {
    pub(super) destination: Destination,
    pub(super) name: Arc<str>,
    pub(super) reader: Reader,
    pub(super) surroundings: Surroundings,
    pub(super) publisher: Arc<P>,
    pub(super) form: Form,
    pub(super) config: Config,
    pub(super) policy: Policy,
    pub(super) meters: Meters,
    pub(super) limiter: Limiter,
    pub(super) circuit: Circuit,
    pub(super) shape: Shape,
    /// Rendered, and to be sent as soon as limiter and circuit allow.
    pub(super) ready: Ready,
    /// To be read again when their time has come.
    pub(super) tickets: Tickets<Ticket>,
    /// To become dead letters, or to be forgotten.
    pub(super) graves: Graves,
    pub(super) relief: Relief,
    pub(super) absences: Absences,
    pub(super) sweep: Option<Sweep>,
    pub(super) keys: RandomState,
    /// Messages that the destination took since the lane was opened.
    pub(super) delivered: u64,
    /// Messages refused alone since the last delivery, each for a reason that nobody knows.
    pub(super) doubts: Vec<u64>,
    /// Messages that were at fault themselves since the last delivery.
    pub(super) poisoned: u32,
    /// Whether it was told that the destination fails.
    pub(super) told: News,
    pub(super) unread: Unread,
    pub(super) expansion: Expansion,
    /// Bytes of messages on the wire.
    pub(super) wire_bytes: usize,
    pub(super) status: watch::Sender<LaneStatus>,
    wire: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// When the oldest event of each request on the wire was accepted.
    wire_since: BTreeMap<u64, Timestamp>,
    requests: u64,
    orders: watch::Receiver<Orders>,
}

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Answer {
    number: u64,
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) round_trip: Duration,
    /// Burials before it.
    pub(super) burials: u64,
    pub(super) era: Era,
    pub(super) epoch: Epoch,
}

impl<P: Publish> Lane<P> {
    /// Takes over one destination's place in the journal.
    pub(super) fn new(
        destination: Destination,
        reader: Reader,
        surroundings: Surroundings,
        connection: Connection<P>,
        orders: watch::Receiver<Orders>,
    ) -> Self {
        let Connection { publisher, form, config } = connection;
        let name: Arc<str> = destination.as_str().into();
        let (max_attempts, unknown_attempts) = (config.max_attempts, config.unknown_attempts);
        Self {
            meters: Meters::new(&name),
            policy: Policy { max_attempts, unknown_attempts },
            limiter: Limiter::new(config.concurrency_min.get(), config.concurrency_max.get()),
            circuit: Circuit::new(config.backoff.clone(), config.probe_interval),
            shape: publisher.limits().into(),
            ready: Ready::default(),
            tickets: Tickets::new(),
            graves: Graves::default(),
            relief: Relief::new(config.quota, Instant::now()),
            absences: Absences::default(),
            sweep: config.paused.then(|| Sweep::at(Instant::now())),
            keys: RandomState::new(),
            delivered: 0,
            doubts: Vec::new(),
            poisoned: 0,
            told: News::default(),
            unread: Unread::default(),
            expansion: Expansion::default(),
            wire_bytes: 0,
            status: watch::Sender::new(LaneStatus::new(&name)),
            wire: FuturesUnordered::new(),
            wire_since: BTreeMap::new(),
            requests: 0,
            publisher: Arc::new(publisher),
            orders,
            destination,
            name,
            reader,
            surroundings,
            form,
            config,
        }
    }

    /// How the lane is doing, now and later.
    pub(super) fn status(&self) -> watch::Receiver<LaneStatus> {
        self.status.subscribe()
    }

    /// Delivers until the stop, or until it is retired. An attempt that is on the wire at the stop
    /// may finish within the grace.
    /// It takes a ping whenever it comes around.
    pub(super) async fn run(mut self, stop: Stop, mut pings: mpsc::Receiver<()>) {
        loop {
            let now = Instant::now();
            self.send(now);
            self.report(now);
            let (wake_at, intake) = (self.wake_at(now), self.intake(now));
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(()) = pings.recv() => {}
                Ok(()) = self.orders.changed() => {
                    let orders = *self.orders.borrow_and_update();
                    if orders.retire {
                        break;
                    }
                    self.relief.order(orders.relieve_to, now);
                }
                Some(answer) = self.wire.next() => self.answered(answer).await,
                Ok(()) = self.surroundings.documents.changed(), if self.may_give_up() => {
                    self.look_for_removed(now);
                }
                () = wake_up(wake_at) => self.wake().await,
                () = self.reader.ready(), if intake != Intake::Nothing => {
                    self.take_in(intake).await;
                }
            }
        }
        self.finish(&stop).await;
    }

    async fn finish(&mut self, stop: &Stop) {
        loop {
            let answered = tokio::select! {
                biased;
                () = stop.expired() => None,
                answer = self.wire.next() => answer,
            };
            match answered {
                Some(answer) => self.answered(answer).await,
                None => break,
            }
        }
        self.bury(Instant::now()).await;
    }

    async fn answered(&mut self, answer: Answer) {
        self.wire_since.remove(&answer.number);
        self.wire_bytes = self.wire_bytes.saturating_sub(answer.bytes);
        self.settle(answer).await;
    }

    /// What is due beside sending and reading.
    async fn wake(&mut self) {
        let now = Instant::now();
        if !self.unread.may_read(now) {
            return;
        }
        self.expire(now);
        self.relieve(now).await;
        self.look_on(now).await;
        self.bury(now).await;
        self.recall(now).await;
        // The old must not crowd out the new.
        match self.intake(now) {
            Intake::Messages => self.take_in(Intake::Messages).await,
            Intake::Tickets | Intake::Nothing => {}
        }
    }

    /// What may be sent now.
    pub(super) fn permit(&self, now: Instant) -> Permit {
        if self.config.paused { Permit::Nothing } else { self.circuit.permit(now) }
    }

    fn send(&mut self, now: Instant) {
        while !self.ready.is_empty() {
            match self.permit(now) {
                Permit::Nothing => return,
                Permit::Probe => {
                    self.request(Shape { entries: 1, ..self.shape });
                    self.circuit.probing();
                }
                Permit::Everything if self.wire.len() >= self.limiter.limit() => {
                    self.limiter.reached(now);
                    return;
                }
                Permit::Everything if self.lingers_until().is_some_and(|until| until > now) => {
                    return;
                }
                Permit::Everything => self.request(self.shape),
            }
        }
    }

    /// Until when what is ready waits for company.
    fn lingers_until(&self) -> Option<Instant> {
        let waits = !self.config.linger.is_zero() && !self.ready.fills(self.shape);
        self.ready.first().filter(|_| waits).map(|first| first.since + self.config.linger)
    }

    fn request(&mut self, shape: Shape) {
        let batch = self.ready.cut(shape, |message| self.publisher.weight(message));
        let bytes = batch.messages.iter().map(size).sum();
        self.wire_bytes += bytes;
        self.requests += 1;
        let number = self.requests;
        let accepted = batch.tickets.iter().map(|ticket| ticket.accepted).min();
        self.wire_since.extend(accepted.map(|accepted| (number, accepted)));
        let publisher = Arc::clone(&self.publisher);
        let (era, epoch, burials) =
            (self.circuit.era(), self.limiter.epoch(), self.graves.burials());
        let request = async move {
            let started = Instant::now();
            let verdicts = publisher.publish(&batch.messages).await;
            assert_eq!(batch.messages.len(), verdicts.len(), "one verdict per message");
            let round_trip = started.elapsed();
            Answer { number, batch, bytes, verdicts, round_trip, burials, era, epoch }
        };
        self.wire.push(request.boxed());
    }

    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let probe = match self.circuit.state() {
            State::Open { until, .. } => Some(until).filter(|until| *until > now),
            State::Closed | State::HalfOpen { .. } => None,
        };
        let may_send = self.permit(now) == Permit::Everything;
        let may_send = may_send && self.wire.len() < self.limiter.limit();
        let read = [
            self.recall_at(now),
            self.graves.due(),
            self.expires_at(now),
            self.relief.at(),
            self.sweep.as_ref().map(Sweep::due),
        ];
        let read = read.into_iter().flatten().min();
        let read = read.map(|at| self.unread.not_before(at));
        let linger = self.lingers_until().filter(|_| may_send);
        [probe, linger, read, self.unread.next(now)].into_iter().flatten().min()
    }

    /// When the oldest of what waits becomes too old.
    fn expires_at(&self, now: Instant) -> Option<Instant> {
        // While what is too old cannot be buried, no more of it is looked for.
        let may_expire = !self.config.paused && self.graves.may_dig();
        let max_age = self.config.max_age.filter(|_| may_expire)?;
        let (_, oldest) = self.tickets.oldest_from(0)?;
        let left = max_age.saturating_sub(oldest.age(self.surroundings.clock.now()));
        Some(now + left.min(AGE_LOOK))
    }

    /// Whether what is not asked for any more is given up.
    pub(super) fn may_give_up(&self) -> bool {
        self.config.removal != Removal::KeepDraining
    }

    /// Whether what is over the quota is given up.
    pub(super) fn quota(&self) -> Option<u64> {
        let quota =
            self.config.quota.filter(|_| self.config.over_quota == OverQuota::DeadLetterOldest);
        quota.map(|quota| quota.as_u64())
    }

    /// Holds nothing that cannot be sent: it is read again when it can.
    pub(super) fn park(&mut self) {
        while let Some(delivery) = self.ready.pop_front() {
            self.tickets.rest(delivery.ticket.position.seq(), delivery.ticket, None);
        }
    }

    fn holds_nothing(&self) -> bool {
        let waits = self.tickets.resting() + self.tickets.held_back() + self.graves.len();
        waits == 0 && self.ready.is_empty() && self.wire.is_empty()
    }

    /// When the oldest event that the lane knows of was accepted.
    fn oldest(&self) -> Option<Timestamp> {
        let resting = self.tickets.oldest_from(0).map(|(_, ticket)| ticket.accepted);
        let ready = self.ready.first().map(|first| first.ticket.accepted);
        self.wire_since.values().copied().chain(resting).chain(ready).min()
    }

    fn report(&self, now: Instant) {
        let waits = || self.ready.is_empty() && self.wire.is_empty();
        let due = || self.tickets.next_due().flatten().filter(|until| *until > now && waits());
        let (state, next) = match self.circuit.state() {
            _ if self.config.paused => (LaneState::Paused, None),
            _ if self.unread.is_illegible(now) => (LaneState::Broken, self.unread.next(now)),
            State::Closed => match due() {
                Some(until) => (LaneState::Retrying, Some(until)),
                None => (LaneState::Delivering, None),
            },
            // A probe is due, and there is nothing to probe with.
            State::Open { until, .. } if until <= now && self.holds_nothing() => {
                (LaneState::Delivering, None)
            }
            State::Open { until, why: Why::Failing } => (LaneState::Retrying, Some(until)),
            State::Open { until, why: Why::Broken } => (LaneState::Broken, Some(until)),
            State::HalfOpen { why: Why::Failing } => (LaneState::Retrying, None),
            State::HalfOpen { why: Why::Broken } => (LaneState::Broken, None),
        };
        let next = next
            .filter(|at| *at > now)
            .map(|at| self.surroundings.clock.now() + at.saturating_duration_since(now));
        self.status.send_modify(|status| {
            (status.state, status.next_attempt) = (state, next);
            (status.concurrency, status.in_flight) = (self.limiter.limit(), self.wire.len());
            status.waiting = self.tickets.resting() + self.graves.len();
            status.held_back = self.tickets.held_back();
            status.recent.add(self.delivered - status.delivered, now);
            (status.delivered, status.oldest) = (self.delivered, self.oldest());
        });
    }
}

async fn wake_up(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
