//! Whether appends are taken: the limit, the disk, and the reserve.
//!
//! Invariant: appends are taken only while the reserve is whole. A refused write closes the door
//! until the disk has space for the whole reserve and a little more, so that at any moment what
//! frees space finds some.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::{AppendError, Quotas, handle::Refusing, reserve::Reserve, segment::PAGE};

/// How long what the disk refused waits before it is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What a part of the reserve is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Space will be freed by it, or there is no later.
    Urgent,
    /// Only fewer records are delivered again after a crash: the lower half is not for that.
    Durability,
}

#[derive(Debug)]
pub(super) struct Room {
    limit: u64,
    pub(super) quotas: Quotas,
    reserve: Reserve,
    /// The limit had an append refused; since then none was taken and no space was freed.
    starved: bool,
    refused: Option<Refused>,
}

/// The disk refused a write.
#[derive(Debug)]
struct Refused {
    source: Arc<io::Error>,
    retry: Instant,
}

impl Room {
    pub(super) fn new(limit: u64, reserve: Reserve, quotas: Quotas) -> Self {
        let mut room = Self { limit, quotas, reserve, starved: false, refused: None };
        if !room.reserve.is_whole()
            && let Err(error) = room.reserve.fill()
        {
            room.refuse(Arc::new(error));
        }
        room
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether a frame may be added to the bytes that the log holds, beside one that waits.
    pub(super) fn admit(&mut self, held: u64, waiting: u64, frame: u64) -> Result<(), AppendError> {
        if let Some(Refused { source, .. }) = &self.refused {
            return Err(AppendError::Disk { source: Arc::clone(source) });
        }
        let limit = self.limit;
        if PAGE + frame > limit {
            return Err(AppendError::TooLarge { bytes: frame, limit });
        }
        if held + waiting + frame > limit {
            self.starved = true;
            return Err(AppendError::Full { bytes: held, limit });
        }
        Ok(())
    }

    /// An append was made durable.
    pub(super) fn taken(&mut self) {
        self.starved = false;
    }

    /// Segments were unlinked.
    pub(super) fn freed(&mut self) {
        self.starved = false;
        self.retry_now();
    }

    pub(super) fn retry_now(&mut self) {
        if let Some(refused) = &mut self.refused {
            refused.retry = Instant::now();
        }
    }

    /// The disk refused a write; the state changes once.
    pub(super) fn refuse(&mut self, source: Arc<io::Error>) {
        let retry = self.retry_at().unwrap_or_else(|| {
            warn!(cause = %source, "the disk takes no records");
            Instant::now() + RETRY
        });
        self.refused = Some(Refused { source, retry });
    }

    pub(super) fn refusing(&self) -> Option<Refusing> {
        match &self.refused {
            Some(Refused { source, .. }) => Some(Refusing::Disk { source: Arc::clone(source) }),
            None => self.starved.then_some(Refusing::Full),
        }
    }

    /// Whether what is only retained should give way while it would leave so many of the bytes that
    /// are held: before an append must be refused, and as long as one is.
    pub(super) fn is_tight(&self, left: u64, held: u64) -> bool {
        let bound = if self.starved { self.limit / 2 } else { self.limit / 4 * 3 };
        // A disk that refuses gets back a segment each time.
        left > bound || self.refused.is_some() && left == held
    }

    /// It is the disk that refuses.
    pub(super) fn refusing_disk(&self) -> bool {
        self.refused.is_some()
    }

    /// It is the limit that refuses.
    pub(super) fn is_full(&self) -> bool {
        self.starved && self.refused.is_none()
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.refused.as_ref().map(|refused| refused.retry)
    }

    /// Whether it is time to try the disk again; the next time is later.
    pub(super) fn retry_is_due(&mut self) -> bool {
        let now = Instant::now();
        let Some(refused) = self.refused.as_mut().filter(|refused| refused.retry <= now) else {
            return false;
        };
        refused.retry = now + RETRY;
        true
    }

    /// Gives a part of the reserve back to the disk, which closes the door.
    pub(super) fn lend(&mut self, need: Need) -> bool {
        debug_assert!(self.refused.is_some(), "only a refused write needs it");
        (need == Need::Urgent || self.reserve.is_above_half()) && self.reserve.lend()
    }

    /// Opens the door if the disk has space again.
    pub(super) fn fill(&mut self) {
        match self.reserve.fill() {
            Ok(()) => {
                info!("the disk takes records again");
                self.refused = None;
            }
            Err(source) => self.refuse(Arc::new(source)),
        }
    }
}

/// Whether the disk has no space, as opposed to being broken.
pub(super) fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::{super::disk::RealDisk, *};

    #[test]
    fn the_lower_half_of_the_reserve_is_kept_for_what_frees_space() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reserve");
        let length = || std::fs::metadata(&path).unwrap().len();
        let reserve = Reserve::open(Arc::new(RealDisk), &path, 1 << 20).unwrap();
        let mut room = Room::new(1 << 20, reserve, Quotas::default());
        assert_eq!(length(), 128 << 10);
        room.refuse(Arc::new(io::ErrorKind::StorageFull.into()));
        while room.lend(Need::Durability) {}
        assert_eq!(length(), 64 << 10);
        while room.lend(Need::Urgent) {}
        assert_eq!(length(), 0);
        assert!(matches!(room.admit(0, 0, PAGE), Err(AppendError::Disk { .. })));
        room.fill();
        assert_eq!(length(), 128 << 10);
        assert!(room.admit(0, 0, PAGE).is_ok());
    }

    #[test]
    fn what_can_never_fit_does_not_make_the_journal_full() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reserve");
        let reserve = Reserve::open(Arc::new(RealDisk), &path, 1 << 20).unwrap();
        let mut room = Room::new(1 << 20, reserve, Quotas::default());
        let refused = room.admit(0, 0, 1 << 20);
        assert!(
            matches!(refused, Err(AppendError::TooLarge { bytes: 0x10_0000, .. })),
            "{refused:?}"
        );
        assert!(room.refusing().is_none());
        assert!(room.admit(1 << 19, 0, 1 << 19).is_ok());
        assert!(matches!(room.admit(1 << 19, PAGE, 1 << 19), Err(AppendError::Full { .. })));
        assert!(matches!(room.refusing(), Some(Refusing::Full)));
    }
}
