//! The books of a lane hold after every end of the process, with or without a checkpoint.

use std::os::unix::fs::FileExt as _;

use jiff::Timestamp;

use super::*;
use crate::journal::{LaneStatus, Outcome};

fn books(journal: &Journal) -> LaneStatus {
    let status = journal.lanes().remove(0);
    let LaneStatus { accepted, delivered, dead, discarded, lost, pending, .. } = status;
    assert_eq!(accepted, delivered + dead + discarded + lost + pending, "{status:?}");
    status
}

#[tokio::test]
async fn every_record_is_counted_by_what_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["one", "three", "fifth", "seven"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    reader.discard(&[fetched[1].position]).await;
    acknowledge_durably(&running.journal, &mut reader, &fetched[..1]).await;
    let LaneStatus { accepted, delivered, discarded, pending, pending_bytes, .. } =
        books(&running.journal);
    assert_eq!((accepted, delivered, discarded, pending, pending_bytes), (4, 1, 1, 2, 10));
    assert_eq!((reader.pending(), reader.pending_bytes()), (2, 10));
    let before = books(&running.journal);
    let image = image_of(directory.path());
    let running = start(image.path());
    assert_eq!(books(&running.journal), before);
    running.stop().unwrap();
    fs::remove_file(image.path().join("meta.redb")).unwrap();
    assert_eq!(books(&start(image.path()).journal), before);
}

#[tokio::test]
async fn segments_that_are_gone_stay_in_the_books_without_a_checkpoint() {
    let directory = mostly_unlinked("pending").await;
    let first = segment_files(directory.path()).remove(0);
    assert!(!first.ends_with("00000000000000000001.log"), "{first:?}");
    fs::remove_file(directory.path().join("meta.redb")).unwrap();
    let LaneStatus { accepted, delivered, pending, .. } = books(&start(directory.path()).journal);
    assert_eq!((accepted, delivered, pending), (31, 30, 1));
}

#[tokio::test]
async fn what_corruption_took_is_counted_as_lost() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for body in ["1", "2", "3"] {
        append(&running.journal, &["a"], &[body]).await;
    }
    running.stop().unwrap();
    let segment = segment_files(directory.path()).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8192..12288].fill(0xA5);
    fs::write(segment, bytes).unwrap();
    let running = start(directory.path());
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    acknowledge_durably(&running.journal, &mut reader, &fetched).await;
    let LaneStatus { delivered, lost, pending, .. } = books(&running.journal);
    assert_eq!((delivered, lost, pending), (2, 1, 0));
}

#[tokio::test]
async fn what_a_lane_found_lost_stays_so_after_every_end() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for body in ["1", "2", "3"] {
        append(&running.journal, &["a"], &[body]).await;
    }
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    let path = segment_files(directory.path()).remove(0);
    let segment = fs::OpenOptions::new().write(true).open(path).unwrap();
    segment.write_all_at(&[0xA5; 4096], 8192).unwrap();
    assert!(matches!(
        reader.reread(fetched[1].position).await,
        Err(crate::journal::ReadError::Changed { .. })
    ));
    reader.lose(&[fetched[1].position]).await;
    acknowledge_durably(&running.journal, &mut reader, &fetched[..1]).await;
    let before = books(&running.journal);
    assert_eq!((before.accepted, before.delivered, before.lost, before.pending), (3, 1, 1, 1));
    let image = image_of(directory.path());
    let running = start(image.path());
    assert_eq!(books(&running.journal), before);
    running.stop().unwrap();
    assert_eq!(books(&start(image.path()).journal), before);
}

/// A clock that was set back.
#[derive(Debug)]
struct Backwards;

impl Disk for Backwards {
    fn create(&self, path: &Path) -> std::io::Result<fs::File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &fs::File, bytes: &[u8], offset: u64) -> std::io::Result<usize> {
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &fs::File) -> std::io::Result<()> {
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &fs::File, length: u64) -> std::io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> std::io::Result<()> {
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        RealDisk.remove(path)
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

#[tokio::test]
async fn no_record_is_older_than_the_one_before_it_whatever_the_clock_does() {
    let directory = tempfile::tempdir().unwrap();
    let before = Timestamp::now();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["1"]).await;
    running.stop().unwrap();
    let running = start_with(&config_in(directory.path()), Arc::new(Backwards));
    append(&running.journal, &["a"], &["2"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert!(before.duration_until(fetched[0].time).as_secs() < 60, "{fetched:?}");
    assert!(fetched[0].time <= fetched[1].time, "{fetched:?}");
}

#[tokio::test]
async fn what_is_redriven_is_not_accepted_again() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["1"]).await;
    let again = NewRecord { origin: Origin::Replay, ..record(&["a"], "2") };
    running.journal.append(vec![again]).await.unwrap();
    assert_eq!(books(&running.journal).accepted, 2);
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert_eq!(fetched[1].origin, Origin::Replay);
}

#[test]
fn a_released_letter_is_taken_from_the_dead_once() {
    use crate::journal::{
        entry::{Ack, Amount, Fate, Release},
        ledger::Ledger,
    };
    let mut ledger = Ledger::new(lane("a"));
    let amount = Amount { records: 1, bytes: 5 };
    (0..3).for_each(|seq| ledger.append(seq, 1, Origin::Store, amount));
    let mut ack = Ack::below(3);
    (0..3).for_each(|_| ack.count(Outcome::Dead, 1, 5));
    ledger.acknowledge(&ack, Some);
    let purge = Release { lane: 0, fate: Fate::Purged, seqs: vec![0] };
    ledger.release(&purge);
    ledger.release(&purge);
    ledger.release(&Release { lane: 0, fate: Fate::Redriven, seqs: vec![2] });
    ledger.append(3, 1, Origin::Redrive, amount);
    let totals = ledger.totals;
    assert_eq!((totals.accepted, totals.dead, totals.discarded), (3, 1, 1));
    assert_eq!(ledger.pending(), amount);
}
