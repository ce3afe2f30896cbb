//! A disk without space: nothing accepted is lost, delivering empties it, and then it serves again.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::*;
use crate::journal::Refusing;

const PAGE: u64 = 4096;
const BODY: usize = 3000;

/// A disk of so many pages; holes take none.
#[derive(Debug)]
pub(super) struct SmallDisk {
    pages: AtomicU64,
    /// Inode -> its pages.
    written: Mutex<HashMap<u64, BTreeSet<u64>>>,
}

impl SmallDisk {
    pub(super) fn of(bytes: u64) -> Arc<Self> {
        Arc::new(Self { pages: (bytes / PAGE).into(), written: Mutex::default() })
    }

    fn used(written: &HashMap<u64, BTreeSet<u64>>) -> u64 {
        written.values().map(|pages| pages.len() as u64).sum()
    }

    /// Somebody else takes all the space that is left.
    pub(super) fn fill_up(&self) {
        let written = self.written.lock().unwrap();
        self.pages.store(Self::used(&written), SeqCst);
    }

    /// Somebody else gives so much back.
    pub(super) fn give(&self, bytes: u64) {
        self.pages.fetch_add(bytes / PAGE, SeqCst);
    }

    /// The directory as a process that is killed now would leave it, on a disk as full.
    fn image_of(&self, directory: &Path) -> (TempDir, Arc<Self>) {
        let image = image_of(directory);
        fs::copy(directory.join("reserve"), image.path().join("reserve")).unwrap();
        let mut names: Vec<PathBuf> = files_in(image.path()).into_keys().collect();
        names.push("reserve".into());
        let written = self.written.lock().unwrap();
        let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
        let of = |name: PathBuf| {
            let pages = written.get(&inode(directory.join(&name))).cloned().unwrap_or_default();
            (inode(image.path().join(name)), pages)
        };
        let copied: HashMap<_, _> = names.into_iter().map(of).collect();
        let pages = Self::used(&copied).into();
        (image, Arc::new(Self { pages, written: Mutex::new(copied) }))
    }
}

impl Disk for SmallDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap();
        let pages = offset / PAGE..(offset + bytes.len() as u64).div_ceil(PAGE);
        let held = written.entry(file.metadata()?.ino()).or_default();
        let new: Vec<u64> = pages.filter(|page| !held.contains(page)).collect();
        if Self::used(&written) + new.len() as u64 > self.pages.load(SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        written.entry(file.metadata()?.ino()).or_default().extend(new);
        file.write_at(bytes, offset)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let replaced = fs::metadata(to).ok().map(|replaced| replaced.ino());
        RealDisk.rename(from, to)?;
        let mut written = self.written.lock().unwrap();
        if let Some(inode) = replaced {
            written.remove(&inode);
        }
        Ok(())
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        let mut written = self.written.lock().unwrap();
        written.entry(file.metadata()?.ino()).or_default().split_off(&length.div_ceil(PAGE));
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut written = self.written.lock().unwrap();
        written.remove(&fs::metadata(path)?.ino());
        RealDisk.remove(path)
    }
}

pub(super) fn small(directory: &Path) -> Config {
    // A reserve of 128 KiB.
    let size_limit = ByteSize::mib(1);
    Config { size_limit, segment_size: ByteSize::kib(32), ..config_in(directory) }
}

pub(super) fn start_small(directory: &Path, disk: &Arc<SmallDisk>) -> Running {
    start_with(&small(directory), Arc::<SmallDisk>::clone(disk))
}

/// Appends until the disk refuses, and leaves no page free.
async fn fill(journal: &Journal, disk: &SmallDisk, lanes: &[&str]) -> usize {
    let body = "z".repeat(BODY);
    let mut accepted = 0;
    loop {
        match journal.append(vec![record(lanes, &body)]).await {
            Ok(_) => accepted += 1,
            Err(AppendError::Disk { source }) => {
                assert_eq!(source.kind(), io::ErrorKind::StorageFull);
                disk.fill_up();
                return accepted;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn acknowledge_all(reader: &mut Reader) -> usize {
    let fetched = fetch_all(reader).await;
    let positions: Vec<_> = fetched.iter().map(|record| record.position).collect();
    reader.acknowledge(&positions).await;
    fetched.len()
}

fn is_refused_by_disk(journal: &Journal) -> bool {
    matches!(journal.status().refusing, Some(Refusing::Disk { .. }))
}

#[tokio::test]
async fn a_full_disk_is_emptied_by_what_is_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let running = start_small(directory.path(), &disk);
    for _ in 0..3 {
        let accepted = fill(&running.journal, &disk, &["a"]).await;
        assert!(accepted > 20, "{accepted}");
        assert!(is_refused_by_disk(&running.journal));
        let mut reader = running.journal.reader(&lane("a")).await.unwrap();
        assert!(acknowledge_all(&mut reader).await >= accepted);
        append_again(&running.journal, "a", "taken").await;
        assert!(running.journal.status().refusing.is_none());
        assert_eq!(reader.pending(), 1);
    }
}

#[tokio::test]
async fn a_disk_that_is_full_with_one_segment_is_emptied_too() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let config = Config { size_limit: ByteSize::mib(1), ..Config::default() };
    let config = Config { directory: directory.path().into(), ..config };
    let writes = Arc::<SmallDisk>::clone(&disk);
    let running = start_with(&config, writes);
    fill(&running.journal, &disk, &["a"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    acknowledge_all(&mut reader).await;
    append_again(&running.journal, "a", "taken").await;
}

#[tokio::test]
async fn what_was_delivered_on_a_full_disk_is_not_delivered_again() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let running = start_small(directory.path(), &disk);
    // The dead lane keeps every segment, so nothing is freed.
    let accepted = fill(&running.journal, &disk, &["quick", "dead"]).await;
    let mut reader = running.journal.reader(&lane("quick")).await.unwrap();
    acknowledge_all(&mut reader).await;
    until(|| reader.pending() == 0).await;
    assert!(is_refused_by_disk(&running.journal));

    let (image, disk) = disk.image_of(directory.path());
    let after = start_small(image.path(), &disk);
    assert!(is_refused_by_disk(&after.journal));
    assert!(pending_bodies(&after.journal, "quick").await.is_empty());
    let mut reader = after.journal.reader(&lane("dead")).await.unwrap();
    assert_eq!(acknowledge_all(&mut reader).await, accepted);
    append_again(&after.journal, "quick", "taken").await;
}

#[tokio::test]
async fn a_journal_opens_on_a_full_disk_and_delivers() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let running = start_small(directory.path(), &disk);
    let accepted = fill(&running.journal, &disk, &["a"]).await;
    for _ in 0..3 {
        let (image, disk) = disk.image_of(directory.path());
        let after = start_small(image.path(), &disk);
        assert!(after.recovery.corrupt.is_empty(), "{:?}", after.recovery);
        let mut reader = after.journal.reader(&lane("a")).await.unwrap();
        assert_eq!(acknowledge_all(&mut reader).await, accepted);
        append_again(&after.journal, "a", "taken").await;
    }
}

#[tokio::test]
async fn a_journal_without_its_database_opens_on_a_full_disk() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let running = start_small(directory.path(), &disk);
    let accepted = fill(&running.journal, &disk, &["a"]).await;
    let (image, disk) = disk.image_of(directory.path());
    disk.remove(&image.path().join("meta.redb")).unwrap();
    disk.fill_up();
    let after = start_small(image.path(), &disk);
    let mut reader = after.journal.reader(&lane("a")).await.unwrap();
    assert_eq!(acknowledge_all(&mut reader).await, accepted);
    append_again(&after.journal, "a", "taken").await;
}

#[tokio::test]
async fn what_others_write_does_not_take_what_frees_space() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let running = start_small(directory.path(), &disk);
    fill(&running.journal, &disk, &["slow", "dead"]).await;
    let mut slow = running.journal.reader(&lane("slow")).await.unwrap();
    acknowledge_all(&mut slow).await;
    until(|| slow.pending() == 0).await;
    let reserve = fs::metadata(directory.path().join("reserve")).unwrap().len();
    assert!(reserve < 128 << 10, "a part of it was lent: {reserve}");
    disk.fill_up();
    let mut dead = running.journal.reader(&lane("dead")).await.unwrap();
    acknowledge_all(&mut dead).await;
    append_again(&running.journal, "slow", "taken").await;
}

#[tokio::test]
async fn without_an_append_it_is_noticed_that_there_is_space_again() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let running = start_small(directory.path(), &disk);
    fill(&running.journal, &disk, &["a"]).await;
    disk.give(PAGE);
    assert!(is_refused_by_disk(&running.journal));
    disk.give(1 << 20);
    until(|| running.journal.status().refusing.is_none()).await;
    append(&running.journal, &["a"], &["taken"]).await;
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_start_takes_nothing_until_it_has_space() {
    let directory = tempfile::tempdir().unwrap();
    drop(start_small(directory.path(), &SmallDisk::of(1 << 30)).stop());
    fs::remove_file(directory.path().join("reserve")).unwrap();
    // The database can be opened, the reserve does not fit.
    let disk = SmallDisk::of(64 << 10);
    let running = start_small(directory.path(), &disk);
    let refused = running.journal.append(vec![record(&["a"], "1")]).await;
    assert!(matches!(refused, Err(AppendError::Disk { .. })), "{refused:?}");
    disk.give(1 << 20);
    append_again(&running.journal, "a", "taken").await;
}
