//! The metrics of the journal.

use metrics::{Histogram, Unit, describe_gauge, describe_histogram, gauge, histogram};

use super::{Journal, Status};

const BYTES: &str = "fanfare_journal_bytes";
const LIMIT: &str = "fanfare_journal_limit_bytes";
const SEGMENTS: &str = "fanfare_journal_segments";
const REFUSING: &str = "fanfare_journal_refusing";
const COMMIT_DURATION: &str = "fanfare_journal_commit_duration_seconds";
const DEAD_LETTERS_BYTES: &str = "fanfare_dead_letters_bytes";
const DEAD_LETTERS_LIMIT: &str = "fanfare_dead_letters_limit_bytes";
const QUARANTINE_ROWS: &str = "fanfare_quarantine_rows";
const QUARANTINE_BYTES: &str = "fanfare_quarantine_bytes";
const QUARANTINE_LIMIT: &str = "fanfare_quarantine_limit_bytes";

/// Describes the metrics to the recorder.
pub fn describe() {
    describe_gauge!(BYTES, Unit::Bytes, "Bytes that the journal's segments hold.");
    describe_gauge!(LIMIT, Unit::Bytes, "Bytes that they may hold: journal.size_limit.");
    describe_gauge!(SEGMENTS, "Segment files of the journal.");
    describe_gauge!(REFUSING, "1 while new events get 503: the journal is full, or the disk is.");
    describe_histogram!(
        COMMIT_DURATION,
        Unit::Seconds,
        "Time that a commit to the journal takes: one write and one fsync for many events."
    );
    describe_gauge!(DEAD_LETTERS_BYTES, Unit::Bytes, "Bytes that the dead letters hold.");
    describe_gauge!(
        DEAD_LETTERS_LIMIT,
        Unit::Bytes,
        "Bytes that they may hold: journal.dead_letters_limit."
    );
    describe_gauge!(QUARANTINE_ROWS, "Bodies in the quarantine.");
    describe_gauge!(QUARANTINE_BYTES, Unit::Bytes, "Bytes that the quarantine holds.");
    describe_gauge!(
        QUARANTINE_LIMIT,
        Unit::Bytes,
        "Bytes that it may hold: journal.quarantine_limit."
    );
}

/// Brings the gauges up to date.
pub fn observe(journal: &Journal) {
    let Status {
        bytes,
        bytes_limit,
        segments,
        dead_letters_bytes,
        dead_letters_limit,
        quarantine_rows,
        quarantine_bytes,
        quarantine_limit,
        refusing,
        failed,
        ..
    } = journal.status();
    for (name, value) in [
        (BYTES, bytes),
        (LIMIT, bytes_limit),
        (SEGMENTS, segments as u64),
        (REFUSING, u64::from(failed || refusing.is_some())),
        (DEAD_LETTERS_BYTES, dead_letters_bytes),
        (DEAD_LETTERS_LIMIT, dead_letters_limit),
        (QUARANTINE_ROWS, quarantine_rows),
        (QUARANTINE_BYTES, quarantine_bytes),
        (QUARANTINE_LIMIT, quarantine_limit),
    ] {
        set(name, value);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 bytes are enough")]
fn set(name: &'static str, value: u64) {
    gauge!(name).set(value as f64);
}

/// How long commits take.
pub(super) fn commit_duration() -> Histogram {
    histogram!(COMMIT_DURATION)
}
