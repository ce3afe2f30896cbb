//! A disk that does not give back what it was given.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytesize::ByteSize;
use tempfile::TempDir;

use super::{
    Bench, QUEUE, Scripted, append, append_all, denied, open_journal, quick, raw, record,
    unavailable,
};
use crate::{
    deliver::{LaneState, LaneStatus, tests::lanes},
    journal::{self, NewRecord},
    publish::Verdict,
};

const OTHER: &str = "arn:aws:sqs:us-east-1:000000000000:other";

fn segments(directory: &TempDir) -> Vec<PathBuf> {
    let listed = fs::read_dir(directory.path().join("segments")).unwrap();
    let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A file that cannot be read, until it is dropped.
struct Illegible {
    path: PathBuf,
    aside: PathBuf,
}

impl Illegible {
    fn make(path: &Path) -> Self {
        let (path, aside) = (path.to_owned(), path.with_extension("aside"));
        fs::rename(&path, &aside).unwrap();
        fs::create_dir(&path).unwrap();
        Self { path, aside }
    }
}

impl Drop for Illegible {
    fn drop(&mut self) {
        fs::remove_dir(&self.path).unwrap();
        fs::rename(&self.aside, &self.path).unwrap();
    }
}

fn spoil(path: &Path, text: &str) {
    let bytes = fs::read(path).unwrap();
    let at = bytes.windows(text.len()).position(|found| found == text.as_bytes()).unwrap();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(b"#", at as u64).unwrap();
}

fn in_small_segments() -> journal::Config {
    journal::Config { segment_size: ByteSize::kib(64), ..journal::Config::default() }
}

/// Records of this lane that fill a segment.
async fn fill(journal: &journal::Journal, lane: &str) {
    let before = journal.status().segments;
    while journal.status().segments == before {
        let body = raw(vec![b'x'; 20_000]).body;
        append_all(journal, vec![NewRecord { lanes: vec![lane.into()], body, ..record("x") }])
            .await;
    }
}

#[tokio::test]
async fn an_event_whose_record_is_corrupt_is_lost_and_the_others_go_on() {
    let (publisher, well) = Scripted::down(denied());
    let mut bench = Bench::new(&["a", "spoiled", "b"], publisher, quick()).await;
    bench
        .until(async |bench| {
            bench.wait(|bench| bench.status.borrow().waiting == 3).await;
            spoil(&segments(&bench.directory)[0], "spoiled");
            well.store(true, Relaxed);
            bench.wait(|bench| bench.books().pending == 0).await;
            append(&bench.journal, &["c"]).await;
            bench.wait(|bench| bench.books().delivered == 3).await;
        })
        .await;
    let books = bench.books();
    assert_eq!((books.accepted, books.delivered, books.lost), (4, 3, 1));
    let kept = fs::read_dir(bench.directory.path().join("corrupt")).unwrap();
    assert_eq!(kept.count(), 1, "its bytes are there to look at");
}

#[tokio::test]
async fn a_lane_that_cannot_read_is_broken_and_goes_on_when_it_can() {
    let mut bench = Bench::new(&["a", "b"], Scripted::healthy(), quick()).await;
    let illegible = Illegible::make(&segments(&bench.directory)[0]);
    bench
        .until(async |bench| {
            bench.wait(|bench| bench.status.borrow().state == LaneState::Broken).await;
            let status = bench.status.borrow().clone();
            let told = status.last_error.unwrap();
            assert_eq!((told.class, &*told.code), ("journal", "ReadFailed"));
            assert!(told.message.starts_with("cannot read /"), "{}", told.message);
            assert!(told.message.contains("s a directory"), "{}", told.message);
            drop(illegible);
            bench.wait(|bench| bench.books().pending == 0).await;
            bench.wait(|bench| bench.status.borrow().state == LaneState::Delivering).await;
        })
        .await;
    assert_eq!(bench.counts(), [2, 0, 0, 0]);
}

/// A lane whose destination is down comes to the end of its wait while the directory of the segments
/// is away, and something else, or nothing, in its place.
async fn outlives_without_its_directory(in_its_place: impl Fn(&Path)) {
    let (publisher, well) = Scripted::down(denied());
    let mut bench = Bench::new(&["a", "b"], publisher, quick()).await;
    bench
        .until(async |bench| {
            bench.wait(|bench| bench.status.borrow().waiting == 2).await;
            let (at, aside) =
                (bench.directory.path().join("segments"), bench.directory.path().join("aside"));
            fs::rename(&at, &aside).unwrap();
            in_its_place(&at);
            append(&bench.journal, &["c"]).await;
            let is_told = |status: &LaneStatus| {
                status.last_error.as_ref().is_some_and(|told| told.class == "journal")
            };
            bench.wait(|bench| is_told(&bench.status.borrow()) || bench.books().lost > 0).await;
            if at.exists() {
                fs::remove_dir(&at).unwrap();
            }
            fs::rename(&aside, &at).unwrap();
            well.store(true, Relaxed);
            bench.wait(|bench| bench.books().pending == 0).await;
        })
        .await;
    let books = bench.books();
    assert_eq!((books.delivered, books.lost), (3, 0));
}

#[tokio::test]
async fn a_disk_that_is_away_loses_nothing() {
    outlives_without_its_directory(|_| {}).await;
}

#[tokio::test]
async fn an_empty_directory_where_the_disk_was_loses_nothing() {
    outlives_without_its_directory(|at| fs::create_dir(at).unwrap()).await;
}

#[tokio::test]
async fn what_was_read_before_and_cannot_be_read_again_keeps_back_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(&directory, &in_small_segments());
    append(&journal, &["old"]).await;
    fill(&journal, OTHER).await;
    append(&journal, &["first"]).await;
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let publisher = Scripted::by(move |_, keys| {
        let fails = |key: &String| key == "old" && !is_well.load(Relaxed);
        let verdict = |key| if fails(key) { unavailable() } else { Verdict::Delivered };
        keys.iter().map(verdict).collect()
    });
    let mut bench = Bench::over((directory, journal), publisher, quick(), |_| true).await;
    bench
        .until(async |bench| {
            bench.wait(|bench| bench.queue().delivered == 1).await;
            let illegible = Illegible::make(&segments(&bench.directory)[0]);
            for new in ["new", "newer", "newest"] {
                append(&bench.journal, &[new]).await;
                bench.wait(|bench| bench.publisher.sent(new) == 1).await;
            }
            bench.wait(|bench| bench.status.borrow().state == LaneState::Broken).await;
            well.store(true, Relaxed);
            drop(illegible);
            bench.wait(|bench| bench.queue().pending == 0).await;
        })
        .await;
    assert_eq!(bench.queue().delivered, 5);
}

#[tokio::test]
async fn a_lane_that_cannot_read_leaves_the_others_alone() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(&directory, &in_small_segments());
    append(&journal, &["illegible"]).await;
    fill(&journal, QUEUE).await;
    let other = NewRecord { lanes: vec![OTHER.into()], ..record("other") };
    append_all(&journal, vec![other]).await;
    let illegible = Illegible::make(&segments(&directory)[0]);
    let publisher = Scripted::healthy();
    lanes::run(&journal, &publisher, quick(), async |destinations, statuses| {
        destinations.send_replace(super::named(&[QUEUE, OTHER]));
        lanes::until(|| publisher.sent("other") == 1).await;
        let state = |lane: &str| statuses.of(lane).map(|status| status.state);
        lanes::until(|| state(QUEUE) == Some(LaneState::Broken)).await;
        assert_eq!(state(OTHER), Some(LaneState::Delivering));
        drop(illegible);
        lanes::until(|| publisher.sent("illegible") == 1).await;
    })
    .await;
}
