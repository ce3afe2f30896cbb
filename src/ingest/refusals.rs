//! Why the journal does not take events at the moment: a line in the log when that begins and one
//! when it is over, however many requests it is about.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;
use tracing::{debug, error, info};

use super::AcceptError;
use crate::journal::{AppendError, NewRecord};

/// It is over when nothing was refused for so long: where there is next to no room, a small request
/// fits and the next does not.
const SETTLED: Duration = Duration::from_secs(5);

/// What is being refused. A clone shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether there is any, so that a request that is taken need not look for long.
    any: AtomicBool,
    /// Held for moments, and only while something is refused.
    standing: Mutex<HashMap<Why, Standing>>,
}

/// What has one line, whoever is refused for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Why {
    Full,
    OverQuota(Arc<str>),
    Disk,
    Ended,
    Quarantine,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    last: Instant,
    requests: u64,
}

impl Refusals {
    /// A request was refused.
    pub(super) fn refused(&self, cause: &AcceptError) {
        let Some(why) = Why::of(cause) else { return };
        let (now, cause) = (Instant::now(), words(cause));
        let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.any.store(true, Relaxed);
        let known = standing.get(&why).map_or(0, |standing| standing.requests);
        standing.insert(why, Standing { last: now, requests: known + 1 });
        if known == 0 {
            error!(cause, "events are refused; stores have to send them again");
        } else {
            debug!(cause, "events are refused");
        }
    }

    /// Whom the records of a request are for, if that is of interest.
    pub(super) fn lanes_of(&self, records: &[NewRecord]) -> Vec<Arc<str>> {
        if !self.0.any.load(Relaxed) {
            return Vec::new();
        }
        records.iter().flat_map(|record| record.lanes.iter().cloned()).collect()
    }

    /// A request was taken that had records for these.
    pub(super) fn taken(&self, lanes: &[Arc<str>]) {
        if lanes.is_empty() || !self.0.any.load(Relaxed) {
            return;
        }
        let now = Instant::now();
        let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.retain(|why, Standing { last, requests }| {
            let is_over = now.duration_since(*last) >= SETTLED && why.would_show(lanes);
            if is_over {
                info!(requests, why = %why.phrase(), "events are taken again");
            }
            !is_over
        });
        self.0.any.store(!standing.is_empty(), Relaxed);
    }
}

impl Why {
    /// None for what no waiting mends: that is the request's own matter.
    fn of(cause: &AcceptError) -> Option<Self> {
        match cause {
            AcceptError::Quarantine(_) => Some(Self::Quarantine),
            AcceptError::Journal(cause) => match cause {
                AppendError::Full { .. } => Some(Self::Full),
                AppendError::OverQuota { lane, .. } => Some(Self::OverQuota(Arc::clone(lane))),
                AppendError::Disk { .. } => Some(Self::Disk),
                AppendError::Failed | AppendError::Closed => Some(Self::Ended),
                AppendError::TooLarge { .. } => None,
            },
        }
    }

    /// Whether what is taken for these would have been refused.
    fn would_show(&self, lanes: &[Arc<str>]) -> bool {
        match self {
            Self::OverQuota(lane) => lanes.contains(lane),
            _ => true,
        }
    }

    fn phrase(&self) -> String {
        match self {
            Self::Full => "the journal was full".into(),
            Self::OverQuota(lane) => format!("{lane} was over its quota"),
            Self::Disk => "the disk took no records".into(),
            Self::Ended => "the journal had stopped".into(),
            Self::Quarantine => "the quarantine could not be written".into(),
        }
    }
}

/// An error and its causes in one line.
pub(super) fn words(cause: &dyn Error) -> String {
    let (mut words, mut next) = (cause.to_string(), cause.source());
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> AcceptError {
        AcceptError::Journal(AppendError::Full { bytes: 9, limit: 10 })
    }

    fn over_quota(lane: &Arc<str>) -> AcceptError {
        let lane = Arc::clone(lane);
        AcceptError::Journal(AppendError::OverQuota { lane, bytes: 9, limit: 10 })
    }

    fn standing(refusals: &Refusals) -> usize {
        refusals.0.standing.lock().unwrap().len()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_stands_until_it_is_taken_for_some_seconds() {
        let (refusals, lane) = (Refusals::default(), Arc::<str>::from("q"));
        refusals.refused(&full());
        refusals.refused(&full());
        refusals.taken(std::slice::from_ref(&lane));
        assert_eq!(standing(&refusals), 1, "a small request may fit between two that do not");
        tokio::time::advance(SETTLED).await;
        refusals.taken(std::slice::from_ref(&lane));
        assert_eq!(standing(&refusals), 0);
        assert!(!refusals.0.any.load(Relaxed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_stands_until_its_own_destination_is_taken() {
        let (refusals, one) = (Refusals::default(), Arc::<str>::from("one"));
        refusals.refused(&over_quota(&one));
        tokio::time::advance(SETTLED).await;
        refusals.taken(&["other".into()]);
        assert_eq!(standing(&refusals), 1);
        refusals.taken(&[one]);
        assert_eq!(standing(&refusals), 0);
    }

    #[test]
    fn the_words_have_every_cause() {
        let source = Arc::new(std::io::Error::other("it is broken"));
        let disk = AcceptError::Journal(AppendError::Disk { source });
        assert!(words(&disk).ends_with("check its free space: it is broken"), "{}", words(&disk));
    }
}
