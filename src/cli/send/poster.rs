//! Posts on a thread of its own: who waits for a daemon that hangs still hears Ctrl-C.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;

use super::{
    error::SendError,
    part::Part,
    port::{Answer, Port},
};
use crate::cli::interrupt::Interrupt;

/// How often to look whether Ctrl-C came.
const LOOK: Duration = Duration::from_millis(50);
/// How long after it an answer is waited for: without one nobody knows what was accepted.
const GRACE: Duration = Duration::from_secs(2);

/// Hands parts to the thread, one after the other.
pub(super) struct Poster {
    parts: SyncSender<Arc<Part>>,
    answers: Receiver<anyhow::Result<Answer>>,
}

impl Poster {
    /// The thread ends with the process, or when nobody posts any more.
    pub(super) fn start(port: Port) -> io::Result<Self> {
        let (parts, inbox) = mpsc::sync_channel::<Arc<Part>>(1);
        let (answering, answers) = mpsc::sync_channel(1);
        thread::Builder::new().name("post".into()).spawn(move || {
            while let Ok(part) = inbox.recv() {
                if answering.send(port.post(&part)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { parts, answers })
    }

    /// What the daemon says of a part.
    pub(super) fn post(&self, part: &Arc<Part>, interrupt: &Interrupt) -> anyhow::Result<Answer> {
        const GONE: &str = "the thread that posts is gone";
        self.parts.send(Arc::clone(part)).context(GONE)?;
        let mut interrupted = None;
        loop {
            match self.answers.recv_timeout(LOOK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => {}
                Err(gone @ RecvTimeoutError::Disconnected) => return Err(gone).context(GONE),
            }
            if interrupted.is_none() && interrupt.came_within(Duration::ZERO) {
                interrupted = Some(Instant::now());
            }
            if interrupted.is_some_and(|since| since.elapsed() >= GRACE) {
                return Err(SendError::Unanswered { place: part.place.clone() }.into());
            }
        }
    }
}
