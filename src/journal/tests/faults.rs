//! A disk that lies: short writes, no space, a failed fsync.

use std::{
    fs::File,
    io,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use super::{checkpoints::is_database, *};

#[derive(Debug)]
struct LyingDisk {
    /// The most that one write takes.
    bite: AtomicUsize,
    /// Bytes until there is no space, except for the database.
    room: AtomicU64,
    sync_fails: AtomicBool,
    truncate_fails: AtomicBool,
}

impl LyingDisk {
    fn honest() -> Arc<Self> {
        Arc::new(Self {
            bite: AtomicUsize::new(usize::MAX),
            room: AtomicU64::new(u64::MAX),
            sync_fails: AtomicBool::new(false),
            truncate_fails: AtomicBool::new(false),
        })
    }
}

fn fails_if(lie: &AtomicBool) -> io::Result<()> {
    if lie.load(SeqCst) { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
}

impl Disk for LyingDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let room = if is_database(file) { u64::MAX } else { self.room.load(SeqCst) };
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bite = self.bite.load(SeqCst).min(usize::try_from(room).unwrap()).min(bytes.len());
        let written = RealDisk.write_at(file, &bytes[..bite], offset)?;
        if is_database(file) {
            return Ok(written);
        }
        // Only from the room that was seen: the test may have made more since.
        let left = room - written as u64;
        let _newer = self.room.compare_exchange(room, left, SeqCst, SeqCst);
        Ok(written)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        fails_if(&self.sync_fails)?;
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        fails_if(&self.truncate_fails)?;
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        fails_if(&self.sync_fails)?;
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

fn start_on(disk: &Arc<LyingDisk>, directory: &Path) -> Running {
    let disk: Arc<LyingDisk> = Arc::clone(disk);
    start_with(&config_in(directory), disk)
}

#[tokio::test]
async fn short_writes_are_completed() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LyingDisk::honest();
    disk.bite.store(777, SeqCst);
    let running = start_on(&disk, directory.path());
    append(&running.journal, &["a"], &["1", &"2".repeat(10_000)]).await;
    let image = image_of(directory.path());
    let after = start(image.path());
    assert_eq!(pending_bodies(&after.journal, "a").await.len(), 2);
}

#[tokio::test]
async fn without_space_an_append_is_refused_and_the_next_may_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LyingDisk::honest();
    let running = start_on(&disk, directory.path());
    append(&running.journal, &["a"], &["kept"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    for room in [0, 1, 4096, 9999] {
        disk.room.store(room, SeqCst);
        reader.acknowledge(&[fetched[0].position]).await;
        let refused = running.journal.append(vec![record(&["new"], &"x".repeat(20_000))]).await;
        let Err(AppendError::Disk { source }) = refused else { panic!("{refused:?}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert!(running.journal.status().last_error.is_some());
    }
    disk.room.store(u64::MAX, SeqCst);
    append_again(&running.journal, "new", "fits").await;
    assert!(running.journal.status().last_error.is_none());
    assert_eq!(reader.pending(), 0, "the acknowledgement waited for space");

    let image = image_of(directory.path());
    let after = start(image.path());
    assert_eq!((after.recovery.torn_bytes, after.recovery.corrupt.len()), (0, 0));
    assert!(pending_bodies(&after.journal, "a").await.is_empty());
    assert_eq!(pending_bodies(&after.journal, "new").await, ["fits"]);
}

#[tokio::test]
async fn without_space_for_a_new_segment_nothing_is_left_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LyingDisk::honest();
    let running = start_on(&disk, directory.path());
    append(&running.journal, &["a"], &[&"1".repeat(80_000)]).await;
    disk.room.store(100, SeqCst);
    let refused = running.journal.append(vec![record(&["a"], "2")]).await;
    assert!(matches!(refused, Err(AppendError::Disk { .. })));
    assert_eq!(segment_files(directory.path()).len(), 1);
    disk.room.store(u64::MAX, SeqCst);
    append_again(&running.journal, "a", "3").await;
    assert_eq!(segment_files(directory.path()).len(), 2);
    assert_eq!(pending_bodies(&running.journal, "a").await[1], "3");
}

#[tokio::test]
async fn a_failed_fsync_ends_the_writer_and_loses_nothing_answered() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LyingDisk::honest();
    let running = start_on(&disk, directory.path());
    append(&running.journal, &["a"], &["answered"]).await;
    disk.sync_fails.store(true, SeqCst);
    let failed = running.journal.append(vec![record(&["a"], "never answered")]).await;
    assert!(matches!(failed, Err(AppendError::Failed)), "{failed:?}");
    disk.sync_fails.store(false, SeqCst);
    let failed = running.journal.append(vec![record(&["a"], "too late")]).await;
    assert!(matches!(failed, Err(AppendError::Failed)), "an fsync is not tried again: {failed:?}");
    assert!(running.journal.status().failed);
    assert!(matches!(running.stop(), Err(WriteError::Sync { .. })));

    let after = start(directory.path());
    let bodies = pending_bodies(&after.journal, "a").await;
    assert_eq!(bodies[0], "answered");
    assert!(!bodies.contains(&"too late".to_owned()));
}

#[tokio::test]
async fn half_a_write_that_cannot_be_taken_back_ends_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LyingDisk::honest();
    let running = start_on(&disk, directory.path());
    append(&running.journal, &["a"], &["answered"]).await;
    disk.truncate_fails.store(true, SeqCst);
    disk.room.store(5000, SeqCst);
    let failed = running.journal.append(vec![record(&["a"], &"x".repeat(9000))]).await;
    assert!(matches!(failed, Err(AppendError::Failed)), "{failed:?}");
    assert!(matches!(running.stop(), Err(WriteError::Truncate { .. })));

    let after = start(directory.path());
    assert_eq!(after.recovery.torn_bytes, 5000);
    assert_eq!(pending_bodies(&after.journal, "a").await, ["answered"]);
}

#[tokio::test]
async fn a_stopped_journal_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, writer, _) = open_on(&config_in(directory.path()), Arc::new(RealDisk)).unwrap();
    drop(writer);
    let closed = journal.append(vec![record(&["a"], "1")]).await;
    assert!(matches!(closed, Err(AppendError::Closed)), "{closed:?}");
    assert!(journal.reader(&lane("a")).await.is_err());
}
