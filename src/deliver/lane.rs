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
    on_the_wire: FuturesUnordered<BoxFuture<'static, Attempt>>,
}

/// One event on its way to this destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    position: Position,
    /// Which of the record's destinations this is.
    ordinal: usize,
    failures: u32,
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
            on_the_wire: FuturesUnordered::new(),
        }
    }

    /// Delivers until the stop. An attempt that is on the wire then may finish within the grace.
    pub async fn run(mut self, stop: Stop) -> Result<(), LaneError> {
        loop {
            self.start_attempts();
            let (wake_at, has_room) = (self.wake_at(), self.has_room());
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

    fn start_attempts(&mut self) {
        let now = Instant::now();
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
            if weight > room && !tickets.is_empty() {
                break;
            }
            room = room.saturating_sub(weight);
            let Some(Delivery { ticket, message }) = self.ready.pop_front() else { break };
            self.ready_bytes = self.ready_bytes.saturating_sub(message.body.len());
            tickets.push(ticket);
            messages.push(message);
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
        let failure = attempt.failure();
        for cause in attempt.verdicts.iter().filter_map(Verdict::cause) {
            self.counters.failed(cause.class);
        }
        if let Some((after, cause)) = failure {
            self.slow_down(attempt.started, after, &cause);
            self.send_again(attempt);
        } else {
            self.speed_up();
            self.settle_each(attempt).await;
        }
    }

    async fn settle_each(&mut self, attempt: Attempt) {
        let mut delivered = Vec::with_capacity(attempt.tickets.len());
        for (ticket, verdict) in attempt.tickets.into_iter().zip(attempt.verdicts) {
            match verdict {
                Verdict::Delivered => delivered.push(ticket.position),
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

    fn slow_down(&mut self, started: Generation, after: Option<Duration>, cause: &Cause) {
        let wait = self.pace.failed(started, Instant::now(), after, fastrand::f64());
        if let Some(wait) = wait {
            let destination = &self.destination;
            warn!(%destination, class = cause.class.name(), ?wait, %cause, "delivery failed, will retry");
        }
    }

    fn speed_up(&mut self) {
        let failures = self.pace.succeeded();
        if failures > 0 {
            info!(destination = %self.destination, failures, "delivering again");
        }
    }

    fn send_again(&mut self, attempt: Attempt) {
        for (ticket, message) in attempt.tickets.into_iter().zip(attempt.messages).rev() {
            let ticket = Ticket { failures: ticket.failures.saturating_add(1), ..ticket };
            self.ready_bytes += message.body.len();
            self.ready.push_front(Delivery { ticket, message });
        }
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
        let ticket = Ticket { failures, ..ticket };
        self.waiting.push(Reverse(Waiting { until: Instant::now() + wait, ticket }));
    }

    fn wake_at(&self) -> Option<Instant> {
        let hold = self.pace.hold_until().filter(|_| !self.ready.is_empty());
        let hold = hold.filter(|until| *until > Instant::now());
        let due = self.waiting.peek().filter(|_| self.has_room()).map(|Reverse(next)| next.until);
        hold.into_iter().chain(due).min()
    }

    /// Reads those messages again whose wait is over.
    async fn recall(&mut self) -> Result<(), LaneError> {
        let now = Instant::now();
        while self.has_room()
            && let Some(Reverse(next)) = self.waiting.peek()
            && next.until <= now
        {
            let Some(Reverse(Waiting { ticket, .. })) = self.waiting.pop() else { break };
            let body =
                self.reader.reread(ticket.position).await.map_err(|e| self.failed_to_read(e))?;
            self.make_ready(ticket, &body);
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.ready_bytes < READY_BYTES_MAX && self.ready.len() < self.ready_max()
    }

    /// Twice what can be on the wire, so that the next requests are ready when a place is free.
    fn ready_max(&self) -> usize {
        self.config.concurrency.get().saturating_mul(self.publisher.limits().entries * 2)
    }

    async fn fetch(&mut self) -> Result<(), LaneError> {
        let (count, bytes) =
            (self.ready_max() - self.ready.len(), READY_BYTES_MAX - self.ready_bytes);
        let fetched = self.reader.fetch(count, bytes).await.map_err(|e| self.failed_to_read(e))?;
        for record in fetched {
            let ticket = Ticket { position: record.position, ordinal: record.ordinal, failures: 0 };
            self.make_ready(ticket, &record.body);
        }
        Ok(())
    }

    fn failed_to_read(&self, source: ReadError) -> LaneError {
        LaneError { destination: Arc::clone(&self.destination), source }
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
    /// Why nothing of the request was delivered, if that is what happened and the lane is to
    /// slow down for it. A message that was refused alone is its own problem, not the lane's.
    fn failure(&self) -> Option<(Option<Duration>, Cause)> {
        let first = self.verdicts.first()?;
        let whole = self.verdicts.iter().all(|verdict| verdict.cause().is_some());
        let (after, cause) = match first {
            Verdict::Delivered => return None,
            Verdict::Retry { after, cause } => (*after, cause),
            Verdict::Reject(cause) => (None, cause),
        };
        let blames_the_message =
            matches!(cause.class, Class::Poison | Class::BatchShape | Class::Unknown);
        let alone = self.verdicts.len() == 1;
        (whole && !(alone && blames_the_message)).then(|| (after, cause.clone()))
    }
}

async fn wake_up(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
