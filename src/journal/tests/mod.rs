//! The promises of the journal, against its public face and a disk that lies.

mod books;
mod checkpoints;
mod compaction;
mod crash_images;
mod dead_letters;
mod delivery;
mod directory;
mod duplicates;
mod faults;
mod finding;
mod full_disk;
mod history;
mod model;
mod quarantine;
mod recovery;
mod space;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use bytesize::ByteSize;
use tempfile::TempDir;

use super::{
    AppendError, Config, Fetched, Journal, NewRecord, OpenError, Origin, Quotas, Reader, Recovery,
    WriteError, Writer,
    disk::{Disk, RealDisk},
    open,
};

/// A journal whose writer runs.
struct Running {
    journal: Journal,
    recovery: Recovery,
    writer: JoinHandle<Result<(), WriteError>>,
}

impl Running {
    /// Lets go of the handle and waits for the writer.
    fn stop(self) -> Result<(), WriteError> {
        drop(self.journal);
        self.writer.join().unwrap()
    }
}

fn open_on(config: &Config, disk: Arc<dyn Disk>) -> Result<(Journal, Writer, Recovery), OpenError> {
    open::open_on(config, disk, Quotas::default())
}

fn config_in(directory: &Path) -> Config {
    Config {
        directory: directory.into(),
        // A small limit has a small reserve, which is written anew in each test.
        size_limit: ByteSize::mib(2),
        segment_size: ByteSize::kib(64),
        ..Config::default()
    }
}

fn start(directory: &Path) -> Running {
    start_with(&config_in(directory), Arc::new(RealDisk))
}

fn start_with(config: &Config, disk: Arc<dyn Disk>) -> Running {
    let (journal, writer, recovery) = open_on(config, disk).unwrap();
    Running { journal, recovery, writer: thread::spawn(|| writer.run()) }
}

fn lane(name: &str) -> Arc<str> {
    name.into()
}

fn record(lanes: &[&str], body: &str) -> NewRecord {
    NewRecord {
        lanes: lanes.iter().copied().map(lane).collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        id: None,
        origin: Origin::Store,
    }
}

async fn append(journal: &Journal, lanes: &[&str], bodies: &[&str]) {
    journal.append(bodies.iter().map(|body| record(lanes, body)).collect()).await.unwrap();
}

/// Everything that a lane still has to deliver, without acknowledging it.
async fn fetch_all(reader: &mut Reader) -> Vec<Fetched> {
    let mut all = Vec::new();
    loop {
        let fetched = reader.fetch(7, 1 << 20).await.unwrap();
        if fetched.is_empty() {
            return all;
        }
        all.extend(fetched);
    }
}

fn bodies(fetched: &[Fetched]) -> Vec<String> {
    fetched.iter().map(|record| String::from_utf8(record.body.to_vec()).unwrap()).collect()
}

/// What a lane still has to deliver, by a reader of its own.
async fn pending_bodies(journal: &Journal, name: &str) -> Vec<String> {
    let mut reader = journal.reader(&lane(name)).await.unwrap();
    bodies(&fetch_all(&mut reader).await)
}

/// Acknowledges, and returns when that is durable: it rides with the record that follows.
async fn acknowledge_durably(journal: &Journal, reader: &mut Reader, fetched: &[Fetched]) {
    let positions: Vec<_> = fetched.iter().map(|record| record.position).collect();
    reader.acknowledge(&positions).await;
    append(journal, &[], &["carries the acknowledgements"]).await;
}

/// Appends as soon as the disk takes records again.
async fn append_again(journal: &Journal, name: &str, body: &str) {
    while let Err(AppendError::Disk { .. }) = journal.append(vec![record(&[name], body)]).await {
        tokio::task::yield_now().await;
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// The directory as a process that is killed now would leave it. The journal runs meanwhile, so
/// the copy is of one moment only if a second one is equal.
fn image_of(directory: &Path) -> TempDir {
    let image = tempfile::tempdir().unwrap();
    let mut files = files_in(directory);
    loop {
        let again = files_in(directory);
        if again == files {
            break;
        }
        files = again;
    }
    write_files(image.path(), &files);
    image
}

fn files_in(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in ["meta.redb", "dead_letters.redb"] {
        let bytes = fs::read(directory.join(name)).ok();
        files.extend(bytes.map(|bytes| (PathBuf::from(name), bytes)));
    }
    for path in segment_files(directory) {
        let name = Path::new("segments").join(path.file_name().unwrap());
        // One that was unlinked since is not part of any moment from now on.
        files.extend(fs::read(path).ok().map(|bytes| (name, bytes)));
    }
    files
}

fn write_files(directory: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::create_dir_all(directory.join("segments")).unwrap();
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

fn segment_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("segments")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A stopped journal of lane `a`, which has one record pending; the segments before are unlinked.
async fn mostly_unlinked(pending: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    for _ in 0..30 {
        append(&running.journal, &["a"], &[&"x".repeat(9000)]).await;
        let fetched = fetch_all(&mut reader).await;
        acknowledge_durably(&running.journal, &mut reader, &fetched).await;
    }
    append(&running.journal, &["a"], &[pending]).await;
    drop(reader);
    running.stop().unwrap();
    directory
}
