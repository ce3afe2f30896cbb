//! What becomes of the messages that a destination took.

use std::collections::BTreeMap;

use super::Entry;

/// Takes what arrives. It is locked meanwhile, so it must be quick.
pub(crate) trait Record: Send + 'static {
    /// These messages of one request were taken, in this order.
    fn arrived<'a>(&mut self, destination: &str, entries: impl Iterator<Item = &'a Entry<'a>>);
}

/// Keeps the bodies of each destination, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(pub(crate) BTreeMap<String, Vec<String>>);

/// Counts the messages of each destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted(pub(crate) BTreeMap<String, u64>);

impl Record for Kept {
    fn arrived<'a>(&mut self, destination: &str, entries: impl Iterator<Item = &'a Entry<'a>>) {
        let bodies = entry(&mut self.0, destination);
        bodies.extend(entries.map(|entry| entry.body().into_owned()));
    }
}

impl Record for Counted {
    fn arrived<'a>(&mut self, destination: &str, entries: impl Iterator<Item = &'a Entry<'a>>) {
        *entry(&mut self.0, destination) += entries.count() as u64;
    }
}

/// The place of a destination, whose name is copied only once.
fn entry<'m, T: Default>(map: &'m mut BTreeMap<String, T>, destination: &str) -> &'m mut T {
    if !map.contains_key(destination) {
        map.insert(destination.to_owned(), T::default());
    }
    map.get_mut(destination).expect("just made sure of")
}
