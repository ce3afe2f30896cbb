//! The command line, as clap reads it and `--help` shows it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Amazon-grade S3 event notifications for any S3-compatible store.
#[derive(Debug, Parser)]
#[command(name = "fanfare", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What fanfare can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take events from stores and deliver them until stopped.
    Serve {
        /// Where the settings are.
        #[command(flatten)]
        settings: Settings,
    },
    /// Check the settings and the notification documents; exits with 78 if one cannot be used.
    Check {
        /// Where the settings are.
        #[command(flatten)]
        settings: Settings,
        /// Documents named BUCKET.json or BUCKET.xml; without any, those of
        /// notifications.directory.
        files: Vec<PathBuf>,
    },
}

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub struct Settings {
    /// The settings file.
    #[arg(long = "config", env = "FANFARE_CONFIG", value_name = "FILE")]
    pub path: PathBuf,
}
