//! The signals that a daemon hears.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, SIGINT and SIGHUP. The streams are made once: a signal between two waits is not lost.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To stop, by the signal of this name.
    Stop(&'static str),
    /// To read the settings again.
    Reload,
}

impl Signals {
    /// Takes the signals over from the system's default.
    pub fn watch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next. Cancel-safe.
    pub async fn next(&mut self) -> Asked {
        let Self { terminate, interrupt, hangup } = self;
        tokio::select! {
            signal = stop(terminate, interrupt) => Asked::Stop(signal),
            _ = hangup.recv() => Asked::Reload,
        }
    }

    /// Waits for the next that stops, and answers its name. One that asks for a reload is kept for
    /// [`Signals::next`]. Cancel-safe.
    pub async fn next_stop(&mut self) -> &'static str {
        stop(&mut self.terminate, &mut self.interrupt).await
    }
}

async fn stop(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
