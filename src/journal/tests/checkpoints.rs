//! Checkpoints and unlinking fail, and are tried again; the database survives a full disk.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use super::*;
use crate::journal::{Aside, CheckpointFound, Refusing};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Removal {
    Works,
    Fails,
    Panics,
}

/// Refuses to unlink, or to write to the database.
#[derive(Debug)]
struct StubbornDisk {
    removal: Mutex<Removal>,
    database_fails: AtomicBool,
    /// Writes to the database until one fails, with every one after it.
    database_writes: AtomicUsize,
}

impl StubbornDisk {
    fn new(removal: Removal) -> Arc<Self> {
        Arc::new(Self {
            removal: Mutex::new(removal),
            database_fails: AtomicBool::new(false),
            database_writes: AtomicUsize::new(usize::MAX),
        })
    }

    fn refuse_after(&self, writes: usize) {
        self.database_fails.store(false, SeqCst);
        self.database_writes.store(writes, SeqCst);
    }
}

/// Whether it is the database's file.
pub(super) fn is_database(file: &File) -> bool {
    is_named(file, "meta.redb")
}

pub(super) fn is_named(file: &File, name: &str) -> bool {
    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    path.ends_with(name)
}

impl Disk for StubbornDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if is_database(file) {
            let left = self.database_writes.load(SeqCst);
            if left == 0 {
                self.database_fails.store(true, SeqCst);
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.database_writes.store(left - 1, SeqCst);
        }
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removal = *self.removal.lock().unwrap();
        match removal {
            Removal::Works => RealDisk.remove(path),
            Removal::Fails => Err(io::Error::other("busy")),
            Removal::Panics => panic!("as the test wants it"),
        }
    }
}

fn small(directory: &Path) -> Config {
    Config {
        size_limit: ByteSize::kib(256),
        segment_size: ByteSize::kib(16),
        ..config_in(directory)
    }
}

/// A journal that is full of what is delivered, and the reader that did it.
async fn full_and_drained(directory: &Path, disk: &Arc<StubbornDisk>) -> (Running, Reader) {
    let running = start_with(&small(directory), Arc::<StubbornDisk>::clone(disk));
    let body = "z".repeat(5000);
    while running.journal.append(vec![record(&["a"], &body)]).await.is_ok() {}
    let status = running.journal.status();
    assert!(matches!(status.refusing, Some(Refusing::Full)), "{status:?}");
    assert!(status.bytes < status.bytes_limit, "the append that was refused did not fit");
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    let positions: Vec<_> = fetched.iter().map(|record| record.position).collect();
    reader.acknowledge(&positions).await;
    (running, reader)
}

#[tokio::test]
async fn a_segment_that_could_not_be_unlinked_is_unlinked_later() {
    let directory = tempfile::tempdir().unwrap();
    let disk = StubbornDisk::new(Removal::Fails);
    let (running, reader) = full_and_drained(directory.path(), &disk).await;
    until(|| running.journal.status().last_error.is_some()).await;
    assert_eq!(reader.pending(), 0);
    *disk.removal.lock().unwrap() = Removal::Works;
    until(|| running.journal.status().segments == 1).await;
    assert!(running.journal.status().refusing.is_none());
    append(&running.journal, &["a"], &["taken"]).await;
}

#[tokio::test]
async fn a_checkpoint_that_failed_is_written_later() {
    let directory = tempfile::tempdir().unwrap();
    let disk = StubbornDisk::new(Removal::Works);
    let (running, _reader) = full_and_drained(directory.path(), &disk).await;
    disk.refuse_after(0);
    // The space of the reserve does not help this disk; time does.
    while !disk.database_fails.load(SeqCst) && running.journal.status().segments > 1 {
        tokio::task::yield_now().await;
    }
    disk.refuse_after(usize::MAX);
    until(|| running.journal.status().segments == 1).await;
    until(|| running.journal.status().refusing.is_none()).await;
    append(&running.journal, &["a"], &["taken"]).await;
}

#[tokio::test]
async fn a_checkpoint_thread_that_panics_ends_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let disk = StubbornDisk::new(Removal::Panics);
    let (running, _reader) = full_and_drained(directory.path(), &disk).await;
    until(|| running.journal.status().failed).await;
    let failed = running.journal.append(vec![record(&["a"], "late")]).await;
    assert!(matches!(failed, Err(AppendError::Failed)), "{failed:?}");
    assert!(matches!(running.stop(), Err(WriteError::Checkpoints)));
}

#[tokio::test]
async fn a_database_that_met_a_full_disk_anywhere_is_whole_and_serves_again() {
    let directory = tempfile::tempdir().unwrap();
    let aside = |n: usize| Aside { reason: n.to_string(), body: vec![0; 9000].into() };
    let disk = StubbornDisk::new(Removal::Works);
    let mut kept = Vec::new();
    for writes in 0.. {
        let running = start_with(&small(directory.path()), Arc::<StubbornDisk>::clone(&disk));
        let found = &running.recovery.checkpoint;
        assert!(!matches!(found, CheckpointFound::Lost { .. }), "{found:?}");
        let rows = running.journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap();
        let reasons: Vec<_> = rows.into_iter().map(|row| row.reason).collect();
        assert_eq!(reasons, kept, "after {writes} writes");
        disk.refuse_after(writes);
        let taken = running.journal.quarantine(vec![aside(writes)]).await.is_ok();
        let failed = disk.database_fails.load(SeqCst);
        disk.refuse_after(usize::MAX);
        if taken {
            kept.push(writes.to_string());
        }
        running.journal.quarantine(vec![aside(writes + 1000)]).await.unwrap();
        kept.push((writes + 1000).to_string());
        running.stop().unwrap();
        if !failed {
            break;
        }
    }
    assert!(kept.len() > 3, "{kept:?}");
}
