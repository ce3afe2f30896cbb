//! The `[notifications]` section.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the notification documents live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// One document a bucket: `<bucket>.json` or `<bucket>.xml`.
    pub directory: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self { directory: "/var/lib/fanfare/notifications".into() }
    }
}
