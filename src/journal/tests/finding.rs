//! A record is found by its number wherever it lies, whatever else is corrupt.

use super::*;
use crate::journal::find;

/// A journal of several segments, in each of which some records of lane `a` are pending.
async fn long(directory: &Path) -> Running {
    let running = start(directory);
    for n in 0..30 {
        append(&running.journal, &["a"], &[&format!("{n}:{}", "x".repeat(9000))]).await;
    }
    assert!(segment_files(directory).len() > 4);
    running
}

/// What begins the record of this number, if it is found.
fn found(running: &Running, seq: u64) -> Option<String> {
    let shared = &running.journal.shared;
    let found = find::record(&shared.layout, shared.journal, seq).unwrap()?;
    Some(String::from_utf8(found.body).unwrap().split(':').next().unwrap().to_owned())
}

fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_record_is_found_behind_segments_whose_headers_are_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let running = long(directory.path()).await;
    for path in segment_files(directory.path()).iter().skip(1) {
        overwrite(path, 8, &[0xFF; 64]);
    }
    for seq in [0, 3, 17, 29] {
        assert_eq!(found(&running, seq), Some(seq.to_string()));
    }
    assert_eq!(found(&running, 30), None);
}

#[tokio::test]
async fn a_record_is_found_behind_a_frame_that_claims_too_much() {
    let directory = tempfile::tempdir().unwrap();
    let running = long(directory.path()).await;
    let first = &segment_files(directory.path())[0];
    // The length of the first frame, as if it reached to the end.
    overwrite(first, 4096 + 8, &(1_u32 << 30).to_le_bytes());
    assert_eq!(found(&running, 0), None);
    assert_eq!(found(&running, 2), Some("2".to_owned()));
}
