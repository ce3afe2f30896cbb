//! What is ready to be sent, and how it is cut into requests.
//!
//! A request is filled greedily in the order of the queue. A destination that refused a request as
//! too large gets no larger one again until a restart: its limit does not move, and finding it again
//! would cost a refusal each time.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::ticket::Ticket;
use crate::{model::Message, publish::Limits, tail::Subject};

/// A message and where it came from.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) ticket: Ticket,
    pub(super) message: Message,
    /// What is told of it to whoever watches.
    pub(super) subject: Subject,
    /// When it became ready.
    pub(super) since: Instant,
}

/// The messages of one request, in their order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) tickets: Vec<Ticket>,
    pub(super) messages: Vec<Message>,
    pub(super) subjects: Vec<Subject>,
    /// By the service's own way of counting.
    pub(super) weight: usize,
}

/// Messages in the order in which they go, oldest first where nothing failed.
#[derive(Debug, Default)]
pub(super) struct Ready {
    queue: VecDeque<Delivery>,
    bytes: usize,
}

/// How large a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl Ready {
    pub(super) fn push_back(&mut self, delivery: Delivery) {
        self.bytes += size(&delivery.message);
        self.queue.push_back(delivery);
    }

    /// Puts a message back before all others.
    pub(super) fn push_front(&mut self, delivery: Delivery) {
        self.bytes += size(&delivery.message);
        self.queue.push_front(delivery);
    }

    pub(super) fn pop_front(&mut self) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        self.bytes -= size(&delivery.message);
        Some(delivery)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The one that goes first.
    pub(super) fn first(&self) -> Option<&Delivery> {
        self.queue.front()
    }

    /// Whether there is enough to fill a request.
    pub(super) fn fills(&self, shape: Shape) -> bool {
        let may_have = |first: &Delivery| shape.entries.min(first.ticket.company);
        let wanted = self.queue.front().map_or(usize::MAX, may_have);
        self.queue.len() >= wanted || self.bytes >= shape.bytes
    }

    /// The next request: whatever fits, at least one message if there is one. The first goes even
    /// if it is too large: the service shall say so.
    pub(super) fn cut(&mut self, shape: Shape, weigh: impl Fn(&Message) -> usize) -> Batch {
        let mut batch = Batch::default();
        let company = self.queue.front().map_or(0, |first| first.ticket.company);
        let entries = shape.entries.min(company);
        while batch.tickets.len() < entries
            && let Some(next) = self.queue.front()
        {
            let weight = batch.weight.saturating_add(weigh(&next.message));
            let fits = weight <= shape.bytes && next.ticket.company == company;
            if !fits && !batch.tickets.is_empty() {
                break;
            }
            let Some(Delivery { ticket, message, subject, .. }) = self.pop_front() else { break };
            batch.weight = weight;
            batch.tickets.push(ticket);
            batch.messages.push(message);
            batch.subjects.push(subject);
        }
        batch
    }
}

impl Shape {
    /// A request of so much was refused as too much. Answers whether that is news.
    pub(super) fn shrink(&mut self, entries: usize, weight: usize, code: &str) -> bool {
        let before = *self;
        if code.contains("Entries") {
            self.entries = self.entries.min(entries / 2).max(1);
        } else {
            self.bytes = self.bytes.min(weight / 2).max(1);
        }
        *self != before
    }
}

impl From<Limits> for Shape {
    fn from(limits: Limits) -> Self {
        Self { entries: limits.entries.max(1), bytes: limits.bytes }
    }
}

/// What a message takes of a lane's memory.
pub(super) fn size(message: &Message) -> usize {
    message.body.len()
}
