//! Dead letters: a crash between any two steps neither loses one, nor strands one, nor lets one be
//! sent twice, and the books balance after each.

use std::{
    fs::File,
    io,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

use jiff::Timestamp;

use super::{
    checkpoints::is_named,
    full_disk::{SmallDisk, start_small},
    *,
};
use crate::journal::{
    Burial, BuryError, DeadLetterId, DeadLettersFound, LaneStatus, Origin,
    dead::{Grave, Store},
};

const STORE: &str = "dead_letters.redb";

/// A disk that refuses one change of the dead letters when it is told to.
#[derive(Debug, Default)]
struct StuckDisk(AtomicBool);

impl Disk for StuckDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if is_named(file, STORE) && self.0.swap(false, SeqCst) {
            return Err(io::Error::other("stuck"));
        }
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

/// The lane's account, which must balance.
#[track_caller]
fn account(journal: &Journal, name: &str) -> LaneStatus {
    let lanes = journal.lanes();
    let status = lanes.into_iter().find(|lane| &*lane.name == name).expect("a known lane");
    let LaneStatus { accepted, delivered, dead, discarded, lost, pending, .. } = status;
    assert_eq!(accepted, delivered + dead + discarded + lost + pending, "{status:?}");
    status
}

/// `(accepted, dead, pending)` of a lane whose dead letters are those of the store.
#[track_caller]
fn counts(journal: &Journal, name: &str) -> (u64, u64, u64) {
    let LaneStatus { accepted, dead, pending, .. } = account(journal, name);
    let rows = journal.dead_totals().get(name).map_or(0, |total| total.count);
    assert_eq!(dead, rows, "each has a row");
    (accepted, dead, pending)
}

fn burials(fetched: &[Fetched]) -> Vec<Burial> {
    let burial = |record: &Fetched| Burial {
        position: record.position,
        summary: Bytes::from_static(b"it was refused"),
        body: record.body.clone(),
    };
    fetched.iter().map(burial).collect()
}

async fn append_numbers(journal: &Journal, name: &str, count: usize) {
    let bodies: Vec<_> = (0..count).map(|n| n.to_string()).collect();
    append(journal, &[name], &bodies.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

/// Buries everything that the lane has pending.
async fn bury_all(journal: &Journal, name: &str) {
    let mut reader = journal.reader(&lane(name)).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    reader.bury(burials(&fetched)).await.unwrap();
    until(|| reader.pending() == 0).await;
}

async fn ids_of(journal: &Journal) -> Vec<DeadLetterId> {
    let page = journal.dead_letters(None, None, usize::MAX).await.unwrap();
    page.into_iter().map(|letter| letter.id).collect()
}

async fn letters_of(journal: &Journal) -> Vec<(DeadLetterId, Bytes)> {
    let mut letters = Vec::new();
    for id in ids_of(journal).await {
        let letter = journal.dead_letter(&id).await.unwrap().unwrap();
        letters.push((id, letter.body));
    }
    letters
}

/// Each file of the directory as it was in the image.
fn put_back(image: &TempDir, directory: &Path, names: &[&str]) {
    for name in names {
        fs::copy(image.path().join(name), directory.join(name)).unwrap();
    }
}

fn store_in(directory: &Path) -> Store {
    let (path, aside) = (directory.join(STORE), directory.join("corrupt"));
    Store::open(Arc::new(RealDisk), path, &aside, u64::MAX).unwrap().0
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

async fn sorted_pending(journal: &Journal, name: &str) -> Vec<String> {
    let mut bodies = pending_bodies(journal, name).await;
    bodies.sort_by_key(|body| body.parse::<usize>().unwrap());
    bodies
}

#[tokio::test]
async fn what_is_buried_is_dead_at_once_and_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 3).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    reader.bury(burials(&fetched[..2])).await.unwrap();
    // Before the acknowledgement is durable.
    let image = image_of(directory.path());
    until(|| reader.pending() == 1).await;
    assert_eq!(counts(&running.journal, "a"), (3, 2, 1));

    let after = start(image.path());
    until(|| account(&after.journal, "a").dead == 2).await;
    assert_eq!(counts(&after.journal, "a"), (3, 2, 1));
    assert_eq!(pending_bodies(&after.journal, "a").await, ["2"]);
    let letters = letters_of(&after.journal).await;
    assert_eq!(letters.iter().map(|(id, _)| id.seq).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(letters[1].1, "1");
    assert_eq!(after.recovery.dead_letters, DeadLettersFound::default());
}

#[tokio::test]
async fn a_row_whose_acknowledgement_was_lost_is_a_death() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a", "b"], &["both"]).await;
    append_numbers(&running.journal, "a", 40).await;
    running.stop().unwrap();
    let grave = |seq| Grave { seq, summary: Bytes::new(), body: Bytes::from_static(b"row") };
    let graves = [grave(0), grave(7), grave(8)];
    store_in(directory.path()).bury(&lane("a"), Timestamp::UNIX_EPOCH, &graves).unwrap();
    let mut image = directory;
    for _ in 0..3 {
        let again = start(image.path());
        until(|| account(&again.journal, "a").dead == 3).await;
        assert_eq!(counts(&again.journal, "a"), (41, 3, 38));
        assert_eq!(counts(&again.journal, "b"), (1, 0, 1));
        assert_eq!(pending_bodies(&again.journal, "a").await.len(), 38);
        image = image_of(image.path());
    }
}

#[tokio::test]
async fn a_death_that_is_settled_at_the_start_may_be_redriven_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 3).await;
    running.stop().unwrap();
    let graves = [Grave { seq: 1, summary: Bytes::new(), body: Bytes::from_static(b"1") }];
    store_in(directory.path()).bury(&lane("a"), Timestamp::UNIX_EPOCH, &graves).unwrap();
    let again = start(directory.path());
    let letters = letters_of(&again.journal).await;
    assert_eq!(again.journal.redrive(letters).await.unwrap(), 1);
    assert_eq!(counts(&again.journal, "a"), (3, 0, 3));
    let image = image_of(directory.path());
    fs::remove_file(image.path().join("meta.redb")).unwrap();
    let after = start(image.path());
    assert_eq!(counts(&after.journal, "a"), (3, 0, 3));
    assert_eq!(sorted_pending(&after.journal, "a").await, numbers(3));
}

/// What was done before the end, the directory as it is then, and the checkpoints it can have.
type Step<'a> = (&'a str, &'a dyn Fn() -> TempDir, &'a [&'a str]);

#[tokio::test]
async fn a_redrive_that_is_killed_between_any_two_steps_is_finished_by_asking_again() {
    const LETTERS: usize = 2_500;
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", LETTERS).await;
    bury_all(&running.journal, "a").await;
    let letters = letters_of(&running.journal).await;
    assert_eq!(letters.len(), LETTERS);
    let before = image_of(directory.path());
    let half: Vec<_> = letters.iter().step_by(2).cloned().collect();
    assert_eq!(running.journal.redrive(half.clone()).await.unwrap(), LETTERS as u64 / 2);
    running.stop().unwrap();
    let after = image_of(directory.path());

    let partly = || {
        let image = image_of(after.path());
        put_back(&before, image.path(), &[STORE]);
        let some: Vec<_> = half.iter().step_by(3).map(|(id, _)| id.clone()).collect();
        store_in(image.path()).remove(&some).unwrap();
        image
    };
    let without_rows = || image_of(after.path());
    let with_rows = || {
        let image = image_of(after.path());
        put_back(&before, image.path(), &[STORE]);
        image
    };
    let nothing_yet = || image_of(before.path());
    let steps: [Step<'_>; 4] = [
        ("before the commit", &nothing_yet, &["old", "none"]),
        // A checkpoint that has forgotten the rows is later than their end.
        ("after the commit", &with_rows, &["old", "none"]),
        ("among the rows", &partly, &["old", "none"]),
        ("after the rows", &without_rows, &["new", "old", "none"]),
    ];
    for (step, image, checkpoints) in steps {
        for &checkpoint in checkpoints {
            let what = format!("{step}, checkpoint {checkpoint}");
            let image = image();
            match checkpoint {
                "old" => put_back(&before, image.path(), &["meta.redb"]),
                "none" => fs::remove_file(image.path().join("meta.redb")).unwrap(),
                _ => {}
            }
            // Twice: what a start does may be cut short by the next.
            drop(open_on(&config_in(image.path()), Arc::new(RealDisk)).unwrap());
            let running = start(image.path());
            assert_eq!(running.recovery.dead_letters, DeadLettersFound::default(), "{what}");
            let dead = if step == "before the commit" { LETTERS } else { LETTERS / 2 };
            let accepted = LETTERS as u64;
            let expected = (accepted, dead as u64, accepted - dead as u64);
            assert_eq!(counts(&running.journal, "a"), expected, "{what}");
            let redriven = running.journal.redrive(letters.clone()).await.unwrap();
            assert_eq!(redriven, dead as u64, "{what}");
            assert_eq!(counts(&running.journal, "a"), (accepted, 0, accepted), "{what}");
            assert_eq!(sorted_pending(&running.journal, "a").await, numbers(LETTERS), "{what}");
        }
    }
}

#[tokio::test]
async fn rows_that_the_disk_does_not_let_go_are_no_letters_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(StuckDisk::default());
    let running = start_with(&config_in(directory.path()), Arc::<StuckDisk>::clone(&disk));
    append_numbers(&running.journal, "a", 9).await;
    bury_all(&running.journal, "a").await;
    let letters = letters_of(&running.journal).await;
    disk.0.store(true, SeqCst);
    assert_eq!(running.journal.redrive(letters[..4].to_vec()).await.unwrap(), 4);
    assert_eq!(running.journal.redrive(letters[..4].to_vec()).await.unwrap(), 0);
    let ids: Vec<_> = letters[4..].iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids_of(&running.journal).await, ids);
    running.stop().unwrap();

    let rows = || store_in(directory.path()).seqs("a", 0).unwrap().len();
    assert_eq!(rows(), 9);
    let running = start(directory.path());
    assert_eq!(running.recovery.dead_letters, DeadLettersFound::default());
    assert_eq!(counts(&running.journal, "a"), (9, 5, 4));
    assert_eq!(sorted_pending(&running.journal, "a").await, numbers(4));
    running.stop().unwrap();
    assert_eq!(rows(), 5);
}

#[tokio::test]
async fn a_letter_is_redriven_once_whoever_asks_and_how_often() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 20).await;
    bury_all(&running.journal, "a").await;
    let letters = letters_of(&running.journal).await;
    let doubled = [&letters[..], &letters[..]].concat();
    let (one, two) =
        tokio::join!(running.journal.redrive(doubled.clone()), running.journal.redrive(doubled));
    assert_eq!(one.unwrap() + two.unwrap(), 20);
    assert_eq!(running.journal.redrive(letters).await.unwrap(), 0);
    assert_eq!(counts(&running.journal, "a"), (20, 0, 20));
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert!(fetched.iter().all(|record| record.origin == Origin::Redrive));
    // What dies again is another letter.
    reader.bury(burials(&fetched)).await.unwrap();
    until(|| reader.pending() == 0).await;
    assert_eq!(counts(&running.journal, "a"), (20, 20, 0));
    assert!(ids_of(&running.journal).await.iter().all(|id| id.seq >= 20));
}

#[tokio::test]
async fn what_is_purged_counts_as_discarded_even_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 5).await;
    bury_all(&running.journal, "a").await;
    let before = image_of(directory.path());
    let ids = ids_of(&running.journal).await;
    assert_eq!(running.journal.purge(ids[..3].to_vec()).await.unwrap(), 3);
    assert_eq!(running.journal.purge(ids[..3].to_vec()).await.unwrap(), 0);
    assert_eq!(account(&running.journal, "a").discarded, 3);
    let image = image_of(directory.path());
    put_back(&before, image.path(), &[STORE]);
    let after = start(image.path());
    assert_eq!(counts(&after.journal, "a"), (5, 2, 0));
    assert_eq!(account(&after.journal, "a").discarded, 3);
    assert_eq!(ids_of(&after.journal).await, ids[3..]);
}

#[tokio::test]
async fn numbers_are_never_given_twice_while_a_letter_has_one() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 30).await;
    bury_all(&running.journal, "a").await;
    running.stop().unwrap();
    // An operator takes the log away and leaves the dead letters.
    fs::remove_file(directory.path().join("meta.redb")).unwrap();
    for path in segment_files(directory.path()) {
        fs::remove_file(path).unwrap();
    }
    let running = start(directory.path());
    assert_eq!(running.recovery.dead_letters.unknown, 30);
    assert_eq!(counts(&running.journal, "a"), (30, 30, 0));
    append(&running.journal, &["a"], &["new"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    assert_eq!(fetch_all(&mut reader).await[0].position.seq(), 30);
    let letters = letters_of(&running.journal).await;
    assert_eq!(running.journal.redrive(letters).await.unwrap(), 30);
    assert_eq!(counts(&running.journal, "a"), (31, 0, 31));
}

#[tokio::test]
async fn a_full_store_leaves_records_pending() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { dead_letters_limit: ByteSize::b(500), ..config_in(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    append_numbers(&running.journal, "a", 9).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    reader.bury(burials(&fetched[..2])).await.unwrap();
    let full = reader.bury(burials(&fetched[2..])).await;
    assert!(matches!(full, Err(BuryError::Full { limit: 500, .. })), "{full:?}");
    let status = running.journal.status();
    assert_eq!(status.dead_letters_limit, 500);
    assert!((1..=500).contains(&status.dead_letters_bytes), "{status:?}");
    until(|| reader.pending() == 7).await;
    running.journal.purge(ids_of(&running.journal).await).await.unwrap();
    assert_eq!(running.journal.status().dead_letters_bytes, 0);
    reader.bury(burials(&fetched[2..4])).await.unwrap();
    reader.acknowledge(&[fetched[4].position]).await;
    until(|| reader.pending() == 4).await;
    drop(reader);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["5", "6", "7", "8"]);
    assert_eq!(counts(&running.journal, "a"), (9, 2, 4));
}

#[tokio::test]
async fn a_burial_that_a_full_disk_refuses_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(4 << 20);
    let running = start_small(directory.path(), &disk);
    append_numbers(&running.journal, "a", 9).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    disk.fill_up();
    let refused = reader.bury(burials(&fetched)).await;
    assert!(matches!(refused, Err(BuryError::Database(_))), "{refused:?}");
    assert_eq!(reader.pending(), 9);
    disk.give(4 << 20);
    reader.bury(burials(&fetched[..4])).await.unwrap();
    until(|| reader.pending() == 5).await;
    assert_eq!(counts(&running.journal, "a"), (9, 4, 5));
    assert_eq!(ids_of(&running.journal).await.len(), 4);
}

#[tokio::test]
async fn a_corrupt_store_is_kept_reported_and_counted_and_may_be_put_back() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 9).await;
    bury_all(&running.journal, "a").await;
    running.stop().unwrap();
    let path = directory.path().join(STORE);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, vec![0x5a; whole.len()]).unwrap();

    let running = start(directory.path());
    let DeadLettersFound { moved_to, missing, unknown } = running.recovery.dead_letters.clone();
    assert_eq!((missing, unknown), (9, 0));
    assert_eq!(fs::read(moved_to.unwrap()).unwrap().len(), whole.len());
    assert_eq!(counts(&running.journal, "a"), (9, 0, 0));
    assert_eq!(account(&running.journal, "a").lost, 9);
    append_numbers(&running.journal, "a", 2).await;
    running.stop().unwrap();

    fs::write(&path, whole).unwrap();
    let running = start(directory.path());
    assert_eq!(running.recovery.dead_letters.unknown, 9);
    assert_eq!(counts(&running.journal, "a"), (11, 9, 2));
    assert_eq!(account(&running.journal, "a").lost, 0);
}

#[tokio::test]
async fn a_reader_that_is_dropped_in_a_burial_hands_over_only_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append_numbers(&running.journal, "a", 9).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    {
        let mut burial = std::pin::pin!(reader.bury(burials(&fetched[..3])));
        assert!(futures_util::poll!(&mut burial).is_pending());
    }
    drop(reader);
    let again = loop {
        match running.journal.reader(&lane("a")).await {
            Ok(reader) => break reader,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    until(|| again.pending() == 6).await;
    drop(again);
    assert_eq!(sorted_pending(&running.journal, "a").await, numbers(9)[3..]);
    assert_eq!(counts(&running.journal, "a"), (9, 3, 6));
}
