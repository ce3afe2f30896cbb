//! Reads the settings file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Config, Contradiction, quotable::Quotable};
use crate::{admin, model::DestinationError};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the settings {}; {}", path.display(), who_or_where(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value that no stage accepts.
    #[error("cannot use the settings {}{remedy}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What to write, where the source does not say so; it begins with a semicolon.
        remedy: &'static str,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// The same, where secrets stand; nothing of the file is repeated.
    #[error(
        "cannot use the settings {}: line {line}, which is not shown for the secrets around it: \
         {problem}",
        path.display()
    )]
    Hidden {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and with which key.
        problem: String,
    },
    /// Settings that are fine one by one are not together.
    #[error("cannot use the settings {}", path.display())]
    Together {
        /// The file.
        path: PathBuf,
        /// Which, and what helps.
        source: Box<Contradiction>,
    },
    /// The bus has an impossible name.
    #[error("event_bridge.bus `{bus}` is no name of a bus")]
    Bus {
        /// The name as given.
        bus: String,
        /// What its ARN violates.
        source: DestinationError,
    },
    /// Anybody could ask at the admin port.
    #[error(transparent)]
    Exposed(#[from] admin::Exposed),
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = fs::read_to_string(path)
            .map_err(|source| LoadError::Read { path: path.into(), source })?;
        let config: Self =
            toml::from_str(&text).map_err(|wrong| parse_error(path, &text, wrong))?;
        config.bus()?;
        config.check_together().map_err(|source| LoadError::Together {
            path: path.into(),
            source: Box::new(source),
        })?;
        config.admin.check_address(config.listen.admin)?;
        Ok(config)
    }
}

fn who_or_where(cause: &io::Error) -> &'static str {
    if cause.kind() == io::ErrorKind::PermissionDenied {
        "ask as a user who may, or give a running daemon's port and token in place of --config"
    } else {
        "name the file with --config or FANFARE_CONFIG"
    }
}

/// Only what cannot be a secret is repeated.
fn parse_error(path: &Path, text: &str, mut source: toml::de::Error) -> LoadError {
    let (path, quotable) = (path.to_owned(), Quotable::new(text));
    let Some(line) = source.span().and_then(|span| quotable.hidden_line(span)) else {
        source.set_input(Some(quotable.text()));
        let remedy = remedy(source.message());
        return LoadError::Parse { path, remedy, source: Box::new(source) };
    };
    // Without the text, it is the message and, below it, the key.
    source.set_input(None);
    let problem = source.to_string().trim_end().replace('\n', " ");
    LoadError::Hidden { path, line, problem: without_value(&problem).to_owned() }
}

/// The libraries say what they expect by their own names for it.
fn remedy(problem: &str) -> &'static str {
    if problem.ends_with("expected a duration") {
        "; write a time such as \"30s\" or \"1h30m\""
    } else if problem.ends_with("expected parsable string") {
        "; write a size such as \"64MiB\""
    } else if problem == "invalid socket address syntax" {
        "; write an IP address and a port, such as \"127.0.0.1:9710\""
    } else {
        ""
    }
}

/// serde repeats a value of the wrong type.
fn without_value(problem: &str) -> &str {
    let is_of_a_type =
        problem.starts_with("invalid type: ") || problem.starts_with("invalid value: ");
    let expected = problem.rfind(", expected ").filter(|_| is_of_a_type);
    expected.and_then(|at| problem.get(at + ", ".len()..)).unwrap_or(problem)
}
