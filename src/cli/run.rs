//! Which function carries out which command.

use std::{io, process::ExitCode};

use super::{
    Command, Looks, Settings, check, dead_letters, explain, quarantine, replay, send, status, tail,
};
use crate::config::Config;

impl Command {
    /// Carries it out. To serve is the whole life of a process, so the caller says how.
    pub fn run(
        self,
        serve: impl FnOnce(&Settings) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let out = || io::stdout().lock();
        match self {
            Self::Serve { settings } => serve(&settings).map(|()| ExitCode::SUCCESS),
            Self::Check { settings, files } => {
                let config = Config::load(&settings.path)?;
                check(&config, files, &mut out()).map(Into::into)
            }
            Self::Explain(asked) => explain(&asked, &mut out()).map(Into::into),
            Self::Status(asked) => status(&asked, &Looks::of_stdout(), &mut out()).map(Into::into),
            Self::DeadLetters(asked) => dead_letters(&asked, &mut out()).map(Into::into),
            Self::Quarantine(asked) => quarantine(&asked, &mut out()).map(Into::into),
            Self::Replay(asked) => replay(&asked, &mut out()).map(Into::into),
            Self::Send(asked) => send(&asked, &mut out()).map(Into::into),
            Self::Tail(asked) => tail(&asked, &mut out()).map(Into::into),
        }
    }
}
