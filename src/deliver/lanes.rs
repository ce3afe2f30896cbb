//! The lanes of all destinations: one is started when a destination first has work.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::sleep};
use tracing::{error, info};

use super::{Config, Lane, LaneError};
use crate::{
    journal::{Journal, OpenReaderError},
    model::Destination,
    payload::{Form, Renderer},
    publish::Publish,
    stop::Stop,
};

/// How often to see whether events are pending for a destination that no rule names any more.
const LOOK: Duration = Duration::from_secs(10);

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
    /// A lane ended.
    #[error(transparent)]
    Lane(#[from] LaneError),
    /// A lane panicked, which is a bug.
    #[error("a lane panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

/// Starts and owns the lanes.
#[derive(Debug)]
pub struct Lanes<C> {
    journal: Journal,
    renderer: Arc<Renderer>,
    connect: C,
    config: Config,
    open: HashSet<Arc<str>>,
    running: JoinSet<Result<(), LaneError>>,
}

impl<C, P> Lanes<C>
where
    C: Fn(&Destination) -> (P, Form) + Send,
    P: Publish,
{
    /// `connect` makes the publisher of a destination and says what form its messages have.
    pub fn new(journal: Journal, renderer: Renderer, connect: C, config: Config) -> Self {
        let (open, running) = (HashSet::new(), JoinSet::new());
        Self { journal, renderer: Arc::new(renderer), connect, config, open, running }
    }

    /// Keeps a lane running for every destination that the rules name or that still has events
    /// pending, until the stop or until one of them fails.
    pub async fn run(
        mut self,
        mut wanted: watch::Receiver<HashMap<Arc<str>, Destination>>,
        stop: Stop,
    ) -> Result<(), LanesError> {
        loop {
            let destinations = wanted.borrow_and_update().clone();
            for destination in destinations.into_values().chain(self.still_pending()) {
                self.start(&destination, &stop).await?;
            }
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(ended) = self.running.join_next() => ended.map_err(LanesError::Panicked)??,
                // An error means that no more changes will come.
                changed = wanted.changed() => if changed.is_err() { stop.requested().await },
                () = sleep(LOOK) => {}
            }
        }
        while let Some(ended) = self.running.join_next().await {
            ended.map_err(LanesError::Panicked)??;
        }
        Ok(())
    }

    /// The destinations without a lane that have events pending all the same: no rule may name them
    /// any more since an earlier run, or since the moment before last. They are drained.
    fn still_pending(&mut self) -> Vec<Destination> {
        let mut destinations = Vec::new();
        for lane in self.journal.lanes() {
            if lane.pending == 0 || self.open.contains(&*lane.name) {
                continue;
            }
            match lane.name.parse() {
                Ok(destination) => destinations.push(destination),
                Err(cause) => {
                    let (destination, pending): (_, u64) = (&lane.name, lane.pending);
                    let cause: crate::model::DestinationError = cause;
                    error!(%destination, pending, %cause, "events are pending for what is no destination");
                    // Said once is enough.
                    self.open.insert(lane.name);
                }
            }
        }
        destinations
    }

    async fn start(&mut self, destination: &Destination, stop: &Stop) -> Result<(), LanesError> {
        let name: Arc<str> = destination.as_str().into();
        if !self.open.insert(Arc::clone(&name)) {
            return Ok(());
        }
        let reader = self
            .journal
            .reader(&name)
            .await
            .map_err(|source| LanesError::Open { destination: Arc::clone(&name), source })?;
        info!(destination = %name, pending = reader.pending(), "lane open");
        let (publisher, form) = (self.connect)(destination);
        let rendering = (Arc::clone(&self.renderer), form);
        let lane = Lane::new(name, reader, rendering, publisher, &self.config);
        self.running.spawn(lane.run(stop.clone()));
        Ok(())
    }
}
