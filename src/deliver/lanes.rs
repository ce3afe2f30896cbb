//! The lanes of all destinations: one is started when a destination first has work.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::{sync::watch, task::JoinSet};
use tracing::{error, info};

use super::{Config, Lane, LaneError};
use crate::{
    journal::{Journal, OpenReaderError},
    model::Destination,
    payload::{Form, Renderer},
    publish::Publish,
    stop::Stop,
};

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
        for destination in self.still_pending() {
            self.start(&destination, &stop).await?;
        }
        loop {
            let destinations = wanted.borrow_and_update().clone();
            for destination in destinations.values() {
                self.start(destination, &stop).await?;
            }
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(ended) = self.running.join_next() => ended.map_err(LanesError::Panicked)??,
                // An error means that no more changes will come.
                changed = wanted.changed() => if changed.is_err() { stop.requested().await },
            }
        }
        while let Some(ended) = self.running.join_next().await {
            ended.map_err(LanesError::Panicked)??;
        }
        Ok(())
    }

    /// The destinations of an earlier run that no rule may name any more: they keep draining.
    fn still_pending(&self) -> Vec<Destination> {
        let lanes = self.journal.lanes().into_iter().filter(|lane| lane.pending > 0);
        lanes
            .filter_map(|lane| match lane.name.parse() {
                Ok(destination) => Some(destination),
                Err(cause) => {
                    let (destination, pending): (_, u64) = (&lane.name, lane.pending);
                    let cause: crate::model::DestinationError = cause;
                    error!(%destination, pending, %cause, "events are pending for what is no destination");
                    None
                }
            })
            .collect()
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
