//! The journal as the settings want it, and what opening it found.

use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

use super::StartError;
use crate::{config, config::Config, deliver, failpoint, journal, model::Destination};

pub(super) async fn open_journal(
    config: &Config,
) -> Result<(journal::Journal, journal::Writer), StartError> {
    let quotas = quotas(config.destinations());
    let dedupe_window = config.events.dedupe_window;
    let config = journal::Config { dedupe_window, ..config.journal.clone() };
    let open = move || {
        failpoint::here("daemon::open");
        journal::open_with_quotas(&config, quotas)
    };
    let opened = spawn_blocking(open).await.map_err(StartError::Panicked)?;
    let (journal, writer, recovery) = opened?;
    log_recovery(&recovery);
    Ok((journal, writer))
}

/// What a destination may have pending before new events for it are refused. Where its oldest give
/// way instead, nothing is refused: its lane sees to that.
pub(super) fn quotas(destinations: config::Destinations) -> journal::Quotas {
    journal::Quotas::new(move |lane| {
        let destination: Destination = lane.parse().ok()?;
        let deliver::Config { quota, over_quota, .. } = destinations.deliver(&destination);
        match over_quota {
            deliver::OverQuota::Reject => quota.map(|quota| quota.as_u64()),
            deliver::OverQuota::DeadLetterOldest => None,
        }
    })
}

pub(super) fn log_recovery(recovery: &journal::Recovery) {
    let journal::Recovery { records, bytes_scanned, torn_bytes, missing, .. } = *recovery;
    info!(records, bytes_scanned, checkpoint = %recovery.checkpoint, "journal open");
    if torn_bytes > 0 {
        info!(torn_bytes, "the journal ended in a write that was never answered; it is cut off");
    }
    for &journal::CorruptRegion { segment, offset, bytes } in &recovery.corrupt {
        error!(
            segment,
            offset,
            bytes,
            "part of the journal is corrupt; what could be copied of it is in corrupt/"
        );
    }
    if missing > 0 {
        error!(missing, "records that were pending are not in the journal any more");
    }
    let journal::DeadLettersFound { moved_to, missing, unknown } = &recovery.dead_letters;
    if let Some(kept) = moved_to {
        error!(kept = %kept.display(), "the dead letters are corrupt, and kept for a person to see");
    }
    if *missing > 0 {
        error!(missing, "dead letters are not there any more; the books count them as lost");
    }
    if *unknown > 0 {
        warn!(unknown, "dead letters are there that the journal did not know");
    }
}
