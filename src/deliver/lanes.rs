//! The lanes of all destinations: one is started when a destination first has work, and closed when
//! nobody names it and nothing is pending.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval},
};
use tracing::{error, info, warn};

use super::{
    Connection, Pulse, Statuses, StillWanted, WhenFull,
    books::Books,
    clock::Clock,
    lane::{Lane, Orders, Surroundings},
    pulse::{Pings, Question, pings, pulse},
};
use crate::{
    journal::{self, Journal, OpenReaderError, Refusing},
    model::Destination,
    payload::Renderer,
    publish::Publish,
    stop::Stop,
    tail::Hub,
};

/// How often to check the books, and to see what changes without a word: events for a destination
/// that no rule names, the end of them, a full journal.
const LOOK: Duration = Duration::from_secs(10);

/// The part of what is pending that a lane gives up when it finds the journal full. What that frees
/// shows after the next checkpoint, so it is little.
const RELIEF: u64 = 8;

/// Why the lanes ended on their own.
#[derive(Debug, thiserror::Error)]
pub enum LanesError {
    /// A lane could not be started.
    #[error("cannot open the lane of {destination}")]
    Open {
        /// The destination's ARN.
        destination: Arc<str>,
        /// What the journal said.
        source: OpenReaderError,
    },
    /// A lane panicked, which is a bug.
    #[error("a lane panicked")]
    Panicked(#[source] JoinError),
}

/// Starts and owns the lanes.
#[derive(Debug)]
pub struct Lanes<C> {
    journal: Journal,
    renderer: Arc<Renderer>,
    connect: C,
    still_wanted: StillWanted,
    clock: Clock,
    hub: Hub,
    statuses: Statuses,
    books: Books,
    open: HashMap<Arc<str>, Open>,
    running: JoinSet<Arc<str>>,
    /// Lanes of the journal that name no destination.
    nameless: HashSet<Arc<str>>,
    pulse: Pulse,
    questions: mpsc::Receiver<Question>,
}

/// What is known of a lane that runs.
#[derive(Debug)]
struct Open {
    orders: watch::Sender<Orders>,
    when_full: WhenFull,
    pings: Pings,
}

impl<C, P> Lanes<C>
where
    C: Fn(&Destination) -> Connection<P> + Send,
    P: Publish,
{
    /// `connect` says how a destination is reached, `still_wanted` whether an event is asked for.
    pub fn new(
        journal: Journal,
        renderer: Renderer,
        connect: C,
        still_wanted: StillWanted,
    ) -> Self {
        let (pulse, questions) = pulse();
        Self {
            journal,
            renderer: Arc::new(renderer),
            connect,
            still_wanted,
            clock: Clock::default(),
            hub: Hub::default(),
            statuses: Statuses::default(),
            books: Books::default(),
            open: HashMap::new(),
            running: JoinSet::new(),
            nameless: HashSet::new(),
            pulse,
            questions,
        }
    }

    /// Tells whoever watches what becomes of events.
    #[must_use]
    pub fn watched(mut self, hub: Hub) -> Self {
        self.hub = hub;
        self
    }

    /// Asks whether they move.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// How each lane is doing, now and later.
    pub fn status(&self) -> Statuses {
        self.statuses.clone()
    }

    /// Keeps a lane running for every destination that the rules name or that still has events
    /// pending, until the stop. `documents` changes whenever a rule does.
    pub async fn run<T: Send + Sync>(
        mut self,
        mut wanted: watch::Receiver<HashMap<Arc<str>, Destination>>,
        mut documents: watch::Receiver<T>,
        stop: Stop,
    ) -> Result<(), LanesError> {
        let changes = watch::Sender::new(());
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changed = true;
        loop {
            if changed {
                let new = self.without_lane(&wanted.borrow_and_update());
                for destination in new {
                    self.start(destination, &changes, &stop).await?;
                }
                changed = false;
            }
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(question) = self.questions.recv() => self.answer(question),
                Some(ended) = self.running.join_next() => {
                    self.ended(ended)?;
                    // It may have been named again since it was told to end.
                    changed = true;
                }
                Ok(()) = wanted.changed() => changed = true,
                Ok(()) = documents.changed() => changes.send_modify(|()| ()),
                _ = look.tick() => {
                    let named = wanted.borrow().clone();
                    self.look(&named, &changes, &stop).await?;
                    self.relieve();
                }
            }
        }
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended)?;
        }
        Ok(())
    }

    fn answer(&self, question: Question) {
        let stuck = self.open.iter().filter(|(_, open)| open.pings.find_it_stuck());
        // Whoever asked may have given up.
        drop(question.send(stuck.map(|(lane, _)| Arc::clone(lane)).collect()));
    }

    fn without_lane(&self, wanted: &HashMap<Arc<str>, Destination>) -> Vec<Destination> {
        let new = wanted.iter().filter(|(name, _)| !self.open.contains_key(*name));
        new.map(|(_, destination)| destination.clone()).collect()
    }

    async fn look(
        &mut self,
        named: &HashMap<Arc<str>, Destination>,
        changes: &watch::Sender<()>,
        stop: &Stop,
    ) -> Result<(), LanesError> {
        let lanes = self.journal.lanes();
        let totals = self.journal.dead_totals();
        let rows = |name: &str| totals.get(name).map_or(0, |total| total.count);
        for (destination, imbalance) in self.books.check(&lanes, rows) {
            self.statuses.checked(&destination, imbalance.size());
        }
        for lane in lanes {
            match self.open.get(&lane.name) {
                Some(open) if lane.pending == 0 && !named.contains_key(&lane.name) => {
                    open.orders.send_modify(|orders| orders.retire = true);
                }
                None if lane.pending > 0 => {
                    if let Some(destination) = self.destination(&lane) {
                        self.start(destination, changes, stop).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The destination of a lane that no rule names and that still has events pending.
    fn destination(&mut self, lane: &journal::LaneStatus) -> Option<Destination> {
        let (destination, pending) = (&lane.name, lane.pending);
        match lane.name.parse::<Destination>() {
            Ok(destination) => Some(destination),
            Err(cause) => {
                // Said once is enough.
                if self.nameless.insert(Arc::clone(&lane.name)) {
                    error!(%destination, pending, %cause, "events are pending for what is no destination");
                }
                None
            }
        }
    }

    async fn start(
        &mut self,
        destination: Destination,
        changes: &watch::Sender<()>,
        stop: &Stop,
    ) -> Result<(), LanesError> {
        let name: Arc<str> = destination.as_str().into();
        if self.open.contains_key(&name) {
            return Ok(());
        }
        let reader = self
            .journal
            .reader(&name)
            .await
            .map_err(|source| LanesError::Open { destination: Arc::clone(&name), source })?;
        let connection = (self.connect)(&destination);
        info!(destination = %name, pending = reader.pending(), paused = connection.config.paused, "lane open");
        let surroundings = Surroundings {
            renderer: Arc::clone(&self.renderer),
            still_wanted: self.still_wanted.clone(),
            clock: self.clock.clone(),
            hub: self.hub.clone(),
            documents: changes.subscribe(),
        };
        let (orders, ordered) = watch::channel(Orders::default());
        let (pings, taken) = pings();
        let open = Open { orders, when_full: connection.config.when_full, pings };
        let lane = Lane::new(destination, reader, surroundings, connection, ordered);
        self.statuses.opened(Arc::clone(&name), lane.status());
        self.open.insert(Arc::clone(&name), open);
        let stop = stop.clone();
        self.running.spawn(async move {
            lane.run(stop, taken).await;
            name
        });
        Ok(())
    }

    fn ended(&mut self, ended: Result<Arc<str>, JoinError>) -> Result<(), LanesError> {
        let name = ended.map_err(LanesError::Panicked)?;
        self.statuses.closed(&name);
        self.open.remove(&name);
        info!(destination = %name, "lane closed");
        Ok(())
    }

    /// Lets the lane with the most pending give up its oldest while the journal takes no more, if it
    /// may: to take from another would make no room to speak of.
    fn relieve(&self) {
        if !matches!(self.journal.status().refusing, Some(Refusing::Full)) {
            for open in self.open.values() {
                open.orders.send_if_modified(|orders| orders.relieve_to.take().is_some());
            }
            return;
        }
        let Some(lane) = self.journal.largest_lane() else { return };
        let may = |open: &&Open| open.when_full == WhenFull::DeadLetterOldest;
        let Some(Open { orders, .. }) = self.open.get(&lane.name).filter(may) else { return };
        let (destination, bytes) = (&lane.name, lane.pending_bytes);
        let to = bytes - bytes.div_ceil(RELIEF);
        warn!(%destination, bytes, to, "the journal is full; its oldest events become dead letters");
        orders.send_modify(|orders| orders.relieve_to = Some(to));
    }
}
