//! The log: one line a state change, on stderr.

use std::io;

use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, prelude::*, util::TryInitError};

/// The `[log]` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How a line looks.
    pub format: Format,
    /// What is logged, in the syntax of `RUST_LOG`, which overrides it.
    pub filter: String,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is malformed.
    #[error(
        "log.filter or RUST_LOG `{filter}` is no filter; write \"info\" or \"info,fanfare::deliver=debug\""
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Somebody else logs already.
    #[error("logging was started twice")]
    Twice(#[from] TryInitError),
}

impl Default for Config {
    fn default() -> Self {
        Self { format: Format::Text, filter: "info,aws_config=error".into() }
    }
}

/// Starts logging to stderr.
#[expect(clippy::disallowed_methods, reason = "RUST_LOG is one of the documented variables")]
pub fn init(config: &Config) -> Result<(), InitError> {
    let filter = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| config.filter.clone());
    let filter =
        EnvFilter::try_new(&filter).map_err(|source| InitError::Filter { filter, source })?;
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match config.format {
        Format::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry().with(filter).with(lines).try_init()?)
}
