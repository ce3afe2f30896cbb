//! What a reload changes while the daemon runs: the log's filter, who may use the S3 API, and the
//! tokens of the other ports.
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
    model::Secret,
    serve::{Token, TokenError},
    telemetry::LogFilter,
};

/// The settings that are in force, and the hold on those that may change.
#[derive(Debug)]
pub struct Reload {
    path: PathBuf,
    config: Config,
    log: LogFilter,
    credentials: watch::Sender<Arc<Credentials>>,
    events_token: Option<Token>,
    admin_token: Option<Token>,
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

/// Why settings cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file cannot be used.
    #[error(transparent)]
    Settings(#[from] LoadError),
    /// The secret of a key for the S3 API cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Reload {
    /// Reads the secrets of the settings that were read from this file.
    pub fn new(path: PathBuf, config: Config, log: LogFilter) -> Result<Self, ReloadError> {
        let credentials = Credentials::load(&config.credentials, config.region.clone())?;
        let (events_token, admin_token) = (config.events.token()?, config.admin.token()?);
        let (credentials, status) =
            (watch::Sender::new(Arc::new(credentials)), watch::Sender::default());
        Ok(Self { path, config, log, credentials, events_token, admin_token, status })
    }

    /// The settings that are in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who may use the S3 API.
    pub fn credentials(&self) -> watch::Receiver<Arc<Credentials>> {
        self.credentials.subscribe()
    }

    /// What stores have to send, if they have to.
    pub fn events_token(&self) -> Option<Token> {
        self.events_token.clone()
    }

    /// What operators have to send, if they have to.
    pub fn admin_token(&self) -> Option<Token> {
        self.admin_token.clone()
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
        // Of the files that were named at the start.
        let tokens = self.tokens()?;
        self.credentials.send_replace(Arc::new(credentials));
        for (token, secret) in tokens {
            token.replace(secret);
        }
        self.log.replace(&new.log.filter);
        if self.log.is_overridden() && new.log.filter != self.config.log.filter {
            warn!("log.filter has changed, but RUST_LOG overrides it");
        }
        self.config.credentials = new.credentials.clone();
        self.config.log.filter = new.log.filter.clone();
        let waiting = self.config.differences(&new);
        info!("reloaded log.filter, [[credentials]] with their secrets, and the tokens");
        if !waiting.is_empty() {
            let keys = waiting.join(", ");
            warn!(keys, "these settings have changed and need a restart");
        }
        Ok(())
    }

    /// The tokens, each with what its file holds now.
    fn tokens(&self) -> Result<Vec<(Token, Secret)>, TokenError> {
        let tokens = [&self.events_token, &self.admin_token].into_iter().flatten();
        tokens.map(|token| Ok((token.clone(), token.read()?))).collect()
    }
}

/// The error with all its causes.
fn words(cause: &dyn Error) -> String {
    let causes = successors(Some(cause), |&cause| cause.source());
    let words = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    // That of the settings ends its last line.
    words.trim_end().to_owned()
}
