//! What runs: the stages, until one ends on its own or the stop.

use std::{error::Error, thread, time::Duration};

use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, timeout},
};
use tracing::{error, warn};

use super::StartError;
use crate::{journal, stop::Stopper, trace};

type BoxError = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), BoxError>;

/// How long the stages may take to let go once the grace has ended: enough for a disk that is busy
/// with the last writes, and no wait for one that hangs.
const LET_GO_MAX: Duration = Duration::from_secs(5);

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    stages: JoinSet<(&'static str, Outcome)>,
    stopper: Stopper,
    grace: Duration,
    traces: trace::Traces,
    documents: usize,
}

/// A stage ended although nobody asked for a stop.
#[derive(Debug, thiserror::Error)]
#[error("the {stage} ended on its own")]
pub struct StageEnded {
    /// Which.
    stage: &'static str,
    /// Why, if it said so.
    source: Option<BoxError>,
}

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request on the wire was answered.
    Finished,
    /// The grace ended first. What was on the wire is still in the journal.
    Expired,
}

impl Daemon {
    /// One that runs nothing yet.
    pub(super) fn new(
        stopper: Stopper,
        grace: Duration,
        traces: trace::Traces,
        documents: usize,
    ) -> Self {
        Self { stages: JoinSet::new(), stopper, grace, traces, documents }
    }

    /// How many documents were in force at the start.
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// How long a stop takes at the most.
    pub fn stop_max(&self) -> Duration {
        self.grace.saturating_add(LET_GO_MAX)
    }

    /// Runs a stage; its end is the end of the daemon.
    pub(super) fn run<E>(
        &mut self,
        stage: &'static str,
        running: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<BoxError>,
    {
        self.stages.spawn(async move { (stage, running.await.map_err(Into::into)) });
    }

    /// The writer is a thread, because it waits for the disk.
    pub(super) fn run_writer(&mut self, writer: journal::Writer) -> Result<(), StartError> {
        let (ended, outcome) = oneshot::channel();
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                // Nobody listens any more only if the process is going away.
                drop(ended.send(writer.run()));
            })
            .map_err(StartError::Thread)?;
        self.run("journal", async move {
            match outcome.await {
                Ok(outcome) => outcome.map_err(BoxError::from),
                Err(cause) => Err(BoxError::from(cause)),
            }
        });
        Ok(())
    }

    /// Waits until a stage ends, which none does without a stop.
    pub async fn stage_ended(&mut self) -> StageEnded {
        match self.stages.join_next().await {
            Some(Ok((stage, outcome))) => StageEnded { stage, source: outcome.err() },
            Some(Err(panic)) => StageEnded { stage: "panicked stage", source: Some(panic.into()) },
            None => StageEnded { stage: "daemon", source: None },
        }
    }

    /// Takes nothing new, lets requests on the wire finish within the grace, and closes the
    /// journal, which keeps what is pending.
    pub async fn stop(mut self) -> Stopped {
        let begun = Instant::now();
        self.stopper.request();
        let finished = timeout(self.grace, self.join_all()).await;
        if finished.is_ok() {
            self.traces.end(self.grace.saturating_sub(begun.elapsed())).await;
            return Stopped::Finished;
        }
        self.stopper.expire();
        if timeout(LET_GO_MAX, self.join_all()).await.is_err() {
            error!(stages = self.stages.len(), "stages did not let go; the journal has the rest");
        }
        Stopped::Expired
    }

    async fn join_all(&mut self) {
        while let Some(ended) = self.stages.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((stage, Err(cause))) => warn!(stage, %cause, "stage failed during the stop"),
                Err(cause) => warn!(%cause, "stage panicked during the stop"),
            }
        }
    }
}
