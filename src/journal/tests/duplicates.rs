//! Copies of what was accepted lately are left out, across restarts, and nothing else is.

use std::time::Duration;

use super::{
    full_disk::{SmallDisk, small},
    *,
};

fn windowed(directory: &Path) -> Config {
    let window = Some(Duration::from_hours(1));
    Config { dedupe_window: window, ..config_in(directory) }
}

fn start_windowed(directory: &Path) -> Running {
    start_with(&windowed(directory), Arc::new(RealDisk))
}

fn with_id(id: u128, body: &str) -> NewRecord {
    NewRecord { id: Some(id), ..record(&["a"], body) }
}

/// Appends records named after their ids, and answers how many ids were copies.
async fn duplicates(journal: &Journal, ids: impl IntoIterator<Item = u128>) -> u64 {
    let records = ids.into_iter().map(|id| with_id(id, &id.to_string())).collect();
    journal.append(records).await.unwrap().duplicates
}

#[tokio::test]
async fn a_copy_is_left_out_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_windowed(directory.path());
    assert_eq!(duplicates(&running.journal, [1, 2]).await, 0);
    assert_eq!(duplicates(&running.journal, [2, 3, 1]).await, 2);
    assert_eq!(duplicates(&running.journal, [1, 2, 3]).await, 3);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn records_of_one_append_that_share_an_id_are_one_thing() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_windowed(directory.path());
    let event = || vec![with_id(7, "one rule"), with_id(7, "another rule")];
    assert_eq!(running.journal.append(event()).await.unwrap().duplicates, 0);
    assert_eq!(running.journal.append(event()).await.unwrap().duplicates, 1);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["one rule", "another rule"]);
}

#[tokio::test]
async fn without_a_window_or_an_id_nothing_is_a_copy() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    assert_eq!(duplicates(&running.journal, [1, 1]).await, 0);
    assert_eq!(duplicates(&running.journal, [1]).await, 0);
    running.stop().unwrap();
    let running = start_windowed(directory.path());
    append(&running.journal, &["a"], &["no id", "no id"]).await;
    append(&running.journal, &["a"], &["no id"]).await;
    assert_eq!(pending_bodies(&running.journal, "a").await.len(), 6);
}

#[tokio::test]
async fn copies_that_come_at_once_are_answered_when_the_first_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_windowed(directory.path());
    for round in 1..=50 {
        let journal = &running.journal;
        let (a, b, c) = tokio::join!(
            duplicates(journal, [round]),
            duplicates(journal, [round]),
            duplicates(journal, [round])
        );
        assert_eq!(a + b + c, 2);
        // Each answer came after the record was durable.
        let image = image_of(directory.path());
        let after = start_windowed(image.path());
        assert_eq!(account_of(&after.journal), u64::try_from(round).unwrap());
    }
}

fn account_of(journal: &Journal) -> u64 {
    journal.lanes().iter().map(|lane| lane.accepted).sum()
}

#[tokio::test]
async fn copies_are_known_after_a_crash_a_restart_and_a_lost_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        // Some of the ids are in a checkpoint, some only in the log.
        checkpoint_interval: Duration::from_millis(10),
        ..windowed(directory.path())
    };
    let running = start_with(&config, Arc::new(RealDisk));
    for id in 1..=300 {
        assert_eq!(duplicates(&running.journal, [id]).await, 0);
    }
    let image = image_of(directory.path());
    let after = start_windowed(image.path());
    assert_eq!(duplicates(&after.journal, 1..302).await, 300);

    running.stop().unwrap();
    let again = start_windowed(directory.path());
    assert_eq!(duplicates(&again.journal, 1..302).await, 300);
    again.stop().unwrap();

    fs::remove_file(directory.path().join("meta.redb")).unwrap();
    let again = start_windowed(directory.path());
    assert_eq!(duplicates(&again.journal, 1..302).await, 301);
}

#[tokio::test]
async fn copies_are_known_when_their_segments_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let config =
        Config { checkpoint_interval: Duration::from_millis(10), ..windowed(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    assert_eq!(duplicates(&running.journal, 1..=500).await, 0);
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let first = segment_files(directory.path())[0].clone();
    while first.exists() {
        append(&running.journal, &["a"], &[&"x".repeat(9_000)]).await;
        let fetched = fetch_all(&mut reader).await;
        acknowledge_durably(&running.journal, &mut reader, &fetched).await;
    }
    drop(reader);
    running.stop().unwrap();
    let running = start_with(&config, Arc::new(RealDisk));
    assert_eq!(duplicates(&running.journal, 1..502).await, 500);
}

#[tokio::test]
async fn an_id_that_the_window_has_passed_is_new_again() {
    let directory = tempfile::tempdir().unwrap();
    let window = Some(Duration::from_nanos(1));
    let config = Config { dedupe_window: window, ..config_in(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    assert_eq!(duplicates(&running.journal, [1]).await, 0);
    assert_eq!(duplicates(&running.journal, [1]).await, 0);
}

#[tokio::test]
async fn a_refused_append_leaves_no_ids_behind() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::of(700 << 10);
    let config = Config {
        dedupe_window: windowed(directory.path()).dedupe_window,
        ..small(directory.path())
    };
    let running = start_with(&config, Arc::<SmallDisk>::clone(&disk));
    assert_eq!(duplicates(&running.journal, [1]).await, 0);
    let mut id = 2;
    while running.journal.append(vec![with_id(id, &"z".repeat(9_000))]).await.is_ok() {
        id += 1;
    }
    disk.fill_up();
    let known = running.journal.append(vec![with_id(1, "a copy takes no space")]).await;
    assert_eq!(known.unwrap().duplicates, 1);
    disk.give(1 << 20);
    until(|| running.journal.status().refusing.is_none()).await;
    assert_eq!(duplicates(&running.journal, [id]).await, 0);
    assert_eq!(duplicates(&running.journal, [id, id - 1]).await, 2);
}

#[tokio::test]
async fn what_was_remembered_is_forgotten_when_nobody_asks_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_windowed(directory.path());
    assert_eq!(duplicates(&running.journal, 1..=10).await, 0);
    running.stop().unwrap();
    start(directory.path()).stop().unwrap();
    let running = start_windowed(directory.path());
    assert_eq!(duplicates(&running.journal, 1..=10).await, 0);
}
