//! Single messages to the service manager.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// How much longer than it should a stop may take before the service manager ends it.
const STOP_SLACK: Duration = Duration::from_secs(5);

/// The start has begun, which takes its time if there is much to recover.
pub fn starting() {
    status("Starting: recovering the journal");
}

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

/// The stop has begun, and takes this time at the most, which the unit need not know.
pub fn stopping(max: Duration) {
    let time = u32::try_from(max.saturating_add(STOP_SLACK).as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(time)]);
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
