//! Reads the settings file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Config;
use crate::model::DestinationError;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the settings {}; name the file with --config or FANFARE_CONFIG", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value that no stage accepts.
    #[error("cannot use the settings {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: toml::de::Error,
    },
    /// The bus has an impossible name.
    #[error("event_bridge.bus `{bus}` is no name of a bus")]
    Bus {
        /// The name as given.
        bus: String,
        /// What its ARN violates.
        source: DestinationError,
    },
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = fs::read_to_string(path)
            .map_err(|source| LoadError::Read { path: path.into(), source })?;
        let config: Self = toml::from_str(&text).map_err(|mut source| {
            // The error quotes the line that it is about.
            source.set_input(Some(&without_secrets(&text)));
            LoadError::Parse { path: path.into(), source }
        })?;
        config.bus()?;
        Ok(config)
    }
}

/// The settings with what may be a secret blotted out, and every other byte in its place.
fn without_secrets(text: &str) -> String {
    let mut in_credentials = false;
    let lines = text.split_inclusive('\n').map(|line| {
        if line.starts_with('[') {
            in_credentials = line.contains("credentials");
        }
        match line.split_once('=') {
            Some((key, value)) if in_credentials || line.contains("secret") => {
                let end = if value.ends_with('\n') { "\n" } else { "" };
                format!("{key}={}{end}", "*".repeat(value.len() - end.len()))
            }
            _ => line.to_owned(),
        }
    });
    lines.collect()
}
