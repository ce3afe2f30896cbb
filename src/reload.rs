//! What a reload changes while the daemon runs: the log's filter, and who may use the S3 API.
//!
//! All else of the settings is bound to what was opened at the start, and is named instead. A
//! reload applies all that it can or, if anything of the new settings cannot be used, nothing.

use std::{error::Error, iter::successors, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::{
    config::{Config, LoadError},
    control::{Credentials, SecretError},
    telemetry::LogFilter,
};

/// The settings that are in force, and the hold on those that may change.
#[derive(Debug)]
pub struct Reload {
    path: PathBuf,
    config: Config,
    log: LogFilter,
    credentials: watch::Sender<Arc<Credentials>>,
    status: watch::Sender<Status>,
}

/// How the reloads went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How many have put settings in force.
    pub count: u64,
    /// When the last of them did.
    pub applied: Option<Timestamp>,
    /// Why the last reload changed nothing, if it did not.
    pub problem: Option<String>,
}

/// Why the new settings are not in force.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Settings(#[from] LoadError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Reload {
    /// Reads the secrets of the settings that were read from this file.
    pub fn new(path: PathBuf, config: Config, log: LogFilter) -> Result<Self, SecretError> {
        let credentials = Credentials::load(&config.credentials, config.region.clone())?;
        let credentials = watch::Sender::new(Arc::new(credentials));
        Ok(Self { path, config, log, credentials, status: watch::Sender::default() })
    }

    /// The settings that are in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who may use the S3 API.
    pub fn credentials(&self) -> watch::Receiver<Arc<Credentials>> {
        self.credentials.subscribe()
    }

    /// How the reloads went, now and after each.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Reads the file and the secrets again and puts in force what can be; the log has the rest.
    pub fn run(&mut self) {
        let problem = self.apply().err().map(|cause| {
            let cause = words(&cause);
            error!(cause, "cannot reload; what was in force still is");
            cause
        });
        self.status.send_modify(|status| {
            if problem.is_none() {
                (status.count, status.applied) = (status.count + 1, Some(Timestamp::now()));
            }
            status.problem = problem;
        });
    }

    fn apply(&mut self) -> Result<(), ReloadError> {
        let new = Config::load(&self.path)?;
        // Of the region at the start, as all of the daemon.
        let credentials = Credentials::load(&new.credentials, self.config.region.clone())?;
        self.credentials.send_replace(Arc::new(credentials));
        self.log.replace(&new.log.filter);
        if self.log.is_overridden() && new.log.filter != self.config.log.filter {
            warn!("log.filter has changed, but RUST_LOG overrides it");
        }
        self.config.credentials = new.credentials.clone();
        self.config.log.filter = new.log.filter.clone();
        let waiting = self.config.differences(&new);
        info!("reloaded log.filter and [[credentials]] with their secrets");
        if !waiting.is_empty() {
            let keys = waiting.join(", ");
            warn!(keys, "these settings have changed and need a restart");
        }
        Ok(())
    }
}

/// The error with all its causes.
fn words(cause: &dyn Error) -> String {
    let causes = successors(Some(cause), |&cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
