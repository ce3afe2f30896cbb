//! The rows are durable, counted, bounded, and never silently lost.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use jiff::Timestamp;

use super::*;
use crate::journal::disk::{Disk, RealDisk};

const LIMIT: u64 = 1 << 20;

/// A disk that takes so many changes and then none, and perhaps has no space for longer files.
#[derive(Debug)]
struct DyingDisk {
    changes: AtomicUsize,
    grows: bool,
}

impl DyingDisk {
    fn healthy() -> Arc<Self> {
        Arc::new(Self { changes: usize::MAX.into(), grows: true })
    }

    fn full() -> Arc<Self> {
        Arc::new(Self { changes: usize::MAX.into(), grows: false })
    }

    fn change(&self, file: &File, end: u64) -> io::Result<()> {
        let took = self.changes.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        let fits = self.grows || end <= file.metadata()?.len();
        if fits && took.is_ok() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

impl Disk for DyingDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.change(file, offset + bytes.len() as u64)?;
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.change(file, 0)?;
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.change(file, length)?;
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

/// What was asked of the disk, in order.
#[derive(Clone, Debug)]
enum Asked {
    Write(u64, Vec<u8>),
    Truncate(u64),
    Sync,
}

/// A disk that remembers what it was asked.
#[derive(Debug, Default)]
struct Witness(Mutex<Vec<Asked>>);

impl Witness {
    fn hear(&self, asked: Asked) {
        self.0.lock().unwrap().push(asked);
    }
}

impl Disk for Witness {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.hear(Asked::Write(offset, bytes.to_vec()));
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.hear(Asked::Sync);
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.hear(Asked::Truncate(length));
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

/// The file after a power cut: what was synced is there, and of the sectors that were written since
/// those that chance keeps.
fn after_power_cut(before: &[u8], synced: &[Asked], since: &[Asked], seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut file = before.to_vec();
    for (asked, chance) in synced.iter().map(|it| (it, 1.0)).chain(since.iter().map(|it| (it, 0.5)))
    {
        match asked {
            Asked::Write(offset, bytes) => {
                for (sector, at) in bytes.chunks(512).zip((*offset..).step_by(512)) {
                    let at = usize::try_from(at).unwrap();
                    file.resize(file.len().max(at + sector.len()), 0);
                    if random.f64() < chance {
                        file[at..at + sector.len()].copy_from_slice(sector);
                    }
                }
            }
            Asked::Truncate(length) if random.f64() < chance => {
                file.resize(usize::try_from(*length).unwrap(), 0);
            }
            Asked::Truncate(_) | Asked::Sync => {}
        }
    }
    file
}

fn open(directory: &Path) -> Store {
    let (store, moved) = open_on(Arc::new(RealDisk), directory, LIMIT);
    assert_eq!(moved, None);
    store
}

fn open_on(
    disk: Arc<dyn Disk>,
    directory: &Path,
    limit: u64,
) -> (Store, Option<std::path::PathBuf>) {
    let path = directory.join("dead_letters.redb");
    Store::open(disk, path, directory, limit).unwrap()
}

fn grave(seq: u64) -> Grave {
    Grave { seq, summary: format!("why {seq}").into(), body: format!("body {seq}").into() }
}

fn graves(seqs: impl IntoIterator<Item = u64>) -> Vec<Grave> {
    seqs.into_iter().map(grave).collect()
}

fn id(lane: &str, seq: u64) -> DeadLetterId {
    DeadLetterId { lane: lane.into(), seq }
}

fn bury(store: &Store, lane: &str, seqs: impl IntoIterator<Item = u64>) -> Result<(), BuryError> {
    store.bury(&lane.into(), Timestamp::UNIX_EPOCH, &graves(seqs))
}

fn ids(page: &[DeadLetter]) -> Vec<DeadLetterId> {
    page.iter().map(|letter| letter.id.clone()).collect()
}

fn count(store: &Store, lane: &str) -> u64 {
    store.totals().get(lane).map_or(0, |total| total.count)
}

#[test]
fn a_row_is_read_back_as_it_was_buried_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    bury(&open(directory.path()), "a", [7]).unwrap();
    let store = open(directory.path());
    let letter = DeadLetter {
        id: id("a", 7),
        time: Timestamp::UNIX_EPOCH,
        summary: Bytes::from_static(b"why 7"),
        body: Bytes::from_static(b"body 7"),
    };
    assert_eq!(store.get(&letter.id).unwrap(), Some(letter.clone()));
    assert_eq!(store.get(&id("a", 8)).unwrap(), None);
    let listed = DeadLetter { body: Bytes::new(), ..letter };
    assert_eq!(store.page(None, None, 9).unwrap(), [listed]);
    assert_eq!(store.last_seq().unwrap(), Some(7));
}

#[test]
fn without_dead_letters_there_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert!(store.page(None, None, 9).unwrap().is_empty());
    assert_eq!(store.get(&id("a", 1)).unwrap(), None);
    store.remove(&[id("a", 1)]).unwrap();
    assert_eq!(store.last_seq().unwrap(), None);
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
}

#[test]
fn what_is_buried_twice_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    bury(&store, "a", [1, 2]).unwrap();
    let before = store.totals();
    bury(&store, "a", [2, 1, 1]).unwrap();
    assert_eq!((store.totals(), count(&store, "a")), (before, 2));
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    bury(&store, "b", 0..25).unwrap();
    bury(&store, "a", 0..3).unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.page(None, after.as_ref(), 10).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        found.extend(ids(&page));
    }
    let all = (0..3).map(|n| id("a", n)).chain((0..25).map(|n| id("b", n)));
    assert_eq!(found, all.collect::<Vec<_>>());
    assert_eq!(ids(&store.page(Some("a"), None, 99).unwrap()).len(), 3);
    assert_eq!(ids(&store.page(Some("a"), Some(&id("a", 1)), 99).unwrap()), [id("a", 2)]);
    assert_eq!(ids(&store.page(Some("b"), Some(&id("a", 1)), 1).unwrap()), [id("b", 0)]);
    assert!(store.page(Some("a"), Some(&id("b", 1)), 99).unwrap().is_empty());
}

#[test]
fn the_totals_are_those_of_the_rows_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    bury(&store, "a", 0..10).unwrap();
    bury(&store, "b", 0..3).unwrap();
    let gone = [id("a", 1), id("a", 2), id("a", 77), id("b", 0), id("b", 1), id("b", 2)];
    store.remove(&gone).unwrap();
    let totals = store.totals();
    assert_eq!(totals.len(), 1, "a lane without rows is forgotten");
    let each = 128 + 1 + 5 + 6;
    assert_eq!(totals["a"], DeadLetters { count: 8, bytes: 8 * each });
    drop(store);
    let store = open(directory.path());
    assert_eq!(store.totals(), totals);
    assert_eq!(store.seqs("a", 3).unwrap(), [3, 4, 5, 6, 7, 8, 9]);
    let found = store.existing(&[id("a", 0), id("a", 1)]).unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [id("a", 0)]);
}

#[test]
fn a_full_store_takes_nothing_until_some_rows_have_left() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open_on(Arc::new(RealDisk), directory.path(), 1000);
    bury(&store, "a", 0..7).unwrap();
    let full = bury(&store, "b", [1]);
    assert!(matches!(full, Err(BuryError::Full { bytes: 980, limit: 1000 })), "{full:?}");
    assert_eq!(count(&store, "b"), 0);
    store.remove(&[id("a", 0)]).unwrap();
    bury(&store, "b", [1]).unwrap();
}

#[test]
fn rows_that_left_give_their_space_back() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open_on(Arc::new(RealDisk), directory.path(), u64::MAX);
    let length = || fs::metadata(directory.path().join("dead_letters.redb")).unwrap().len();
    let large = |seq| Grave { body: vec![7; 64 << 10].into(), ..grave(seq) };
    let all: Vec<_> = (0..200).map(large).collect();
    store.bury(&"a".into(), Timestamp::UNIX_EPOCH, &all).unwrap();
    let full = length();
    store.remove(&(0..200).map(|seq| id("a", seq)).collect::<Vec<_>>()).unwrap();
    for seq in 0..9 {
        bury(&store, "a", [seq]).unwrap();
    }
    assert!(length() < full / 2, "{} of {full}", length());
}

#[test]
fn a_row_that_changed_on_disk_is_not_shown_and_can_be_purged() {
    let directory = tempfile::tempdir().unwrap();
    bury(&open(directory.path()), "a", [1, 2]).unwrap();
    let path = directory.path().join("dead_letters.redb");
    for text in ["why 1", "body 1"] {
        let mut bytes = fs::read(&path).unwrap();
        while let Some(at) = bytes.windows(text.len()).position(|found| found == text.as_bytes()) {
            bytes[at] = b'W';
        }
        fs::write(&path, bytes).unwrap();
        let store = open(directory.path());
        let damaged = store.get(&id("a", 1));
        assert!(matches!(damaged, Err(DeadError::Damaged { .. })), "{damaged:?}");
    }
    let store = open(directory.path());
    let page = store.page(None, None, 9).unwrap();
    let summaries: Vec<_> = page.iter().map(|letter| &*letter.summary).collect();
    assert_eq!(summaries, [&b""[..], b"why 2"]);
    store.remove(&[id("a", 1)]).unwrap();
    assert_eq!(count(&store, "a"), 1);
}

#[test]
fn a_corrupt_file_is_moved_aside_and_a_new_one_serves() {
    let directory = tempfile::tempdir().unwrap();
    bury(&open(directory.path()), "a", 0..100).unwrap();
    let path = directory.path().join("dead_letters.redb");
    let length = fs::metadata(&path).unwrap().len();
    for n in 0..2 {
        fs::write(&path, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
        let (store, moved) = open_on(Arc::new(RealDisk), directory.path(), LIMIT);
        let moved = moved.expect("it is corrupt");
        assert!(moved.ends_with(format!("dead_letters-{n}.redb")), "{}", moved.display());
        assert_eq!(fs::metadata(moved).unwrap().len(), length);
        assert!(store.totals().is_empty());
        bury(&store, "a", [1]).unwrap();
        assert_eq!(ids(&store.page(None, None, 9).unwrap()), [id("a", 1)]);
    }
}

#[test]
fn a_burial_that_the_disk_cuts_short_anywhere_is_whole_or_not_at_all() {
    for changes in 0.. {
        let directory = tempfile::tempdir().unwrap();
        bury(&open(directory.path()), "a", 0..20).unwrap();
        let disk = DyingDisk::healthy();
        let (store, _) = open_on(Arc::<DyingDisk>::clone(&disk), directory.path(), LIMIT);
        disk.changes.store(changes, SeqCst);
        let buried = bury(&store, "a", 20..40);
        let image = tempfile::tempdir().unwrap();
        let name = "dead_letters.redb";
        fs::copy(directory.path().join(name), image.path().join(name)).unwrap();

        let after = open(image.path());
        let rows = after.seqs("a", 0).unwrap();
        assert_eq!(count(&after, "a"), rows.len() as u64, "after {changes} changes");
        let whole = rows.iter().copied().eq(0..40);
        assert!(whole || rows.iter().copied().eq(0..20), "after {changes} changes: {rows:?}");
        if buried.is_ok() {
            assert!(whole, "it was answered");
            return;
        }
        // The process that lives on must not show rows of records that are still pending.
        disk.changes.store(usize::MAX, SeqCst);
        assert_eq!(ids(&store.page(None, None, 99).unwrap()).len(), 20, "after {changes} changes");
        assert_eq!(store.get(&id("a", 20)).unwrap(), None);
        bury(&store, "a", 20..40).unwrap();
        assert_eq!(count(&store, "a"), 40);
    }
}

#[test]
fn a_power_cut_in_a_change_loses_no_earlier_row() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Witness::default());
    let (store, _) = open_on(Arc::<Witness>::clone(&disk), directory.path(), LIMIT);
    bury(&store, "a", 0..50).unwrap();
    let path = directory.path().join("dead_letters.redb");
    let before = fs::read(&path).unwrap();
    disk.0.lock().unwrap().clear();
    bury(&store, "a", 50..90).unwrap();
    store.remove(&(0..10).map(|seq| id("a", seq)).collect::<Vec<_>>()).unwrap();
    let asked = disk.0.lock().unwrap().clone();
    let whole = [(0, 50), (0, 90), (10, 90)];
    for (at, _) in asked.iter().enumerate().filter(|(_, asked)| matches!(asked, Asked::Sync)) {
        let earlier = asked[..at].iter().rposition(|asked| matches!(asked, Asked::Sync));
        let (synced, since) = asked[..at].split_at(earlier.map_or(0, |sync| sync + 1));
        for seed in 0..20 {
            let image = tempfile::tempdir().unwrap();
            let file = after_power_cut(&before, synced, since, seed);
            fs::write(image.path().join("dead_letters.redb"), file).unwrap();
            let after = open(image.path());
            let rows = after.seqs("a", 0).unwrap();
            let found = (rows[0], rows[rows.len() - 1] + 1);
            assert!(whole.contains(&found), "before sync at {at}, seed {seed}: {found:?}");
            assert_eq!(found.1 - found.0, rows.len() as u64);
            assert_eq!(count(&after, "a"), rows.len() as u64);
            for seq in rows {
                assert!(after.get(&id("a", seq)).unwrap().is_some());
            }
        }
    }
}

#[test]
fn rows_that_the_disk_does_not_let_go_are_not_shown_and_leave_later() {
    let directory = tempfile::tempdir().unwrap();
    let disk = DyingDisk::healthy();
    let (store, _) = open_on(Arc::<DyingDisk>::clone(&disk), directory.path(), LIMIT);
    bury(&store, "a", 0..3).unwrap();
    disk.changes.store(0, SeqCst);
    assert!(store.remove(&[id("a", 1)]).is_err());
    disk.changes.store(usize::MAX, SeqCst);
    assert_eq!(ids(&store.page(None, None, 9).unwrap()), [id("a", 0), id("a", 2)]);
    assert!(store.existing(&[id("a", 1)]).unwrap().is_empty());
    bury(&store, "b", [9]).unwrap();
    assert_eq!(store.seqs("a", 0).unwrap(), [0, 2]);
}

#[test]
fn on_a_full_disk_the_letters_can_still_be_read() {
    let directory = tempfile::tempdir().unwrap();
    bury(&open(directory.path()), "a", 0..20).unwrap();
    let (store, _) = open_on(DyingDisk::full(), directory.path(), LIMIT);
    assert_eq!(store.page(None, None, 99).unwrap().len(), 20);
    assert!(store.get(&id("a", 3)).unwrap().is_some());
}
