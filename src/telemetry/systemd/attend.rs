//! What the service manager hears as long as the daemon runs: what it does, and that it moves.

use std::{fmt::Display, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::notify;

/// How often the status is looked at; it is told when it has changed.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// Tells the service manager for ever what `status` says, and, if it keeps a watchdog, that the
/// daemon moves: each time that `moves`, which has the given time to find out, found no reason
/// against it.
pub async fn attend<M, C: Display>(status: impl Fn() -> String, moves: impl Fn(Duration) -> M)
where
    M: Future<Output = Result<(), C>>,
{
    tokio::join!(report(status), keep_watch(moves));
}

async fn report(status: impl Fn() -> String) {
    let (mut looks, mut told) = (interval(STATUS_EVERY), String::new());
    loop {
        looks.tick().await;
        let now = status().replace('\n', " ");
        if now != told {
            notify::status(&now);
            told = now;
        }
    }
}

/// A quarter of the time between two looks and a half of it for a look leave a quarter to spare.
async fn keep_watch<M, C: Display>(moves: impl Fn(Duration) -> M)
where
    M: Future<Output = Result<(), C>>,
{
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut looks = interval(patience / 4);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match moves(patience / 2).await {
            Ok(()) => notify::alive(),
            Err(cause) => error!(%cause, "the watchdog is not told that the daemon lives"),
        }
    }
}
