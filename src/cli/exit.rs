//! How the process ends. Its exit codes are an interface: 0 done or stopped, 1 failed, 2 wrong usage,
//! 78 a configuration that no restart will mend.

use std::{io, process::ExitCode};

use tracing::error;

use super::{Ended, Findings, redrive::Unchosen};
use crate::{
    config::LoadError,
    control::OpenError,
    daemon::StartError,
    reload::ReloadError,
    telemetry::{InitError, systemd::SocketError},
};

/// What clap ends with, too.
const USAGE: u8 = 2;
/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION: u8 = 78;

impl From<Findings> for ExitCode {
    fn from(findings: Findings) -> Self {
        match findings {
            Findings::None => Self::SUCCESS,
            Findings::Problems => CONFIGURATION.into(),
        }
    }
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::Unfinished => Self::FAILURE,
        }
    }
}

/// Says why the process ends, and answers with which code.
pub fn failed(cause: &anyhow::Error) -> ExitCode {
    if nobody_reads(cause) {
        return ExitCode::SUCCESS;
    }
    report(cause);
    if is_configuration(cause) {
        CONFIGURATION.into()
    } else if cause.is::<Unchosen>() {
        USAGE.into()
    } else {
        ExitCode::FAILURE
    }
}

/// Whoever read what is printed has seen enough, as `head` does.
fn nobody_reads(cause: &anyhow::Error) -> bool {
    let io = cause.downcast_ref::<io::Error>();
    io.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Before the log is set up, and for people at a terminal, the error goes to stderr as it is.
#[expect(clippy::print_stderr, reason = "the one place where the process says why it ends")]
fn report(cause: &anyhow::Error) {
    let words = format!("{cause:#}");
    // That of the settings ends its last line.
    let words = words.trim_end();
    if tracing::enabled!(tracing::Level::ERROR) {
        error!("{words}");
    } else {
        eprintln!("fanfare: {words}");
    }
}

fn is_configuration(cause: &anyhow::Error) -> bool {
    let started = cause.downcast_ref::<StartError>();
    cause.is::<LoadError>()
        || cause.is::<OpenError>()
        || cause.is::<ReloadError>()
        || cause.is::<SocketError>()
        || cause.is::<InitError>()
        || started.is_some_and(StartError::is_configuration)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::config::Config;

    #[test]
    fn settings_that_nobody_can_use_are_told_apart_from_what_may_pass() {
        let settings = Config::load("/nowhere.toml".as_ref()).unwrap_err();
        assert!(is_configuration(&settings.into()));
        let started =
            Err::<(), _>(StartError::Config(Config::load("/nowhere.toml".as_ref()).unwrap_err()));
        assert!(is_configuration(&started.context("cannot start").unwrap_err()));
        let thread = StartError::Thread(io::ErrorKind::OutOfMemory.into());
        assert!(!is_configuration(&thread.into()));
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(nobody_reads(&pipe.into()));
    }
}
