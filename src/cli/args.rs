//! The command line, as clap reads it and `--help` shows it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{
    Access, AdminPort, DeadLetters, Quarantine, ReplayCommand, SendCommand, StatusCommand, Tail,
};
use crate::{
    model::{BucketName, EventType, ObjectKey},
    rules::{Question, event_type_named},
};

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
    /// Say of every rule of a bucket why it wants an event or does not; exits with 78 if the
    /// bucket's document cannot be used.
    Explain(Explain),
    /// Say how the running daemon is doing: what is wrong, what waits, what helps. Exits with 0 if
    /// the daemon answers, whatever it says.
    Status(StatusCommand),
    /// See the messages that their destinations will not take, send them again, or remove them.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// See what stores sent that fanfare could not take, have it taken after all, or remove it.
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Send events again that the journal still has; journal.retention says how long it keeps them.
    Replay(ReplayCommand),
    /// Post events from files to listen.events, as a store would.
    Send(SendCommand),
    /// Show events as they are matched, delivered, or not, until Ctrl-C.
    Tail(Tail),
}

/// What to explain, and from which source.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("ca_file", |file| file.requires("admin")),
    mut_arg("token_file", |file| file.requires("admin"))
)]
pub struct Explain {
    /// The bucket.
    #[arg(long)]
    bucket: BucketName,
    /// The object's key, raw. A key copied from an event's s3.object.key is form-encoded; decode
    /// it first: `+` is a space, `%3D` is `=`.
    #[arg(long, allow_hyphen_values = true)]
    key: ObjectKey,
    /// One event, such as s3:ObjectCreated:Put; `s3:` may be left out.
    #[arg(long, value_parser = event_type_named)]
    event: EventType,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Ask the daemon with this admin port, such as `http://127.0.0.1:9712`, what is in force;
    /// without it, the settings and the document on the disk are read.
    #[arg(long, value_name = "URL", value_parser = AdminPort::read)]
    pub admin: Option<String>,
    /// The settings file; not read with --admin.
    #[arg(long, env = "FANFARE_CONFIG", value_name = "FILE", required_unless_present = "admin")]
    pub config: Option<PathBuf>,
    /// What it takes to ask a daemon.
    #[command(flatten)]
    pub access: Access,
}

impl Explain {
    /// What is asked.
    pub fn question(&self) -> Question {
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        Question { bucket, event_type: self.event, key }
    }
}

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub struct Settings {
    /// The settings file.
    #[arg(long = "config", env = "FANFARE_CONFIG", value_name = "FILE")]
    pub path: PathBuf,
}
