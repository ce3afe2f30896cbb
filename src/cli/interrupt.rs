//! Ctrl-C at a command that works in steps: it ends between two of them and says what was done. A
//! request to end (SIGTERM) is taken for the same. A second one does not wait for the step.

use std::{
    io, process,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};

async fn next(interrupts: &mut Signal, ends: &mut Signal) {
    tokio::select! {
        _ = interrupts.recv() => {}
        _ = ends.recv() => {}
    }
}

#[expect(clippy::exit, reason = "whoever could return from the command waits for a daemon")]
fn leave() {
    process::exit(1);
}

/// Nothing is ever sent: the other end is gone once Ctrl-C came.
#[derive(Debug)]
pub(super) struct Interrupt(mpsc::Receiver<()>);

impl Interrupt {
    /// Takes the signal over from the system's default.
    pub(super) fn watch() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupts, mut ends) = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let (uninterrupted, receiver) = mpsc::channel();
        thread::Builder::new().name("ctrl-c".into()).spawn(move || {
            runtime.block_on(async {
                next(&mut interrupts, &mut ends).await;
                drop(uninterrupted);
                next(&mut interrupts, &mut ends).await;
                leave();
            });
        })?;
        Ok(Self(receiver))
    }

    /// Waits so long; answers whether Ctrl-C came, now or before.
    pub(super) fn came_within(&self, wait: Duration) -> bool {
        matches!(self.0.recv_timeout(wait), Err(RecvTimeoutError::Disconnected))
    }
}
