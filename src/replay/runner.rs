//! Owns the replays and carries out the one that runs.

use std::{convert::Infallible, fmt, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tracing::{info, warn};

use super::{
    CancelError, OpenError, Order, Replay, Replays, StartError, State, Through,
    book::Book,
    metrics,
    pace::Pace,
    replays::Request,
    select::{Selected, Selector},
};
use crate::{
    journal::{AppendError, History, Journal},
    model::Destination,
    route::Shared,
    stop::Stop,
};

/// So many requests may wait.
const REQUESTS_MAX: usize = 16;
/// What is read at once, in records and in bytes.
const READ_MAX: u32 = 256;
const READ_BYTES_MAX: usize = 1 << 20;
/// How old the place on the disk may be, and so how much a crash sends twice.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// The wait for a journal that takes nothing, or for a disk.
const PAUSE: Duration = Duration::from_secs(1);

/// The stage that replays.
pub struct Runner {
    book: Book,
    requests: mpsc::Receiver<Request>,
    known: watch::Sender<Arc<[Replay]>>,
    journal: Journal,
    routes: Shared,
    is_named: Box<dyn Fn(&Destination) -> bool + Send + Sync>,
    job: Option<Job>,
}

/// What the running replay has in its hands.
#[derive(Debug)]
struct Job {
    history: History,
    selector: Selector,
    pace: Pace,
    /// Selected, and not durable yet.
    selected: Option<Selected>,
    written: Instant,
}

/// Reads which replays there are; the one that was running goes on once the [`Runner`] runs.
/// `is_named` says whether a rule in force names a destination.
pub fn open(
    directory: &Path,
    journal: Journal,
    routes: Shared,
    is_named: impl Fn(&Destination) -> bool + Send + Sync + 'static,
) -> Result<(Replays, Runner), OpenError> {
    let book = Book::open(directory)?;
    let (sender, requests) = mpsc::channel(REQUESTS_MAX);
    let (known, knowing) = watch::channel(book.replays().into());
    let is_named = Box::new(is_named);
    let runner = Runner { book, requests, known, journal, routes, is_named, job: None };
    Ok((Replays::new(sender, knowing), runner))
}

impl Runner {
    /// Replays until the stop.
    pub async fn run(mut self, stop: Stop) -> Result<(), Infallible> {
        if let Some(replay) = self.book.running() {
            info!(replay = replay.id, replayed = replay.replayed, "replay goes on");
            self.job = Some(self.job_of(replay));
        }
        loop {
            metrics::running(self.job.is_some().into());
            let due = self.job.as_ref().map(|job| job.pace.due());
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(request) = self.requests.recv() => self.answer(request).await,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.step().await;
                }
            }
            self.known.send_replace(self.book.replays().into());
        }
        if self.job.is_some()
            && let Err(cause) = self.book.write().await
        {
            warn!(%cause, "the place of the replay is not written; it sends some events again");
        }
        Ok(())
    }

    async fn answer(&mut self, request: Request) {
        match request {
            // Whoever asked and went away finds the replay in the list.
            Request::Start { order, reply } => drop(reply.send(self.start(order).await)),
            Request::Cancel { id, reply } => drop(reply.send(self.cancel(id).await)),
        }
    }

    async fn start(&mut self, order: Order) -> Result<Replay, StartError> {
        if let Some(running) = self.book.running() {
            return Err(StartError::Running { id: running.id });
        }
        let now = Timestamp::now();
        let (since, until) = (order.since, order.until.unwrap_or(now).min(now));
        if since >= until {
            return Err(StartError::Empty { since, until });
        }
        let is_unnamed = |destination| !(self.is_named)(destination);
        let through = match &order.destination {
            Some(destination) if is_unnamed(destination) => {
                if !order.everything && !order.dry_run {
                    return Err(StartError::Unnamed { destination: destination.clone() });
                }
                Through::Everything
            }
            _ => Through::Rules,
        };
        let replay = self.book.add(order, through, now).await.map_err(StartError::Disk)?.clone();
        let Order { bucket, prefix, destination, rate, dry_run, .. } = &replay.order;
        let bucket = bucket.as_ref().map(tracing::field::display);
        let destination = destination.as_ref().map(tracing::field::display);
        info!(
            replay = replay.id, %since, %until, bucket, prefix, destination, rate, dry_run,
            "replay begins"
        );
        self.job = Some(self.job_of(&replay));
        Ok(replay)
    }

    async fn cancel(&mut self, id: u64) -> Result<Replay, CancelError> {
        if self.book.running().is_some_and(|running| running.id == id) {
            self.end(State::Cancelled, None).await;
        }
        let replay = self.book.replays().iter().find(|replay| replay.id == id);
        replay.cloned().ok_or(CancelError::Unknown { id })
    }

    fn job_of(&self, replay: &Replay) -> Job {
        let Order { since, until, rate, .. } = replay.order;
        let until = until.unwrap_or(replay.started);
        let now = Instant::now();
        Job {
            history: self.journal.history(since, until, replay.cursor),
            selector: Selector::new(self.routes.clone()),
            pace: Pace::new(rate, now),
            selected: None,
            written: now,
        }
    }

    /// Sends a part again, and remembers that.
    async fn step(&mut self) {
        let (Some(job), Some(replay)) = (&mut self.job, self.book.running_mut()) else { return };
        match job.advance(&self.journal, replay).await {
            Ok(Advance::On) => {}
            Ok(Advance::ToTheEnd) => return self.end(State::Finished, None).await,
            Ok(Advance::Wait(problem)) => {
                if replay.problem.as_ref() != Some(&problem) {
                    warn!(replay = replay.id, problem, "replay waits");
                }
                replay.problem = Some(problem);
                job.pace.pause(PAUSE, Instant::now());
            }
            Err(problem) => return self.end(State::Failed, Some(problem)).await,
        }
        if job.written.elapsed() < WRITE_EVERY {
            return;
        }
        job.written = Instant::now();
        if let Err(cause) = self.book.write().await {
            warn!(%cause, "cannot write the place of the replay; a crash sends more events again");
        }
    }

    async fn end(&mut self, state: State, problem: Option<String>) {
        self.job = None;
        let Some(replay) = self.book.running_mut() else { return };
        replay.end(state, problem, Timestamp::now());
        let Replay { id, replayed, read, .. } = *replay;
        let (state, problem) = (state.name(), replay.problem.as_deref());
        info!(replay = id, state, replayed, read, problem, "replay ended");
        if let Err(cause) = self.book.write().await {
            warn!(%cause, "cannot write that the replay ended; it goes on after a restart");
        }
    }
}

/// How a step went.
enum Advance {
    On,
    ToTheEnd,
    /// Nothing was sent, for this reason, which may go away.
    Wait(String),
}

impl Job {
    /// Sends a part again; an error is why it cannot go on.
    async fn advance(&mut self, journal: &Journal, replay: &mut Replay) -> Result<Advance, String> {
        let selected = if let Some(selected) = self.selected.take() {
            selected
        } else {
            let max = replay.order.rate.get().min(READ_MAX) as usize;
            let history = self.history.next(max, READ_BYTES_MAX).await;
            let history = history.map_err(|cause| cause.to_string())?;
            if history.is_empty() {
                return Ok(Advance::ToTheEnd);
            }
            self.selector.select(history, &replay.order, replay.through)
        };
        if !replay.order.dry_run {
            match journal.append(selected.records.clone()).await {
                Ok(_) => metrics::replayed(selected.events),
                Err(cause @ AppendError::TooLarge { .. }) => return Err(cause.to_string()),
                Err(cause) => {
                    self.selected = Some(selected);
                    return Ok(Advance::Wait(cause.to_string()));
                }
            }
            self.pace.sent(selected.events, Instant::now());
        }
        if let Some((seq, cause)) = &selected.unreadable {
            warn!(replay = replay.id, seq, %cause, "a record cannot be read and is left out");
        }
        replay.problem = None;
        replay.read += selected.read;
        replay.replayed += selected.events;
        if let Some((seq, time)) = selected.last {
            (replay.cursor, replay.reached) = (Some(seq), Some(time));
        }
        Ok(Advance::On)
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("book", &self.book).finish_non_exhaustive()
    }
}
