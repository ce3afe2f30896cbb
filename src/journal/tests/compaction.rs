//! What is finished gives its space back, whoever else is in the same segment.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use super::{
    history::{Clock, HOUR, checkpoints, retaining},
    *,
};

fn small(directory: &Path) -> Config {
    Config {
        size_limit: ByteSize::mib(64),
        segment_size: ByteSize::kib(64),
        checkpoint_interval: Duration::ZERO,
        ..config_in(directory)
    }
}

/// The disk as it is, and what a power cut would leave at each step of a compaction.
#[derive(Debug, Default)]
struct Camera {
    rolling: AtomicBool,
    images: Mutex<Vec<(String, TempDir)>>,
}

impl Camera {
    fn shoot(&self, what: &str, path: &Path) {
        let segments = path.parent().unwrap();
        if self.rolling.load(SeqCst) && segments.ends_with("segments") {
            let image = tempfile::tempdir().unwrap();
            write_files(image.path(), &files_in(segments.parent().unwrap()));
            let name = path.file_name().unwrap().display();
            self.images.lock().unwrap().push((format!("{what} {name}"), image));
        }
    }

    fn around<T>(&self, what: &str, path: &Path, act: impl FnOnce() -> T) -> T {
        self.shoot(&format!("before {what}"), path);
        let done = act();
        self.shoot(&format!("after {what}"), path);
        done
    }
}

impl Disk for Camera {
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        self.around("create", path, || RealDisk.create(path))
    }

    fn write_at(&self, file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &fs::File) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &fs::File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.around("sync", &path.join("directory"), || RealDisk.sync_directory(path))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.around("remove", path, || RealDisk.remove(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.around("rename", from, || RealDisk.rename(from, to))
    }
}

/// A lane that finishes everything, beside one that gets one record in so many and finishes none.
struct Sparse {
    running: Running,
    busy: Reader,
    sent: usize,
}

impl Sparse {
    async fn start(config: &Config, disk: Arc<dyn Disk>) -> Self {
        let running = start_with(config, disk);
        let busy = running.journal.reader(&lane("busy")).await.unwrap();
        Self { running, busy, sent: 0 }
    }

    /// Appends so many rounds of records, of which the last is also the dead lane's.
    async fn rounds(&mut self, rounds: usize, every: usize) {
        for _ in 0..rounds {
            for n in 0..every {
                let lanes: &[&str] = if n + 1 == every { &["busy", "dead"] } else { &["busy"] };
                let body = format!("{}:{}", self.sent, "s".repeat(900));
                self.sent += 1;
                append(&self.running.journal, lanes, &[&body]).await;
            }
            let fetched = fetch_all(&mut self.busy).await;
            acknowledge_durably(&self.running.journal, &mut self.busy, &fetched).await;
        }
    }

    /// Waits until nothing is left to merge.
    async fn upkeep(&self) {
        let status = || self.running.journal.status();
        loop {
            let compactions = status().compactions;
            // The first may have been ordered before.
            for _ in 0..2 {
                let checkpoints = status().checkpoints;
                append(&self.running.journal, &[], &["makes a checkpoint due"]).await;
                until(|| status().checkpoints > checkpoints).await;
            }
            if status().compactions == compactions {
                return;
            }
        }
    }
}

fn numbers(bodies: &[String]) -> Vec<usize> {
    bodies.iter().map(|body| body.split(':').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_dead_sparse_lane_costs_its_own_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let mut sparse = Sparse::start(&small(directory.path()), Arc::new(RealDisk)).await;
    sparse.rounds(10, 200).await;
    sparse.upkeep().await;
    let status = sparse.running.journal.status();
    // 2000 pages were written. Of the dead lane's ten, most share a page, and there is the segment
    // that is written.
    let held: u64 =
        segment_files(directory.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(held, status.bytes);
    assert!(held < 150 << 10, "{held} bytes are held: {status:?}");
    let expected: Vec<usize> = (1..=10).map(|round| round * 200 - 1).collect();
    assert_eq!(numbers(&pending_bodies(&sparse.running.journal, "dead").await), expected);
}

#[tokio::test]
async fn what_was_merged_survives_a_restart_with_and_without_the_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let mut sparse = Sparse::start(&small(directory.path()), Arc::new(RealDisk)).await;
    sparse.rounds(6, 40).await;
    sparse.upkeep().await;
    sparse.rounds(6, 40).await;
    sparse.upkeep().await;
    let books = sparse.running.journal.lanes();
    let Sparse { running, busy, .. } = sparse;
    drop(busy);
    running.stop().unwrap();
    let expected: Vec<usize> = (1..=12).map(|round| round * 40 - 1).collect();
    for lose_checkpoint in [false, true, false] {
        if lose_checkpoint {
            fs::remove_file(directory.path().join("meta.redb")).unwrap();
        }
        let running = start_with(&small(directory.path()), Arc::new(RealDisk));
        assert_eq!(running.journal.lanes(), books);
        assert_eq!((running.recovery.corrupt.len(), running.recovery.missing), (0, 0));
        assert_eq!(numbers(&pending_bodies(&running.journal, "dead").await), expected);
        assert!(pending_bodies(&running.journal, "busy").await.is_empty());
        running.stop().unwrap();
    }
}

#[tokio::test]
async fn an_end_at_any_step_of_a_compaction_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let camera = Arc::new(Camera::default());
    let disk: Arc<dyn Disk> = Arc::<Camera>::clone(&camera);
    let mut sparse = Sparse::start(&small(directory.path()), disk).await;
    let before = sparse.running.journal.status().compactions;
    camera.rolling.store(true, SeqCst);
    sparse.rounds(3, 40).await;
    sparse.upkeep().await;
    assert!(sparse.running.journal.status().compactions > before);
    camera.rolling.store(false, SeqCst);
    let images = std::mem::take(&mut *camera.images.lock().unwrap());
    assert!(images.iter().any(|(what, _)| what.starts_with("before rename")), "{images:?}");
    for (what, image) in images {
        let files = files_in(image.path());
        for lose_checkpoint in [false, true] {
            let copy = tempfile::tempdir().unwrap();
            write_files(copy.path(), &files);
            if lose_checkpoint {
                drop(fs::remove_file(copy.path().join("meta.redb")));
            }
            let what = format!("{what}, checkpoint lost: {lose_checkpoint}");
            is_whole(copy.path(), &what).await;
        }
    }
}

/// Every dead record that was answered is there, none twice, and no finished one came back but those
/// whose acknowledgement was on its way.
async fn is_whole(directory: &Path, what: &str) {
    let running = start_with(&small(directory), Arc::new(RealDisk));
    assert!(running.recovery.corrupt.is_empty(), "{what}: {:?}", running.recovery);
    assert_eq!(running.recovery.missing, 0, "{what}");
    for status in running.journal.lanes() {
        let finished = status.delivered + status.dead + status.discarded;
        assert_eq!(status.accepted, finished + status.pending, "{what}: {status:?}");
        let found = numbers(&pending_bodies(&running.journal, &status.name).await);
        assert_eq!(found.len() as u64, status.pending, "{what}: {status:?}");
        let distinct: BTreeSet<_> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "{what}");
        if *status.name == *"dead" {
            let rounds = found.len();
            let expected: Vec<usize> = (1..=rounds).map(|round| round * 40 - 1).collect();
            assert_eq!((found, status.accepted), (expected, rounds as u64), "{what}");
        } else {
            assert!(found.len() <= 40, "{what}: {found:?}");
        }
    }
    running.stop().unwrap();
    let left = fs::read_dir(directory.join("segments")).unwrap();
    let temporary = left.filter(|it| it.as_ref().unwrap().path().extension().unwrap() == "tmp");
    assert_eq!(temporary.count(), 0, "{what}");
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was_when_its_segment_is_merged() {
    let directory = tempfile::tempdir().unwrap();
    let mut sparse = Sparse::start(&small(directory.path()), Arc::new(RealDisk)).await;
    append(&sparse.running.journal, &["dead"], &["1000:", "1001:", "1002:"]).await;
    let mut dead = sparse.running.journal.reader(&lane("dead")).await.unwrap();
    // One in flight, from a segment that will be gone, and the rest of its frame not yet looked at.
    let first = dead.fetch(1, 1 << 20).await.unwrap();
    sparse.rounds(4, 40).await;
    sparse.upkeep().await;
    let second = dead.fetch(1, 1 << 20).await.unwrap();
    sparse.rounds(4, 40).await;
    sparse.upkeep().await;
    assert!(sparse.running.journal.status().compactions > 1);
    let rest = fetch_all(&mut dead).await;
    let fetched: Vec<Fetched> = [first.clone(), second, rest].concat();
    let rounds = (1..=8).map(|round| round * 40 - 1);
    let expected: Vec<usize> = (1000..1003).chain(rounds).collect();
    assert_eq!(numbers(&bodies(&fetched)), expected);

    let (position, body) = dead.reread(first[0].position).await.unwrap();
    assert_eq!(body, first[0].body);
    assert_ne!(position, first[0].position, "it has moved");
    let (again, body) = dead.reread(position).await.unwrap();
    assert_eq!((again, body), (position, first[0].body.clone()));

    acknowledge_durably(&sparse.running.journal, &mut dead, &fetched).await;
    let status = sparse.running.journal.lanes();
    assert!(status.iter().all(|lane| lane.pending == 0 && lane.pending_bytes == 0), "{status:?}");
    assert!(status.iter().all(|lane| lane.lost == 0), "{status:?}");
    sparse.upkeep().await;
    until(|| sparse.running.journal.status().segments <= 2).await;
}

#[tokio::test]
async fn times_and_origins_survive_a_merge() {
    let directory = tempfile::tempdir().unwrap();
    let mut sparse = Sparse::start(&small(directory.path()), Arc::new(RealDisk)).await;
    let again = NewRecord { origin: Origin::Replay, ..record(&["dead"], "0:replayed") };
    sparse.running.journal.append(vec![again]).await.unwrap();
    let mut dead = sparse.running.journal.reader(&lane("dead")).await.unwrap();
    let before = dead.fetch(1, 1 << 20).await.unwrap().remove(0);
    drop(dead);
    sparse.rounds(3, 40).await;
    sparse.upkeep().await;
    assert!(sparse.running.journal.status().compactions > 0);
    let mut dead = sparse.running.journal.reader(&lane("dead")).await.unwrap();
    let after = dead.fetch(1, 1 << 20).await.unwrap().remove(0);
    let told = |it: &Fetched| (it.position.seq(), it.time, it.origin, it.ordinal, it.body.clone());
    assert_eq!(told(&before), told(&after));
}

#[tokio::test]
async fn a_segment_that_is_corrupt_is_not_merged() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { checkpoint_interval: Duration::from_mins(1), ..small(directory.path()) };
    let mut sparse = Sparse::start(&config, Arc::new(RealDisk)).await;
    let first = || segment_files(directory.path()).remove(0);
    append(&sparse.running.journal, &["dead"], &["7:"]).await;
    let mut bytes = fs::read(first()).unwrap();
    let end = bytes.len();
    append(&sparse.running.journal, &["dead"], &["8:"]).await;
    bytes = fs::read(first()).unwrap();
    bytes[end..end + 4096].fill(0xA5);
    fs::write(first(), &bytes).unwrap();
    sparse.rounds(6, 40).await;
    until(|| sparse.running.journal.status().compactions > 0).await;
    assert_eq!(fs::read(first()).unwrap()[end..end + 4096], bytes[end..end + 4096]);
    let found = pending_bodies(&sparse.running.journal, "dead").await;
    assert_eq!(found.len(), 1 + 6);
    assert_eq!(found[0], "7:");
}

/// Holds a compaction between the rename and the word to the writer.
#[derive(Debug, Default)]
struct Held {
    renamed: AtomicUsize,
    told: AtomicUsize,
}

impl Disk for Held {
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &fs::File) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &fs::File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)?;
        let number = self.renamed.fetch_add(1, SeqCst) + 1;
        while self.told.load(SeqCst) < number {
            thread::yield_now();
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_is_acknowledged_while_its_segment_is_merged_is_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    let held = Arc::new(Held::default());
    let disk: Arc<dyn Disk> = Arc::<Held>::clone(&held);
    let mut sparse = Sparse::start(&small(directory.path()), disk).await;
    sparse.rounds(3, 40).await;
    until(|| held.renamed.load(SeqCst) == 1).await;
    // Meanwhile there is more for the next one.
    sparse.rounds(3, 40).await;
    held.told.store(1, SeqCst);
    until(|| held.renamed.load(SeqCst) == 2).await;
    // The records lie in the merged file already, and the writer has not heard of it.
    let journal = sparse.running.journal.clone();
    let mut dead = journal.reader(&lane("dead")).await.unwrap();
    let fetched = fetch_all(&mut dead).await;
    assert_eq!(fetched.len(), 6);
    // One stays, so that the lane is not drained.
    acknowledge_durably(&journal, &mut dead, &fetched[..5]).await;
    let books = || journal.lanes().into_iter().find(|it| *it.name == *"dead").unwrap();
    let told = |it: crate::journal::LaneStatus| (it.accepted, it.delivered, it.lost, it.pending);
    assert_eq!(told(books()), (6, 5, 0, 1));
    held.told.store(usize::MAX, SeqCst);
    sparse.upkeep().await;
    assert_eq!(told(books()), (6, 5, 0, 1));
    acknowledge_durably(&journal, &mut dead, &fetched[5..]).await;
    assert_eq!(told(books()), (6, 6, 0, 0));
}

#[tokio::test]
async fn a_segment_that_cannot_be_merged_keeps_no_other_from_it() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(Clock::default());
    // Nothing is merged before it is corrupt.
    let running = start_with(&retaining(directory.path()), Arc::<Clock>::clone(&clock));
    let mut busy = running.journal.reader(&lane("busy")).await.unwrap();
    for n in 0..20 {
        let lanes: &[&str] = if n % 4 == 0 { &["busy", "dead"] } else { &["busy"] };
        let length = if lanes.len() == 1 { 9000 } else { 1 };
        append(&running.journal, lanes, &[&format!("{n}:{}", "s".repeat(length))]).await;
        let fetched = fetch_all(&mut busy).await;
        acknowledge_durably(&running.journal, &mut busy, &fetched).await;
    }
    let segments = segment_files(directory.path());
    assert!((4..8).contains(&segments.len()), "one run holds them all: {segments:?}");
    let mut bytes = fs::read(&segments[2]).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xFF);
    fs::write(&segments[2], bytes).unwrap();
    let before = running.journal.status().compactions;
    assert_eq!(before, 0);
    clock.pass(50 * HOUR);
    for _ in 0..5 {
        checkpoints(&running.journal).await;
    }
    assert!(running.journal.status().compactions > before);
    assert!(segments[2].exists() && !segments[1].exists());
    let pending = numbers(&pending_bodies(&running.journal, "dead").await);
    assert_eq!(pending, [0, 4, 8, 12, 16]);
}

#[tokio::test]
async fn no_segment_gets_a_number_that_a_merged_one_stands_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut sparse = Sparse::start(&small(directory.path()), Arc::new(RealDisk)).await;
    sparse.rounds(6, 40).await;
    sparse.upkeep().await;
    let Sparse { running, busy, .. } = sparse;
    drop(busy);
    running.stop().unwrap();
    // All but the merged one are gone, and so is what would tell of them.
    for path in segment_files(directory.path()).into_iter().skip(1) {
        fs::remove_file(path).unwrap();
    }
    fs::remove_file(directory.path().join("meta.redb")).unwrap();
    let running = start_with(&small(directory.path()), Arc::new(RealDisk));
    let before = numbers(&pending_bodies(&running.journal, "dead").await);
    for n in 0..40 {
        let body = format!("{}:{}", 1000 + n, "s".repeat(900));
        append(&running.journal, &["dead"], &[&body]).await;
    }
    let expected: Vec<usize> = before.into_iter().chain(1000..1040).collect();
    assert_eq!(numbers(&pending_bodies(&running.journal, "dead").await), expected);
    running.stop().unwrap();
    let running = start_with(&small(directory.path()), Arc::new(RealDisk));
    assert_eq!(numbers(&pending_bodies(&running.journal, "dead").await), expected);
    running.stop().unwrap();
}
