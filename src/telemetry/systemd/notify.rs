//! Single messages to the service manager.

use sd_notify::NotifyState;
use tracing::debug;

/// Every port is open and every record is recovered; or a reload is over.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload has begun; [`ready`] ends it.
pub fn reloading() {
    // The time tells this reload from an earlier one, whose end may still be on its way.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(cause) => debug!(%cause, "cannot read the clock for the service manager"),
    }
}

/// The stop has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// What the daemon does, in one line.
pub(super) fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// The daemon moves.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(states) {
        debug!(%cause, "cannot tell the service manager");
    }
}
