//! The log: one line a state change, on stderr.

use std::io;

use serde::{Deserialize, Serialize};
use tracing_subscriber::{
    EnvFilter, Registry, filter::ParseError, fmt, prelude::*, reload, util::TryInitError,
};

/// The `[log]` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How a line looks.
    pub format: Format,
    /// What is logged, in the syntax of `RUST_LOG`, which overrides it.
    pub filter: Filter,
}

/// Which events are logged. Always in the syntax of `RUST_LOG`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Filter(String);

/// A text that is no filter.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no filter of the log; write \"info\" or \"info,fanfare::deliver=debug\"")]
pub struct FilterError {
    text: String,
    source: ParseError,
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
    /// The variable holds no filter.
    #[error("cannot use RUST_LOG")]
    RustLog(#[from] FilterError),
    /// Somebody else logs already.
    #[error("logging was started twice")]
    Twice(#[from] TryInitError),
}

impl Default for Config {
    fn default() -> Self {
        Self { format: Format::Text, filter: Filter("info,aws_config=error".into()) }
    }
}

impl Filter {
    fn parse(&self) -> Result<EnvFilter, FilterError> {
        let text = &self.0;
        EnvFilter::try_new(text).map_err(|source| FilterError { text: text.clone(), source })
    }
}

impl TryFrom<String> for Filter {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let filter = Self(text);
        filter.parse().map(|_| filter)
    }
}

/// The filter that is in force.
#[derive(Clone, Debug)]
pub struct LogFilter {
    handle: reload::Handle<EnvFilter, Registry>,
    is_overridden: bool,
}

impl LogFilter {
    /// Whether `RUST_LOG` has the say.
    pub fn is_overridden(&self) -> bool {
        self.is_overridden
    }

    /// Puts the filter in force, unless `RUST_LOG` has the say.
    pub fn replace(&self, filter: &Filter) {
        let filter = filter.parse().expect("a filter was parsed once");
        if !self.is_overridden {
            self.handle.reload(filter).expect("the log lasts as long as the process");
        }
    }
}

/// Starts logging to stderr.
#[expect(clippy::disallowed_methods, reason = "RUST_LOG is one of the documented variables")]
pub fn init(config: &Config) -> Result<LogFilter, InitError> {
    let variable = std::env::var(EnvFilter::DEFAULT_ENV).ok().map(Filter);
    let is_overridden = variable.is_some();
    let filter = variable.as_ref().unwrap_or(&config.filter).parse()?;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match config.format {
        Format::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(LogFilter { handle, is_overridden })
}
