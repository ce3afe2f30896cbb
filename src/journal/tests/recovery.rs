//! Whatever the directory looks like, what is valid in it is recovered and the rest reported.

use super::*;
use crate::journal::{CheckpointFound, OpenError, open};

/// Three commits for `a`, in one segment, with the first acknowledged; as a kill leaves it.
async fn three_commits() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for body in ["1", "2", "3"] {
        append(&running.journal, &["a"], &[body]).await;
    }
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    acknowledge_durably(&running.journal, &mut reader, &fetched[..1]).await;
    image_of(directory.path())
}

fn damage(directory: &Path, pages: std::ops::Range<usize>) {
    let segment = segment_files(directory).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[pages.start * 4096..pages.end * 4096].fill(0xA5);
    fs::write(segment, bytes).unwrap();
}

fn forget_checkpoint(directory: &Path) {
    fs::remove_file(directory.join("meta.redb")).unwrap();
}

#[tokio::test]
async fn the_holder_of_the_lock_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let config = config_in(directory.path());
    let _held = open(&config).unwrap();
    let error = open(&config).unwrap_err();
    assert!(matches!(error, OpenError::Locked { pid, .. } if pid == std::process::id()));
}

#[tokio::test]
async fn the_lock_ends_with_its_holder() {
    let directory = tempfile::tempdir().unwrap();
    start(directory.path()).stop().unwrap();
    start(directory.path()).stop().unwrap();
}

#[tokio::test]
async fn without_its_checkpoint_the_log_tells_everything() {
    let image = three_commits().await;
    forget_checkpoint(image.path());
    let running = start(image.path());
    assert_eq!(running.recovery.records, 4);
    assert_eq!(running.journal.lanes()[0].pending, 2);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["2", "3"]);
}

#[tokio::test]
async fn a_corrupt_checkpoint_is_moved_aside() {
    for damaged in [vec![0; 8192], b"not a database".to_vec(), vec![0xEE; 100_000]] {
        let image = three_commits().await;
        fs::write(image.path().join("meta.redb"), damaged).unwrap();
        let running = start(image.path());
        let CheckpointFound::Lost { moved_to: Some(moved_to) } = &running.recovery.checkpoint
        else {
            panic!("{:?}", running.recovery)
        };
        assert!(moved_to.exists());
        assert_eq!(pending_bodies(&running.journal, "a").await, ["2", "3"]);
        running.stop().unwrap();
        let again = start(image.path());
        assert_eq!(again.recovery.checkpoint, CheckpointFound::Valid);
    }
}

#[tokio::test]
async fn acknowledgements_of_unlinked_records_do_not_hide_others() {
    let directory = mostly_unlinked("still pending").await;
    forget_checkpoint(directory.path());
    let running = start(directory.path());
    assert_eq!(running.journal.lanes()[0].pending, 1);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["still pending"]);
}

#[tokio::test]
async fn a_torn_tail_is_cut_off() {
    for garbage in [1, 4095, 4096, 20_000] {
        let image = three_commits().await;
        let segment = segment_files(image.path()).remove(0);
        let mut bytes = fs::read(&segment).unwrap();
        let whole = bytes.len();
        bytes.resize(whole + garbage, 0x5A);
        fs::write(&segment, bytes).unwrap();
        let running = start(image.path());
        assert_eq!(running.recovery.torn_bytes, garbage as u64);
        assert!(running.recovery.corrupt.is_empty());
        assert_eq!(fs::metadata(&segment).unwrap().len(), whole as u64);
        append(&running.journal, &["a"], &["4"]).await;
        assert_eq!(pending_bodies(&running.journal, "a").await, ["2", "3", "4"]);
    }
}

#[tokio::test]
async fn a_segment_that_was_being_created_is_removed() {
    for length in [0, 100, 4096] {
        let image = three_commits().await;
        fs::write(image.path().join("segments/00000000000000000002.log"), vec![0; length]).unwrap();
        let running = start(image.path());
        assert!(running.recovery.corrupt.is_empty());
        assert_eq!(segment_files(image.path()).len(), 1);
        append(&running.journal, &["a"], &["4"]).await;
        assert_eq!(pending_bodies(&running.journal, "a").await, ["2", "3", "4"]);
    }
}

#[tokio::test]
async fn corruption_in_the_middle_is_kept_aside_and_the_rest_survives() {
    // Page 0 is the header, 1 to 3 are the commits, 4 the acknowledgement.
    for (pages, left) in [(0..1, vec!["2", "3"]), (2..3, vec!["3"]), (1..4, vec![])] {
        let image = three_commits().await;
        damage(image.path(), pages.clone());
        forget_checkpoint(image.path());
        let running = start(image.path());
        let corrupt = &running.recovery.corrupt;
        assert_eq!(corrupt.len(), 1, "{corrupt:?}");
        let expected = (pages.start as u64 * 4096, pages.len() as u64 * 4096);
        assert_eq!((corrupt[0].offset, corrupt[0].bytes), expected);
        let kept = fs::read_dir(image.path().join("corrupt")).unwrap().next().unwrap().unwrap();
        assert_eq!(kept.metadata().unwrap().len(), expected.1);
        append(&running.journal, &["a"], &["after"]).await;
        if pages.start < 2 && pages.end > 2 {
            // The declaration of the lane was in there too; a new one begins.
            assert_eq!(pending_bodies(&running.journal, "a").await, ["after"]);
            continue;
        }
        let expected: Vec<&str> = left.into_iter().chain(["after"]).collect();
        assert_eq!(pending_bodies(&running.journal, "a").await, expected);
    }
}

#[tokio::test]
async fn corruption_before_the_checkpoint_is_skipped_by_the_reader() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for body in ["1", "2", "3"] {
        append(&running.journal, &["a"], &[body]).await;
    }
    running.stop().unwrap();
    damage(directory.path(), 2..3);

    let running = start(directory.path());
    assert!(running.recovery.corrupt.is_empty(), "recovery reads only what follows");
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert_eq!(bodies(&fetched), ["1", "3"]);
    acknowledge_durably(&running.journal, &mut reader, &fetched).await;
    assert_eq!(reader.pending(), 0, "what is lost is not pending");
    assert_eq!(fs::read_dir(directory.path().join("corrupt")).unwrap().count(), 1);
}

/// As on a full disk: the place of the copy of page 2 cannot be written.
fn forbid_copies(directory: &Path) {
    let segment = segment_files(directory).remove(0);
    let name = format!("{}-8192.bin", segment.file_stem().unwrap().display());
    fs::create_dir_all(directory.join("corrupt")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", directory.join("corrupt").join(name)).unwrap();
}

#[tokio::test]
async fn corruption_that_cannot_be_kept_aside_stops_no_recovery() {
    let image = three_commits().await;
    forget_checkpoint(image.path());
    damage(image.path(), 2..3);
    forbid_copies(image.path());
    let running = start(image.path());
    assert_eq!(running.recovery.corrupt.len(), 1);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["3"]);
}

#[tokio::test]
async fn corruption_that_cannot_be_kept_aside_stops_no_reader() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for body in ["1", "2", "3"] {
        append(&running.journal, &["a"], &[body]).await;
    }
    running.stop().unwrap();
    damage(directory.path(), 2..3);
    forbid_copies(directory.path());
    let running = start(directory.path());
    assert_eq!(pending_bodies(&running.journal, "a").await, ["1", "3"]);
}

#[tokio::test]
async fn a_lane_that_lost_everything_pending_is_settled() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["1"]).await;
    append(&running.journal, &["b"], &["2"]).await;
    running.stop().unwrap();
    damage(directory.path(), 1..2);
    let running = start(directory.path());
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    assert!(fetch_all(&mut reader).await.is_empty());
    append(&running.journal, &[], &["carries the settlement"]).await;
    assert_eq!(reader.pending(), 0);
}

#[tokio::test]
async fn a_missing_segment_is_reported_and_the_rest_survives() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let big = "x".repeat(70_000);
    append(&running.journal, &["a"], &["1", &big]).await;
    append(&running.journal, &["a"], &["2", &big]).await;
    append(&running.journal, &["a"], &["3"]).await;
    let image = image_of(directory.path());
    forget_checkpoint(image.path());
    fs::remove_file(&segment_files(image.path())[1]).unwrap();
    let running = start(image.path());
    assert_eq!(running.recovery.missing, 2);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["1", big.as_str(), "3"]);
    assert_eq!(running.journal.lanes()[0].pending, 3);
}

#[tokio::test]
async fn a_later_format_is_refused_by_name() {
    let image = three_commits().await;
    let segment = segment_files(image.path()).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8] = 3;
    let crc = crc32c::crc32c(&bytes[..72]);
    bytes[72..76].copy_from_slice(&crc.to_le_bytes());
    fs::write(segment, bytes).unwrap();
    let error = open(&config_in(image.path())).unwrap_err();
    assert!(matches!(error, OpenError::Version { version: 3, .. }), "{error}");
}

#[tokio::test]
async fn the_first_format_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    start(directory.path()).stop().unwrap();
    let mut bytes = b"FanfareJ".to_vec();
    bytes.extend([1, 0, 0, 0, 1]);
    bytes.resize(44, 0);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes.resize(4096, 0);
    fs::write(directory.path().join("segments/00000000000000000001.log"), bytes).unwrap();
    let error = open(&config_in(directory.path())).unwrap_err();
    assert!(matches!(error, OpenError::Version { version: 1, .. }), "{error}");
}

#[tokio::test]
async fn only_what_follows_the_checkpoint_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for _ in 0..100 {
        append(&running.journal, &["a"], &[&"x".repeat(9000)]).await;
    }
    running.stop().unwrap();
    let running = start(directory.path());
    assert_eq!(running.recovery.checkpoint, CheckpointFound::Valid);
    assert_eq!(running.recovery.bytes_scanned, 0);
    assert_eq!(running.journal.lanes()[0].pending, 100);
    assert_eq!(pending_bodies(&running.journal, "a").await.len(), 100);
}

#[tokio::test]
async fn numbers_go_on_after_an_empty_segment() {
    let image = three_commits().await;
    forget_checkpoint(image.path());
    for segment in segment_files(image.path()) {
        fs::remove_file(segment).unwrap();
    }
    let header = crate::journal::segment::Header::new(uuid::Uuid::new_v4(), 9, 500, 0);
    let path = image.path().join("segments/00000000000000000009.log");
    fs::write(path, header.encode()).unwrap();
    let running = start(image.path());
    append(&running.journal, &["a"], &["1"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    assert_eq!(fetch_all(&mut reader).await[0].position.seq(), 500);
}

#[tokio::test]
async fn an_acknowledgement_of_a_lost_record_does_not_count_for_another() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for body in ["1", "2", "3", "4"] {
        append(&running.journal, &["a"], &[body]).await;
    }
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    acknowledge_durably(&running.journal, &mut reader, &fetched[1..2]).await;
    let image = image_of(directory.path());
    damage(image.path(), 2..3);
    forget_checkpoint(image.path());
    let running = start(image.path());
    assert_eq!(running.journal.lanes()[0].pending, 3);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["1", "3", "4"]);
}
