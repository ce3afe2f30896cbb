//! The rules in force, as their one writer keeps them.
//!
//! It also knows which destinations they name. Destinations are counted by bucket, so that
//! replacing the rules of one costs what that one has, however many others there are.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Bucket, Shared, Standing, bucket::Lane};
use crate::model::{BucketName, Destination};

/// The writer of the rules in force. Readers see each change at once.
#[derive(Debug, Default)]
pub struct Table {
    shared: Shared,
    destinations: HashMap<Arc<str>, Named>,
    /// Destinations that came or went since they were last announced.
    changed: HashSet<Arc<str>>,
}

/// A destination that rules name.
#[derive(Debug)]
struct Named {
    destination: Arc<Destination>,
    /// How many buckets have such a rule.
    buckets: usize,
}

impl Table {
    /// The writer of what these readers see.
    pub fn new(shared: Shared) -> Self {
        Self { shared, ..Self::default() }
    }

    /// Where the rules are read.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Puts a bucket's rules into the place of what it had; without rules it is forgotten.
    pub fn replace(&mut self, name: BucketName, mut bucket: Bucket) {
        for lane in &mut bucket.lanes {
            self.name(lane);
        }
        let standing = (!bucket.is_empty()).then_some(Standing::Rules(bucket));
        self.put(name, standing);
    }

    /// Takes note of a bucket whose document was never readable.
    pub fn set_undecided(&mut self, name: BucketName) {
        self.put(name, Some(Standing::Undecided));
    }

    /// Brings a list of all destinations that rules name, by the name of the lane, up to date.
    /// Answers whether it changed. There is one such list.
    pub fn announce(&mut self, destinations: &mut HashMap<Arc<str>, Destination>) -> bool {
        let mut is_changed = false;
        for lane in self.changed.drain() {
            match self.destinations.get(&lane) {
                Some(named) if !destinations.contains_key(&lane) => {
                    destinations.insert(lane, Destination::clone(&named.destination));
                    is_changed = true;
                }
                Some(_) => {}
                None => is_changed |= destinations.remove(&lane).is_some(),
            }
        }
        is_changed
    }

    fn put(&mut self, name: BucketName, standing: Option<Standing>) {
        let shared = self.shared.clone();
        let buckets = shared.buckets.pin();
        let before = match standing {
            Some(standing) => buckets.insert(name, standing),
            None => buckets.remove(&name),
        };
        if let Some(Standing::Rules(before)) = before {
            for lane in &before.lanes {
                self.forget(lane);
            }
        }
    }

    /// Counts a bucket for a destination; all buckets hold the same copy of its name.
    fn name(&mut self, lane: &mut Lane) {
        if let Some((name, named)) = self.destinations.get_key_value(&lane.name) {
            *lane = Lane { name: Arc::clone(name), destination: Arc::clone(&named.destination) };
        } else {
            let named = Named { destination: Arc::clone(&lane.destination), buckets: 0 };
            self.destinations.insert(Arc::clone(&lane.name), named);
            self.changed.insert(Arc::clone(&lane.name));
        }
        if let Some(named) = self.destinations.get_mut(&lane.name) {
            named.buckets += 1;
        }
    }

    fn forget(&mut self, lane: &Lane) {
        let Some(named) = self.destinations.get_mut(&lane.name) else { return };
        named.buckets -= 1;
        if named.buckets == 0 {
            self.destinations.remove(&lane.name);
            self.changed.insert(Arc::clone(&lane.name));
        }
    }
}
