//! Space is freed as lanes go on, and what is over the limit is refused, not lost.

use std::time::Duration;

use super::*;

fn small(directory: &Path) -> Config {
    Config {
        size_limit: ByteSize::kib(256),
        segment_size: ByteSize::kib(16),
        checkpoint_interval: Duration::ZERO,
        ..config_in(directory)
    }
}

async fn fill(journal: &Journal, name: &str) -> usize {
    let body = "z".repeat(5000);
    let mut accepted = 0;
    loop {
        match journal.append(vec![record(&[name], &body)]).await {
            Ok(_) => accepted += 1,
            Err(AppendError::Full { limit, .. }) => {
                assert_eq!(limit, 256 * 1024);
                return accepted;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_full_journal_refuses_records_and_takes_acknowledgements() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_with(&small(directory.path()), Arc::new(RealDisk));
    let accepted = fill(&running.journal, "a").await;
    assert!(accepted > 20, "{accepted}");
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert_eq!(fetched.len(), accepted);
    let positions: Vec<_> = fetched.iter().map(|record| record.position).collect();
    reader.acknowledge(&positions).await;
    until(|| running.journal.status().segments == 1).await;
    assert!(fill(&running.journal, "a").await > 20, "the space can be used again");
}

#[tokio::test]
async fn a_segment_stays_while_one_lane_needs_it() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { size_limit: ByteSize::mib(10), ..small(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    append(&running.journal, &["slow", "fast"], &["first"]).await;
    let mut fast = running.journal.reader(&lane("fast")).await.unwrap();
    for _ in 0..20 {
        append(&running.journal, &["fast"], &[&"z".repeat(5000)]).await;
        let fetched = fetch_all(&mut fast).await;
        acknowledge_durably(&running.journal, &mut fast, &fetched).await;
    }
    drop(fast);
    running.stop().unwrap();
    assert!(segment_files(directory.path()).len() > 5);

    let running = start_with(&config, Arc::new(RealDisk));
    let mut slow = running.journal.reader(&lane("slow")).await.unwrap();
    let fetched = fetch_all(&mut slow).await;
    assert_eq!(bodies(&fetched), ["first"]);
    acknowledge_durably(&running.journal, &mut slow, &fetched).await;
    drop(slow);
    running.stop().unwrap();
    assert_eq!(segment_files(directory.path()).len(), 1);

    let running = start_with(&config, Arc::new(RealDisk));
    assert!(running.recovery.corrupt.is_empty());
    append(&running.journal, &["slow"], &["second"]).await;
    assert_eq!(pending_bodies(&running.journal, "slow").await, ["second"]);
}

#[tokio::test]
async fn an_idle_reader_survives_the_end_of_its_segment() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_with(&small(directory.path()), Arc::new(RealDisk));
    let mut idle = running.journal.reader(&lane("idle")).await.unwrap();
    let mut busy = running.journal.reader(&lane("busy")).await.unwrap();
    append(&running.journal, &["idle"], &["1"]).await;
    let fetched = fetch_all(&mut idle).await;
    acknowledge_durably(&running.journal, &mut idle, &fetched).await;
    let first = segment_files(directory.path()).remove(0);
    while first.exists() {
        append(&running.journal, &["busy"], &[&"z".repeat(5000)]).await;
        let fetched = fetch_all(&mut busy).await;
        acknowledge_durably(&running.journal, &mut busy, &fetched).await;
    }
    append(&running.journal, &["idle"], &["2"]).await;
    idle.ready().await;
    assert_eq!(bodies(&fetch_all(&mut idle).await), ["2"]);
}

#[tokio::test]
async fn a_lane_holds_nothing_from_before_its_first_pending_record() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { size_limit: ByteSize::mib(10), ..small(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    for name in ["rare", "busy"] {
        append(&running.journal, &[name], &["1"]).await;
        let mut reader = running.journal.reader(&lane(name)).await.unwrap();
        let fetched = fetch_all(&mut reader).await;
        acknowledge_durably(&running.journal, &mut reader, &fetched).await;
    }
    for _ in 0..20 {
        append(&running.journal, &["busy"], &[&"z".repeat(5000)]).await;
    }
    append(&running.journal, &["rare"], &["2"]).await;
    let mut busy = running.journal.reader(&lane("busy")).await.unwrap();
    let fetched = fetch_all(&mut busy).await;
    acknowledge_durably(&running.journal, &mut busy, &fetched).await;
    drop(busy);
    running.stop().unwrap();
    // Its record's, and the one that is written.
    assert!(segment_files(directory.path()).len() <= 2);
    let running = start_with(&config, Arc::new(RealDisk));
    assert_eq!(pending_bodies(&running.journal, "rare").await, ["2"]);
}
