//! What was accepted can be read again as long as it is retained.

use std::{
    sync::atomic::{AtomicI64, Ordering::SeqCst},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::*;
use crate::journal::{History, Past};

pub(super) const HOUR: i64 = 3_600_000_000;

/// A disk with a clock of its own.
#[derive(Debug)]
pub(super) struct Clock {
    /// Since 1970.
    wall: AtomicI64,
    /// Since the beginning.
    up: AtomicI64,
    began: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { wall: AtomicI64::new(0), up: AtomicI64::new(0), began: Instant::now() }
    }
}

impl Clock {
    pub(super) fn pass(&self, microseconds: i64) {
        self.up.fetch_add(microseconds, SeqCst);
        self.jump(microseconds);
    }

    /// No time passes, but the clock is set.
    pub(super) fn jump(&self, microseconds: i64) {
        self.wall.fetch_add(microseconds, SeqCst);
    }
}

impl Disk for Clock {
    fn create(&self, path: &Path) -> std::io::Result<fs::File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &fs::File, bytes: &[u8], offset: u64) -> std::io::Result<usize> {
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, _: &fs::File) -> std::io::Result<()> {
        Ok(())
    }

    fn truncate(&self, file: &fs::File, length: u64) -> std::io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        RealDisk.remove(path)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.wall.load(SeqCst)).unwrap()
    }

    fn uptime(&self) -> Instant {
        self.began + Duration::from_micros(self.up.load(SeqCst).try_into().unwrap())
    }
}

pub(super) fn retaining(directory: &Path) -> Config {
    Config {
        size_limit: ByteSize::mib(8),
        checkpoint_interval: Duration::ZERO,
        retention: Duration::from_hours(10),
        ..config_in(directory)
    }
}

fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap()
}

async fn all(mut history: History) -> Vec<Past> {
    let mut all = Vec::new();
    loop {
        let past = history.next(3, 20_000).await.unwrap();
        if past.is_empty() {
            return all;
        }
        all.extend(past);
    }
}

fn told(past: &[Past]) -> Vec<usize> {
    // Without what only carried acknowledgements.
    let records = past.iter().filter(|it| !it.lanes.is_empty());
    records.map(|it| number(std::str::from_utf8(&it.body).unwrap())).collect()
}

fn number(body: &str) -> usize {
    body.split(':').next().unwrap().parse().unwrap()
}

/// One record an hour, of which `busy` finishes each.
async fn an_hour_each(journal: &Journal, clock: &Clock, hours: std::ops::Range<usize>) {
    let mut reader = journal.reader(&lane("busy")).await.unwrap();
    for hour in hours {
        clock.pass(HOUR);
        append(journal, &["busy"], &[&format!("{hour}:{}", "h".repeat(9000))]).await;
        let fetched = fetch_all(&mut reader).await;
        acknowledge_durably(journal, &mut reader, &fetched).await;
    }
}

pub(super) async fn checkpoints(journal: &Journal) {
    for _ in 0..2 {
        let before = journal.status().checkpoints;
        append(journal, &[], &["0:makes a checkpoint due"]).await;
        until(|| journal.status().checkpoints > before).await;
    }
}

#[tokio::test]
async fn what_is_finished_can_be_read_again_until_its_time_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(Clock::default());
    let config = retaining(directory.path());
    let running = start_with(&config, Arc::<Clock>::clone(&clock));
    an_hour_each(&running.journal, &clock, 1..31).await;
    checkpoints(&running.journal).await;
    let history = |since, until, after| {
        let journal = running.journal.clone();
        async move {
            let past = all(journal.history(at(since * HOUR), at(until * HOUR), after)).await;
            past.into_iter().filter(|it| !it.lanes.is_empty()).collect::<Vec<_>>()
        }
    };
    assert_eq!(told(&history(24, 28, None).await), [24, 25, 26, 27]);
    let past = history(24, 99, None).await;
    assert_eq!(told(&past), [24, 25, 26, 27, 28, 29, 30]);
    assert_eq!(past[0].time, at(24 * HOUR));
    assert_eq!(&*past[0].lanes[0], "busy");
    assert_eq!(told(&history(24, 99, Some(past[4].seq)).await), [29, 30]);
    let oldest = told(&history(0, 99, None).await)[0];
    assert!((10..=21).contains(&oldest), "segment for segment, the oldest goes: {oldest}");
    assert!(history(31, 99, None).await.is_empty());

    clock.pass(50 * HOUR);
    checkpoints(&running.journal).await;
    until(|| running.journal.status().segments == 1).await;
}

/// Of two checkpoints the second may be the first that knows what has expired.
async fn segments_after_checkpoints(journal: &Journal) -> usize {
    for _ in 0..3 {
        checkpoints(journal).await;
    }
    journal.status().segments
}

#[tokio::test]
async fn time_goes_on_after_a_clock_that_was_far_ahead_for_a_moment() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(Clock::default());
    let window = Some(Duration::from_hours(1));
    let config = Config { dedupe_window: window, ..retaining(directory.path()) };
    let running = start_with(&config, Arc::<Clock>::clone(&clock));
    let send = async || {
        let sent = running.journal.append(vec![NewRecord { id: Some(7), ..record(&[], "7:") }]);
        sent.await.unwrap().duplicates
    };
    an_hour_each(&running.journal, &clock, 1..9).await;
    clock.jump(1000 * HOUR);
    assert_eq!(send().await, 0);
    clock.jump(-1000 * HOUR);
    clock.pass(HOUR);
    assert_eq!(send().await, 1, "at half its pace");
    clock.pass(2 * HOUR);
    assert_eq!(send().await, 0);
    an_hour_each(&running.journal, &clock, 10..20).await;
    assert!(segments_after_checkpoints(&running.journal).await > 1);
    clock.pass(50 * HOUR);
    assert_eq!(segments_after_checkpoints(&running.journal).await, 1);
}

#[tokio::test]
async fn what_is_retained_for_ever_is_neither_freed_nor_does_it_end_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(Clock::default());
    let retention = Duration::from_secs(u64::MAX);
    let config = Config { retention, ..retaining(directory.path()) };
    let running = start_with(&config, Arc::<Clock>::clone(&clock));
    an_hour_each(&running.journal, &clock, 1..31).await;
    assert!(segments_after_checkpoints(&running.journal).await > 3);
    running.stop().unwrap();
}

#[tokio::test]
async fn a_journal_that_was_never_written_to_has_a_history_of_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_with(&retaining(directory.path()), Arc::new(RealDisk));
    let far = Timestamp::now() + Duration::from_hours(9);
    assert_eq!(all(running.journal.history(at(0), far, None)).await, []);
    running.stop().unwrap();
}

#[tokio::test]
async fn a_history_ends_where_the_log_ended_when_it_began() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_with(&retaining(directory.path()), Arc::new(RealDisk));
    append(&running.journal, &["a"], &["1:", "2:"]).await;
    let far = Timestamp::now() + Duration::from_hours(9);
    let mut history = running.journal.history(at(0), far, None);
    assert_eq!(told(&history.next(1, 1).await.unwrap()), [1]);
    append(&running.journal, &["a"], &["3:"]).await;
    assert_eq!(told(&history.next(9, 9999).await.unwrap()), [2]);
    assert!(history.next(9, 9999).await.unwrap().is_empty());
    assert_eq!(told(&all(running.journal.history(at(0), far, Some(1))).await), [3]);
}

#[tokio::test]
async fn a_history_survives_what_is_merged_and_unlinked_under_it() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(Clock::default());
    let running = start_with(&retaining(directory.path()), Arc::<Clock>::clone(&clock));
    append(&running.journal, &["dead"], &["0:"]).await;
    an_hour_each(&running.journal, &clock, 1..9).await;
    append(&running.journal, &["dead"], &["9:"]).await;
    an_hour_each(&running.journal, &clock, 10..30).await;
    let mut history = running.journal.history(at(0), at(99 * HOUR), None);
    let first = history.next(1, 1).await.unwrap();
    clock.pass(50 * HOUR);
    checkpoints(&running.journal).await;
    until(|| running.journal.status().compactions > 0).await;
    let rest = told(&all(history).await);
    assert_eq!(told(&first), [0]);
    assert!(rest.contains(&9) && rest.is_sorted(), "{rest:?}");
}

#[tokio::test]
async fn what_is_retained_gives_way_before_an_append_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { size_limit: ByteSize::kib(512), ..retaining(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    for n in 0..200 {
        let body = format!("{n}:{}", "r".repeat(5000));
        while running.journal.append(vec![record(&["a"], &body)]).await.is_err() {
            tokio::task::yield_now().await;
        }
        let fetched = fetch_all(&mut reader).await;
        let positions: Vec<_> = fetched.iter().map(|it| it.position).collect();
        reader.acknowledge(&positions).await;
    }
    let past = told(&all(running.journal.history(at(0), Timestamp::MAX, None)).await);
    // A record and its acknowledgement take three pages, and half the limit may stay; segments go whole.
    assert!(past.len() > 5, "{} are left", past.len());
    assert_eq!(past.last(), Some(&199));
}

#[tokio::test]
async fn a_lane_over_its_quota_takes_no_more_and_no_other_suffers() {
    let directory = tempfile::tempdir().unwrap();
    let quotas = Quotas::new(|lane| (lane == "a").then_some(1000));
    let opened = open::open_on(&config_in(directory.path()), Arc::new(RealDisk), quotas);
    let (journal, writer, _) = opened.unwrap();
    let writer = thread::spawn(|| writer.run());
    let big = "q".repeat(1200);
    append(&journal, &["a", "b"], &[&big]).await;
    let refused = journal.append(vec![record(&["b"], "1"), record(&["a"], "1")]).await;
    let Err(AppendError::OverQuota { lane: name, bytes: 1200, limit: 1000 }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(&*name, "a");
    append(&journal, &["b"], &["2"]).await;
    assert_eq!(journal.largest_lane().unwrap().pending_bytes, 1201);
    let mut reader = journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    acknowledge_durably(&journal, &mut reader, &fetched).await;
    append(&journal, &["a"], &["3"]).await;
    drop((reader, journal));
    writer.join().unwrap().unwrap();
}
