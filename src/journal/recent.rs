//! The ids that were accepted within a window, so that copies of their records are known.
//!
//! Invariant: an id is here only if a record with it is durable. The set is bounded: when it is
//! full the oldest id is forgotten, and a copy of its record is then accepted again. Checkpoints
//! keep it in chunks, each written once, and the frames after the checkpoint have the rest.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

/// What a hash table of 2^20 places takes: with their order they need some 45 MB.
const IDS_MAX: usize = (1 << 20) / 8 * 7;
/// How many ids a row of the database holds, at most.
const CHUNK: usize = 4096;
/// An id and the microsecond since 1970 in which it was accepted.
const ENTRY: usize = 24;

/// Ids in the order in which they were accepted.
#[derive(Debug)]
pub(super) struct Recent {
    window: Duration,
    max: usize,
    ids: HashSet<u128>,
    order: VecDeque<[u8; ENTRY]>,
    /// How many ids were forgotten before the first in the order, since the first of all.
    first: u64,
    /// Those below are in a durable checkpoint.
    saved: u64,
}

/// What a checkpoint changes in the stored chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recollection {
    /// Chunks that end at or before this number are not needed any more.
    pub(super) first: u64,
    /// By the number of their first id.
    pub(super) chunks: Vec<(u64, Vec<u8>)>,
    /// After the last id.
    pub(super) end: u64,
}

impl Recent {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            max: IDS_MAX,
            ids: HashSet::new(),
            order: VecDeque::new(),
            first: 0,
            saved: 0,
        }
    }

    /// Takes over what a checkpoint has kept: chunks by ascending number. What is not whole is
    /// forgotten, and what the window has passed, at once: its id can come again later.
    pub(super) fn load(&mut self, chunks: impl IntoIterator<Item = (u64, Vec<u8>)>, now: i64) {
        let mut end = 0_u64;
        for (number, chunk) in chunks {
            let entries = decode(&chunk).unwrap_or_default();
            // Chunks overlap when an earlier checkpoint was not known to have succeeded.
            let known = usize::try_from(end.saturating_sub(number)).unwrap_or(usize::MAX);
            for &entry in entries.iter().skip(known) {
                self.push(entry);
                self.expire(now);
            }
            end = end.max(number + entries.len() as u64);
        }
        self.first = end - self.order.len() as u64;
        self.saved = end;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.window);
    }

    /// Forgets what the window has passed, in microseconds since 1970. An id from the far future is
    /// as old: the clock was wrong.
    pub(super) fn expire(&mut self, now: i64) {
        let window = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        while let Some(oldest) = self.order.front()
            && time_of(oldest).abs_diff(now) >= window
        {
            self.forget_oldest();
        }
    }

    pub(super) fn contains(&self, id: u128) -> bool {
        self.ids.contains(&id)
    }

    /// An id that is there keeps its time.
    pub(super) fn add(&mut self, id: u128, time: i64) {
        if !self.ids.contains(&id) {
            self.push(entry(id, time));
        }
    }

    /// What the next checkpoint has to store.
    pub(super) fn recollect(&self) -> Recollection {
        let unsaved = usize::try_from(self.saved.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let mut entries = self.order.iter().skip(unsaved).peekable();
        let (mut chunks, mut end) = (Vec::new(), self.first.max(self.saved));
        while entries.peek().is_some() {
            let chunk: Vec<_> = entries.by_ref().take(CHUNK).copied().collect();
            chunks.push((end, encode(&chunk)));
            end += chunk.len() as u64;
        }
        Recollection { first: self.first, chunks, end }
    }

    /// A checkpoint that ends there is durable.
    pub(super) fn saved(&mut self, end: u64) {
        self.saved = self.saved.max(end);
    }

    fn push(&mut self, entry: [u8; ENTRY]) {
        if self.ids.insert(id_of(&entry)) {
            self.order.push_back(entry);
        }
        if self.order.len() > self.max {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.ids.remove(&id_of(&oldest));
            self.first += 1;
        }
    }
}

fn entry(id: u128, time: i64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    let (head, tail) = entry.split_at_mut(16);
    head.copy_from_slice(&id.to_le_bytes());
    tail.copy_from_slice(&time.to_le_bytes());
    entry
}

fn id_of(entry: &[u8; ENTRY]) -> u128 {
    entry.first_chunk().map_or(0, |id| u128::from_le_bytes(*id))
}

fn time_of(entry: &[u8; ENTRY]) -> i64 {
    entry.last_chunk().map_or(0, |time| i64::from_le_bytes(*time))
}

/// The entries after their CRC: redb does not check what it reads.
fn encode(entries: &[[u8; ENTRY]]) -> Vec<u8> {
    let bytes = entries.as_flattened();
    let mut chunk = crc32c::crc32c(bytes).to_le_bytes().to_vec();
    chunk.extend_from_slice(bytes);
    chunk
}

fn decode(chunk: &[u8]) -> Option<&[[u8; ENTRY]]> {
    let (crc, bytes) = chunk.split_first_chunk()?;
    let (entries, rest) = bytes.as_chunks();
    (rest.is_empty() && u32::from_le_bytes(*crc) == crc32c::crc32c(bytes)).then_some(entries)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn at(second: i64) -> i64 {
        second * 1_000_000
    }

    fn minute() -> Recent {
        Recent::new(Duration::from_mins(1))
    }

    /// Applies a checkpoint to the stored chunks, as the database does.
    fn store(stored: &mut BTreeMap<u64, Vec<u8>>, recollection: Recollection) {
        stored.extend(recollection.chunks);
        let holds_first = stored.range(..=recollection.first).next_back().map(|(&key, _)| key);
        stored.retain(|&key, _| holds_first.is_none_or(|first| key >= first));
    }

    #[test]
    fn an_id_is_known_for_the_window() {
        let mut recent = minute();
        recent.add(7, at(100));
        recent.add(7, at(150));
        recent.expire(at(159));
        assert!(recent.contains(7) && !recent.contains(8));
        recent.expire(at(160));
        assert!(!recent.contains(7));
    }

    #[test]
    fn a_clock_that_was_wrong_keeps_no_id_for_ever() {
        let mut recent = minute();
        recent.add(7, at(1_000_000));
        recent.expire(at(100));
        assert!(!recent.contains(7));
    }

    #[test]
    fn a_full_set_forgets_the_oldest() {
        let mut recent = Recent { max: 3, ..minute() };
        (0..5).for_each(|id| recent.add(id, at(1)));
        let known: Vec<_> = (0..5).filter(|&id| recent.contains(id)).collect();
        assert_eq!(known, [2, 3, 4]);
    }

    #[test]
    fn each_checkpoint_stores_only_what_is_new() {
        let mut recent = minute();
        (0..10_000).for_each(|id| recent.add(id, at(1)));
        let first = recent.recollect();
        assert_eq!(first.chunks.iter().map(|chunk| chunk.0).collect::<Vec<_>>(), [0, 4096, 8192]);
        assert_eq!(recent.recollect(), first, "it is not known to be durable");
        recent.saved(first.end);
        recent.add(10_000, at(2));
        let second = recent.recollect();
        assert_eq!((second.chunks.len(), second.end), (1, 10_001));
        recent.saved(second.end);
        assert!(recent.recollect().chunks.is_empty());
    }

    #[test]
    fn what_checkpoints_stored_is_known_again_and_what_expired_is_not_kept() {
        let (mut recent, mut stored) = (Recent { max: 9_000, ..minute() }, BTreeMap::new());
        let mut random = fastrand::Rng::with_seed(5);
        for second in 0..400 {
            (0..random.u64(..500)).for_each(|_| recent.add(random.u128(..), at(second)));
            recent.expire(at(second));
            let recollection = recent.recollect();
            if random.bool() {
                let end = recollection.end;
                store(&mut stored, recollection);
                // The news of a checkpoint may come late.
                if random.bool() {
                    recent.saved(end);
                }
                let mut again = Recent { max: 9_000, ..minute() };
                again.load(stored.clone(), at(second));
                assert_eq!((&again.ids, again.first), (&recent.ids, recent.first), "{second}");
                assert_eq!(again.order, recent.order);
            }
        }
        let kept: usize = stored.values().map(|chunk| chunk.len() / ENTRY).sum();
        assert!(kept < 3 * 9_000, "{kept}");
    }

    #[test]
    fn an_id_that_came_again_after_the_window_is_known_after_a_restart() {
        let mut recent = minute();
        for second in [1, 40, 99] {
            recent.expire(at(second));
            recent.add(7, at(second));
            recent.add(u128::try_from(second).unwrap(), at(second));
        }
        let mut again = minute();
        again.load(recent.recollect().chunks, at(99));
        assert_eq!((&again.ids, &again.order), (&recent.ids, &recent.order));
    }

    #[test]
    fn a_damaged_chunk_is_forgotten_and_the_others_are_not() {
        let mut recent = minute();
        (0..10_000).for_each(|id| recent.add(id, at(1)));
        let mut chunks = recent.recollect().chunks;
        *chunks[1].1.last_mut().unwrap() ^= 1;
        let mut again = minute();
        again.load(chunks, at(1));
        assert!(again.contains(4095) && !again.contains(4096) && again.contains(8192));
        again.add(4096, at(2));
        assert_eq!(again.recollect().end, 10_001);
    }
}
