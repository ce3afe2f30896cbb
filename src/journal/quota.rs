//! How much each lane may have pending before appends for it are refused.

use std::{fmt, sync::Arc};

/// Says of a lane, by its name, how many bytes it may have pending; `None` for no limit. It is
/// asked once a lane, when the journal hears of it.
#[derive(Clone)]
pub struct Quotas(Arc<Quota>);

type Quota = dyn Fn(&str) -> Option<u64> + Send + Sync;

impl Quotas {
    /// By a function of the name.
    pub fn new(quota: impl Fn(&str) -> Option<u64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(quota))
    }

    pub(super) fn of(&self, lane: &str) -> Option<u64> {
        (self.0)(lane)
    }
}

/// No lane has a limit.
impl Default for Quotas {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quotas(..)")
    }
}
