//! Where those who tell and those who watch meet.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::mpsc;

use super::{Filter, Sighting};

/// So many may watch at once.
pub const WATCHERS_MAX: usize = 16;
/// What a watcher may be behind, in sightings: a MiB of memory or so.
const BEHIND_MAX: usize = 1024;

/// Tells whoever watches. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many watch. It says only whether to look at the places.
    watching: AtomicUsize,
    /// Locked by those who tell only while somebody watches, and never across a wait.
    places: RwLock<Vec<Place>>,
}

/// The hub's end of a watcher.
#[derive(Debug)]
struct Place {
    filter: Filter,
    queue: mpsc::Sender<Queued>,
    skipped: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Queued {
    /// What the watcher missed just before.
    skipped: u64,
    sighting: Arc<Sighting>,
}

/// Sees what its filter lets through, from when it was made until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    hub: Hub,
    queue: mpsc::Receiver<Queued>,
    /// What was missed since the last that was queued.
    skipped: Arc<AtomicU64>,
    /// What comes after the number that was missed.
    next: Option<Arc<Sighting>>,
}

/// What a watcher sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// An event.
    Sighting(Arc<Sighting>),
    /// It was too slow, and missed so many.
    Skipped(u64),
}

/// Too many watch already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{WATCHERS_MAX} tails are open, which is the limit; end one of them")]
pub struct Crowded;

impl Hub {
    /// Whether it is worth while to tell anything.
    pub fn is_watched(&self) -> bool {
        self.0.watching.load(Relaxed) > 0
    }

    /// Tells everybody whose filter lets it through. It does not wait.
    pub fn tell(&self, sightings: impl IntoIterator<Item = Sighting>) {
        let places = self.0.places.read().unwrap_or_else(PoisonError::into_inner);
        for sighting in sightings {
            let sighting = Arc::new(sighting);
            for place in places.iter().filter(|place| place.filter.fits(&sighting)) {
                place.put(Arc::clone(&sighting));
            }
        }
    }

    /// Watches from now on.
    pub fn watch(&self, filter: Filter) -> Result<Watcher, Crowded> {
        let mut places = self.0.places.write().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= WATCHERS_MAX {
            return Err(Crowded);
        }
        let (sender, queue) = mpsc::channel(BEHIND_MAX);
        let skipped = Arc::<AtomicU64>::default();
        places.push(Place { filter, queue: sender, skipped: Arc::clone(&skipped) });
        self.0.watching.store(places.len(), Relaxed);
        Ok(Watcher { hub: self.clone(), queue, skipped, next: None })
    }
}

impl Place {
    fn put(&self, sighting: Arc<Sighting>) {
        let skipped = self.skipped.swap(0, Relaxed);
        if self.queue.try_send(Queued { skipped, sighting }).is_err() {
            self.skipped.fetch_add(skipped + 1, Relaxed);
        }
    }
}

impl Watcher {
    /// Waits for the next. Cancel-safe.
    pub async fn next(&mut self) -> Seen {
        if let Some(seen) = self.try_next() {
            return seen;
        }
        let queued = self.queue.recv().await;
        self.see(queued.expect("the hub keeps the place of a watcher that is there"))
    }

    /// The next, if it is there already.
    pub fn try_next(&mut self) -> Option<Seen> {
        if let Some(sighting) = self.next.take() {
            return Some(Seen::Sighting(sighting));
        }
        if let Ok(queued) = self.queue.try_recv() {
            return Some(self.see(queued));
        }
        let skipped = self.skipped.swap(0, Relaxed);
        (skipped > 0).then_some(Seen::Skipped(skipped))
    }

    fn see(&mut self, Queued { skipped, sighting }: Queued) -> Seen {
        if skipped == 0 {
            return Seen::Sighting(sighting);
        }
        self.next = Some(sighting);
        Seen::Skipped(skipped)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let shared = &self.hub.0;
        let mut places = shared.places.write().unwrap_or_else(PoisonError::into_inner);
        places.retain(|place| !Arc::ptr_eq(&place.skipped, &self.skipped));
        shared.watching.store(places.len(), Relaxed);
    }
}
