//! One destination's deliveries: read, render, send, acknowledge, and try again.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use super::{
    Config,
    metrics::Counters,
    pace::{Generation, Pace},
};
use crate::{
    journal::{Position, ReadError, Reader},
    model::{Message, Record, RecordError},
    payload::{Form, Renderer},
    publish::{Cause, Class, Publish, Verdict},
    stop::Stop,
};

/// Bytes of rendered messages that a lane holds before it reads no further.
const READY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Messages that wait alone before a lane reads no further: some 3 MB of memory.
const WAITING_MAX: usize = 16_384;

/// Messages refused in a row, each alone and for no known fault of its own, that make it the
/// destination's problem.
const REFUSALS_MAX: u32 = 3;

/// How long to wait for file descriptors or memory that the process lacks.
const EXHAUSTED_WAIT: Duration = Duration::from_secs(1);

/// A message that was rejected waits as if it had failed this often.
const FAILURES_OF_A_REJECT: u32 = 32;

/// Why a lane ended on its own.
#[derive(Debug, thiserror::Error)]
#[error("cannot read what is pending for {destination}")]
pub struct LaneError {
    /// The destination's ARN.
    pub destination: Arc<str>,
    /// What the journal said.
    pub source: ReadError,
}

/// The task that owns one destination.
#[derive(Debug)]
pub struct Lane<P> {
    destination: Arc<str>,
    reader: Reader,
    renderer: Arc<Renderer>,
    form: Form,
    publisher: Arc<P>,
    config: Config,
    counters: Counters,
    pace: Pace,
    /// Rendered, and to be sent as soon as the pace allows.
    ready: VecDeque<Delivery>,
    ready_bytes: usize,
    /// To be read again when their time has come.
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Messages refused since the last delivery, each alone and for no known fault of its own.
    refusals: u32,
    /// Until when nothing is read, because the process lacks descriptors or memory.
    no_reading_until: Option<Instant>,
    on_the_wire: FuturesUnordered<BoxFuture<'static, Attempt>>,
}

/// One event on its way to this destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    position: Position,
    /// Which of the record's destinations this is.
    ordinal: usize,
    failures: u32,
    company: Company,
}

/// Whether a message shares its request. One that was refused by itself does not spoil another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Company {
    Any,
    None,
}

/// What an attempt says about the destination.
#[derive(Debug)]
enum Sign {
    /// It takes messages.
    Good,
    /// It takes some, and the others were too much.
    Throttled(Cause),
    /// One message was refused; that may be the message's fault.
    Doubtful(Cause),
    /// It takes nothing.
    Bad { after: Option<Duration>, cause: Cause },
}

#[derive(Debug)]
struct Delivery {
    ticket: Ticket,
    message: Message,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    until: Instant,
    ticket: Ticket,
}

#[derive(Debug)]
struct Attempt {
    started: Generation,
    tickets: Vec<Ticket>,
    messages: Vec<Message>,
    verdicts: Vec<Verdict>,
}

#[derive(Debug, thiserror::Error)]
enum RenderError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the record names no rule for this destination")]
    NoRule,
}

impl<P: Publish> Lane<P> {
    /// Takes over one destination's place in the journal.
    pub fn new(
        destination: Arc<str>,
        reader: Reader,
        (renderer, form): (Arc<Renderer>, Form),
        publisher: P,
        config: &Config,
    ) -> Self {
        let entries_max = publisher.limits().entries;
        Self {
            counters: Counters::new(&destination),
            destination,
            reader,
            renderer,
            form,
            publisher: Arc::new(publisher),
            config: config.clone(),
            pace: Pace::new(config.backoff.clone(), config.concurrency.get(), entries_max),
            ready: VecDeque::new(),
            ready_bytes: 0,
            waiting: BinaryHeap::new(),
            refusals: 0,
            no_reading_until: None,
            on_the_wire: FuturesUnordered::new(),
        }
    }

    /// Delivers until the stop. An attempt that is on the wire then may finish within the grace.
    pub async fn run(mut self, stop: Stop) -> Result<(), LaneError> {
        loop {
            let now = Instant::now();
            self.start_attempts(now);
            let (wake_at, has_room) = (self.wake_at(now), self.has_room(now));
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(attempt) = self.on_the_wire.next() => self.settle(attempt).await,
                () = wake_up(wake_at) => self.recall().await?,
                () = self.reader.ready(), if has_room => self.fetch().await?,
            }
        }
        self.finish(&stop).await;
        Ok(())
    }

    async fn finish(&mut self, stop: &Stop) {
        loop {
            let settled = tokio::select! {
                biased;
                () = stop.expired() => None,
                attempt = self.on_the_wire.next() => attempt,
            };
            match settled {
                Some(attempt) => self.settle(attempt).await,
                None => return,
            }
        }
    }

    fn start_attempts(&mut self, now: Instant) {
        while !self.ready.is_empty() && self.on_the_wire.len() < self.pace.requests(now) {
            let attempt = self.next_attempt();
            self.on_the_wire.push(attempt);
        }
    }

    /// Fills a request greedily: whatever is ready goes, nothing waits for company.
    fn next_attempt(&mut self) -> BoxFuture<'static, Attempt> {
        let mut room = self.publisher.limits().bytes;
        let (mut tickets, mut messages) = (Vec::new(), Vec::new());
        while let Some(next) = self.ready.front()
            && tickets.len() < self.pace.entries()
        {
            let weight = self.publisher.weight(&next.message);
            // The first goes even if it is too large: the service shall say so.
            let alone = next.ticket.company == Company::None;
            if (weight > room || alone) && !tickets.is_empty() {
                break;
            }
            room = room.saturating_sub(weight);
            let Some(Delivery { ticket, message }) = self.ready.pop_front() else { break };
            self.ready_bytes = self.ready_bytes.saturating_sub(message.body.len());
            tickets.push(ticket);
            messages.push(message);
            if alone {
                break;
            }
        }
        let (publisher, started) = (Arc::clone(&self.publisher), self.pace.generation());
        async move {
            let verdicts = publisher.publish(&messages).await;
            assert_eq!(tickets.len(), verdicts.len(), "one verdict per message");
            Attempt { started, tickets, messages, verdicts }
        }
        .boxed()
    }

    async fn settle(&mut self, attempt: Attempt) {
        for cause in attempt.verdicts.iter().filter_map(Verdict::cause) {
            self.counters.failed(cause.class);
        }
        match attempt.sign() {
            Sign::Bad { after, cause } => {
                self.slow_down(attempt.started, after, &cause);
                self.send_again(attempt);
                return;
            }
            Sign::Good => self.speed_up(attempt.started),
            Sign::Throttled(cause) => self.ease(attempt.started, &cause),
            Sign::Doubtful(cause) => self.doubt(attempt.started, &cause),
        }
        self.settle_each(attempt).await;
    }

    async fn settle_each(&mut self, attempt: Attempt) {
        let mut delivered = Vec::with_capacity(attempt.tickets.len());
        let sent = attempt.tickets.into_iter().zip(attempt.messages);
        for ((ticket, message), verdict) in sent.zip(attempt.verdicts).rev() {
            match verdict {
                Verdict::Delivered => delivered.push(ticket.position),
                Verdict::Retry { cause, .. } if cause.class == Class::Throttled => {
                    self.send_one_again(ticket, message);
                }
                Verdict::Retry { cause, .. } => self.wait(ticket, &cause),
                // Nothing is given up: a message that is refused today waits the longest.
                Verdict::Reject(cause) => {
                    self.wait(Ticket { failures: FAILURES_OF_A_REJECT, ..ticket }, &cause);
                }
            }
        }
        self.counters.delivered(delivered.len());
        self.reader.acknowledge(&delivered).await;
    }

    /// One message that is refused alone may be at fault itself; several in a row are not.
    fn doubt(&mut self, started: Generation, cause: &Cause) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= REFUSALS_MAX && cause.class != Class::Poison {
            self.slow_down(started, None, cause);
        }
    }

    fn ease(&mut self, started: Generation, cause: &Cause) {
        if let Some(wait) = self.pace.throttled(started, Instant::now(), fastrand::f64()) {
            let destination = &self.destination;
            debug!(%destination, ?wait, %cause, "throttled, going slower");
        }
    }

    fn slow_down(&mut self, started: Generation, after: Option<Duration>, cause: &Cause) {
        let wait = self.pace.failed(started, Instant::now(), after, fastrand::f64());
        let (destination, failures) = (&self.destination, self.pace.failures());
        match wait {
            // The first, and ever rarer reminders: a destination may be dead for days.
            Some(wait) if failures.is_power_of_two() => {
                warn!(%destination, failures, class = cause.class.name(), ?wait, %cause, "delivery failed, will retry");
            }
            Some(wait) => {
                debug!(%destination, failures, ?wait, %cause, "delivery failed, will retry");
            }
            None => {}
        }
    }

    fn speed_up(&mut self, started: Generation) {
        self.refusals = 0;
        let failures = self.pace.succeeded(started);
        if failures > 0 {
            info!(destination = %self.destination, failures, "delivering again");
        }
    }

    fn send_again(&mut self, attempt: Attempt) {
        for (ticket, message) in attempt.tickets.into_iter().zip(attempt.messages).rev() {
            self.send_one_again(ticket, message);
        }
    }

    fn send_one_again(&mut self, ticket: Ticket, message: Message) {
        let ticket = Ticket { failures: ticket.failures.saturating_add(1), ..ticket };
        self.ready_bytes += message.body.len();
        self.ready.push_front(Delivery { ticket, message });
    }

    fn wait(&mut self, ticket: Ticket, cause: &Cause) {
        let failures = ticket.failures.saturating_add(1);
        let wait = self.config.backoff.wait(failures, fastrand::f64());
        let (destination, seq) = (&self.destination, ticket.position.seq());
        if ticket.failures == 0 || cause.class == Class::Poison {
            warn!(%destination, seq, class = cause.class.name(), ?wait, %cause, "message refused, will retry");
        } else {
            debug!(%destination, seq, failures, class = cause.class.name(), ?wait, %cause, "message refused, will retry");
        }
        let ticket = Ticket { failures, company: Company::None, ..ticket };
        self.waiting.push(Reverse(Waiting { until: Instant::now() + wait, ticket }));
    }

    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let hold = self.pace.hold_until().filter(|until| *until > now && !self.ready.is_empty());
        let due = self.waiting.peek().filter(|_| self.can_hold_more()).map(|Reverse(it)| it.until);
        let due = due.map(|due| due.max(self.no_reading_until.unwrap_or(due)));
        hold.into_iter().chain(due).chain(self.no_reading_until).min()
    }

    /// Reads those messages again whose wait is over, and then new ones: the old must not crowd
    /// out the new.
    async fn recall(&mut self) -> Result<(), LaneError> {
        let now = Instant::now();
        self.no_reading_until = self.no_reading_until.filter(|until| *until > now);
        let mut share = self.ready_max() / 2;
        while share > 0
            && self.no_reading_until.is_none()
            && self.can_hold_more()
            && let Some(Reverse(next)) = self.waiting.peek()
            && next.until <= now
        {
            let ticket = next.ticket;
            match self.reader.reread(ticket.position).await {
                Ok((position, body)) => {
                    self.waiting.pop();
                    self.make_ready(Ticket { position, ..ticket }, &body);
                }
                Err(cause) => self.bear(cause)?,
            }
            share -= 1;
        }
        if self.has_room(now) { self.fetch().await } else { Ok(()) }
    }

    /// Whether new records may be read.
    fn has_room(&self, now: Instant) -> bool {
        let may_read = self.no_reading_until.is_none_or(|until| until <= now);
        may_read && self.can_hold_more() && self.waiting.len() < WAITING_MAX
    }

    fn can_hold_more(&self) -> bool {
        self.ready_bytes < READY_BYTES_MAX && self.ready.len() < self.ready_max()
    }

    /// Twice what can be on the wire, so that the next requests are ready when a place is free.
    fn ready_max(&self) -> usize {
        self.config.concurrency.get().saturating_mul(self.publisher.limits().entries * 2)
    }

    async fn fetch(&mut self) -> Result<(), LaneError> {
        let count = self.ready_max() - self.ready.len();
        let bytes = READY_BYTES_MAX - self.ready_bytes;
        match self.reader.fetch(count, bytes).await {
            Ok(fetched) => {
                for it in fetched {
                    let (position, ordinal) = (it.position, it.ordinal);
                    let ticket = Ticket { position, ordinal, failures: 0, company: Company::Any };
                    self.make_ready(ticket, &it.body);
                }
                Ok(())
            }
            Err(cause) => self.bear(cause),
        }
    }

    /// Lacking descriptors or memory passes; any other failure to read ends the lane.
    fn bear(&mut self, source: ReadError) -> Result<(), LaneError> {
        let destination = Arc::clone(&self.destination);
        if !is_exhaustion(&source) {
            return Err(LaneError { destination, source });
        }
        warn!(%destination, cause = %source, "cannot read what is pending, will retry");
        self.no_reading_until = Some(Instant::now() + EXHAUSTED_WAIT);
        Ok(())
    }

    fn make_ready(&mut self, ticket: Ticket, body: &[u8]) {
        match self.render(body, ticket.ordinal) {
            Ok(message) => {
                self.ready_bytes += message.body.len();
                self.ready.push_back(Delivery { ticket, message });
            }
            // The record stays pending: another version of fanfare may read it.
            Err(cause) => {
                let (destination, seq) = (&self.destination, ticket.position.seq());
                error!(%destination, seq, %cause, "cannot render a record; it stays pending");
                let until = Instant::now() + self.config.backoff.cap();
                self.waiting.push(Reverse(Waiting { until, ticket }));
            }
        }
    }

    fn render(&self, body: &[u8], ordinal: usize) -> Result<Message, RenderError> {
        let record = Record::decode(body)?;
        let rule = record.rules.get(ordinal).ok_or(RenderError::NoRule)?.as_ref();
        self.renderer.message(self.form, &record.event, rule).ok_or(RenderError::NoRule)
    }
}

impl Attempt {
    fn sign(&self) -> Sign {
        let causes = || self.verdicts.iter().filter_map(Verdict::cause);
        let throttled = causes().find(|cause| cause.class == Class::Throttled);
        if causes().count() < self.verdicts.len() {
            return throttled.map_or(Sign::Good, |cause| Sign::Throttled(cause.clone()));
        }
        let Some(first) = self.verdicts.first() else { return Sign::Good };
        let (after, cause) = match first {
            Verdict::Delivered => return Sign::Good,
            Verdict::Retry { after, cause } => (*after, cause.clone()),
            Verdict::Reject(cause) => (None, cause.clone()),
        };
        let may_be_the_message =
            matches!(cause.class, Class::Poison | Class::BatchShape | Class::Unknown);
        if self.verdicts.len() == 1 && may_be_the_message {
            return Sign::Doubtful(cause);
        }
        Sign::Bad { after, cause }
    }
}

/// Whether the process, or the machine, has run out of file descriptors or memory for now.
fn is_exhaustion(error: &ReadError) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let ReadError::Disk { source, .. } = error else { return false };
    matches!(source.raw_os_error(), Some(ENOMEM | ENFILE | EMFILE))
}

async fn wake_up(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
