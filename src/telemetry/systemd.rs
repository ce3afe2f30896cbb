//! What the service manager is told; without one, nothing happens.

use sd_notify::NotifyState;
use tracing::debug;

/// Every port is open and every record is recovered.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// The stop has begun.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(cause) = sd_notify::notify(&[state]) {
        debug!(%cause, "cannot tell the service manager");
    }
}
