//! What the disk does not give back, and what a lane does about it.
//!
//! - Bytes that can be read and are wrong are gone: their record is counted as lost, as it would be
//!   if a start had found it.
//! - Bytes that cannot be read may be there again tomorrow, on a disk that was away: nothing is given
//!   up. The lane says that it is broken and tries again, as often as it tries a broken destination.
//!   It goes on with what it has read before.
//! - What passes by itself, such as a lack of file descriptors, is waited for.
//!
//! No lane takes another with it.

use std::{io, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;
use tracing::{error, warn};

use super::{lane::Lane, status::LastError, ticket::Ticket};
use crate::{journal::ReadError, publish::Publish};

/// How long to wait for file descriptors or memory that the process lacks.
const EXHAUSTED_WAIT: Duration = Duration::from_secs(1);

/// The class of such a failure: it is no answer of the destination.
const CLASS: &str = "journal";

/// What is not read now.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// Nothing is read until then: the process, or the machine, lacks something.
    exhausted: Option<Instant>,
    /// No new records are read until then: the place that the lane has come to cannot be read.
    stuck: Option<Instant>,
    /// When what cannot be read is tried again.
    illegible: Option<Instant>,
    told: Option<Instant>,
}

/// Why there are no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Illegible {
    /// There never will be: the message is finished.
    Gone,
    /// They may be there then.
    Until(Instant),
}

impl Unread {
    /// Whether anything may be read.
    pub(super) fn may_read(&self, now: Instant) -> bool {
        self.exhausted.is_none_or(|until| until <= now)
    }

    /// Whether new records may be read.
    pub(super) fn may_fetch(&self, now: Instant) -> bool {
        self.may_read(now) && self.stuck.is_none_or(|until| until <= now)
    }

    /// Whether something could not be read, and was not tried again yet.
    pub(super) fn is_illegible(&self, now: Instant) -> bool {
        self.illegible.is_some_and(|until| until > now)
    }

    /// This moment, or the first after it at which something may be read.
    pub(super) fn not_before(&self, at: Instant) -> Instant {
        self.exhausted.map_or(at, |until| at.max(until))
    }

    /// When something is tried again.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let waits = [self.exhausted, self.stuck, self.illegible].into_iter().flatten();
        waits.filter(|until| *until > now).min()
    }
}

impl<P: Publish> Lane<P> {
    /// The bytes of a ticket's record, once more; compaction may have moved it.
    pub(super) async fn read_again(&mut self, ticket: &mut Ticket) -> Result<Bytes, Illegible> {
        match self.reader.reread(ticket.position).await {
            Ok((position, body)) => {
                ticket.position = position;
                Ok(body)
            }
            Err(cause @ ReadError::Changed { .. }) => {
                self.lose(ticket, &cause).await;
                Err(Illegible::Gone)
            }
            Err(cause) => Err(Illegible::Until(self.put_off(&cause))),
        }
    }

    /// The place that the lane has come to cannot be read.
    pub(super) fn cannot_go_on(&mut self, cause: &ReadError) {
        self.unread.stuck = Some(self.put_off(cause));
    }

    async fn lose(&mut self, ticket: &Ticket, cause: &ReadError) {
        let seq = ticket.position.seq();
        error!(destination = %self.name, seq, %cause, "an event is lost: its record is corrupt");
        self.reader.lose(&[ticket.position]).await;
        if let Some(key) = ticket.key {
            self.tickets.finished(key);
        }
    }

    /// Something cannot be read now; answers when to try again.
    fn put_off(&mut self, cause: &ReadError) -> Instant {
        let (now, destination) = (Instant::now(), &self.name);
        if is_exhaustion(cause) {
            warn!(%destination, %cause, "cannot read what is pending, will retry");
            let until = now + EXHAUSTED_WAIT;
            self.unread.exhausted = Some(until);
            return until;
        }
        let until = now + self.config.probe_interval;
        self.unread.illegible = Some(until);
        let source = source_of(cause);
        // There may be many of them.
        if self.unread.told.is_none_or(|told| now >= told + self.config.probe_interval) {
            self.unread.told = Some(now);
            let retry_in = self.config.probe_interval;
            error!(%destination, %cause, %source, ?retry_in, "what is pending cannot be read; it stays pending until the disk gives it back");
        }
        let (code, message) = ("ReadFailed".into(), format!("{cause}: {source}").into());
        let last = LastError { class: CLASS, code, message, time: self.surroundings.clock.now() };
        self.status.send_modify(|status| status.last_error = Some(last));
        until
    }
}

fn source_of(cause: &ReadError) -> String {
    std::error::Error::source(cause).map_or_else(String::new, ToString::to_string)
}

/// Whether the process, or the machine, has run out of file descriptors or memory for now.
fn is_exhaustion(error: &ReadError) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let ReadError::Disk { source, .. } = error else { return false };
    matches!(io::Error::raw_os_error(source), Some(ENOMEM | ENFILE | EMFILE))
}
