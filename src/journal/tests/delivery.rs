//! What is appended reaches its lanes, once, in order, and stays until it is acknowledged.

use super::*;

#[tokio::test]
async fn what_is_appended_is_fetched_until_it_is_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["one", "two", "three"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert_eq!(bodies(&fetched), ["one", "two", "three"]);
    assert_eq!(reader.pending(), 3);
    acknowledge_durably(&running.journal, &mut reader, &fetched[1..2]).await;
    assert_eq!(reader.pending(), 2);
    drop(reader);
    running.stop().unwrap();

    let running = start(directory.path());
    assert_eq!(running.journal.lanes()[0].pending, 2);
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert_eq!(bodies(&fetched), ["one", "three"]);
    acknowledge_durably(&running.journal, &mut reader, &fetched).await;
    drop(reader);
    running.stop().unwrap();

    let running = start(directory.path());
    assert_eq!(running.journal.lanes()[0].pending, 0);
    assert!(pending_bodies(&running.journal, "a").await.is_empty());
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a", "b"], &["one", "two"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    acknowledge_durably(&running.journal, &mut reader, &fetched[..1]).await;
    let image = image_of(directory.path());

    let after = start(image.path());
    assert_eq!(after.recovery.torn_bytes, 0);
    assert_eq!(pending_bodies(&after.journal, "a").await, ["two"]);
    assert_eq!(pending_bodies(&after.journal, "b").await, ["one", "two"]);
}

#[tokio::test]
async fn a_stop_writes_the_acknowledgements_that_wait() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["one"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    reader.acknowledge(&[fetched[0].position]).await;
    drop(reader);
    running.stop().unwrap();
    let running = start(directory.path());
    assert_eq!(running.journal.lanes()[0].pending, 0);
    assert_eq!(running.recovery.records, 0, "the last checkpoint covers everything");
}

#[tokio::test]
async fn a_lane_gets_exactly_its_own_records() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let records = vec![
        record(&["a"], "1"),
        record(&["b", "a"], "2"),
        record(&["b"], "3"),
        record(&["c", "b", "a", "b"], "4"),
    ];
    running.journal.append(records).await.unwrap();
    let of = |name: &str| {
        let (journal, name) = (running.journal.clone(), lane(name));
        async move {
            let mut reader = journal.reader(&name).await.unwrap();
            let fetched = fetch_all(&mut reader).await;
            let ordinals: Vec<_> = fetched.iter().map(|record| record.ordinal).collect();
            (bodies(&fetched).concat(), ordinals, reader.pending())
        }
    };
    assert_eq!(of("a").await, ("124".into(), vec![0, 1, 2], 3));
    assert_eq!(of("b").await, ("234".into(), vec![0, 0, 1], 3));
    assert_eq!(of("c").await, ("4".into(), vec![0], 1));
}

#[tokio::test]
async fn a_lane_that_reads_nothing_holds_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let _dead = running.journal.reader(&lane("dead")).await.unwrap();
    let mut live = running.journal.reader(&lane("live")).await.unwrap();
    for round in 0..50 {
        append(&running.journal, &["dead", "live"], &[&round.to_string()]).await;
        live.ready().await;
        let fetched = fetch_all(&mut live).await;
        assert_eq!(bodies(&fetched), [round.to_string()]);
        acknowledge_durably(&running.journal, &mut live, &fetched).await;
    }
    let lanes = running.journal.lanes();
    let pending: Vec<_> = lanes.iter().map(|lane| (&*lane.name, lane.pending)).collect();
    assert_eq!(pending, [("dead", 50), ("live", 0)]);
    assert!(lanes.iter().all(|lane| lane.accepted == 50));
}

#[tokio::test]
async fn a_fetch_keeps_to_its_limits_and_still_makes_progress() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let big = "x".repeat(300_000);
    append(&running.journal, &["a"], &["1", "2", "3", &big, "4"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    assert_eq!(bodies(&reader.fetch(2, 1000).await.unwrap()), ["1", "2"]);
    assert_eq!(bodies(&reader.fetch(9, 1000).await.unwrap()), ["3"]);
    assert_eq!(reader.fetch(9, 1000).await.unwrap()[0].body.len(), big.len());
    assert!(reader.fetch(0, 1000).await.unwrap().is_empty());
    assert_eq!(bodies(&reader.fetch(9, 1000).await.unwrap()), ["4"]);
    assert!(reader.fetch(9, 1000).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_acknowledgement_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["1", "2"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    let first = [fetched[0].clone(), fetched[0].clone()];
    acknowledge_durably(&running.journal, &mut reader, &first).await;
    acknowledge_durably(&running.journal, &mut reader, &first).await;
    assert_eq!(reader.pending(), 1);
    drop(reader);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["2"]);
}

#[tokio::test]
async fn a_record_in_flight_can_be_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["1", "later"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    let fetched = fetch_all(&mut reader).await;
    assert!(fetched[0].position < fetched[1].position);
    let (position, body) = reader.reread(fetched[1].position).await.unwrap();
    assert_eq!((position, &*body), (fetched[1].position, &b"later"[..]));
}

#[tokio::test]
async fn a_lane_has_one_reader_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    append(&running.journal, &["a"], &["1", "2"]).await;
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    assert!(running.journal.reader(&lane("a")).await.is_err());
    let fetched = fetch_all(&mut reader).await;
    // Not durable yet, and already known to the next reader.
    reader.acknowledge(&[fetched[0].position]).await;
    drop(reader);
    assert_eq!(pending_bodies(&running.journal, "a").await, ["2"]);
}

#[tokio::test]
async fn an_idle_lane_does_not_read_what_others_were_sent() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let mut idle = running.journal.reader(&lane("idle")).await.unwrap();
    append(&running.journal, &["busy"], &["x"]).await;
    let segment = segment_files(directory.path()).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[4096..8192].fill(0xFF);
    fs::write(&segment, bytes).unwrap();

    append(&running.journal, &["idle"], &["mine"]).await;
    idle.ready().await;
    assert_eq!(bodies(&fetch_all(&mut idle).await), ["mine"]);
    let noticed = fs::read_dir(directory.path().join("corrupt")).unwrap().count();
    assert_eq!(noticed, 0, "it would have noticed the corrupt bytes");
}

#[tokio::test]
async fn many_senders_share_commits() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let sends = (0..200).map(|n: i32| {
        let journal = running.journal.clone();
        async move { append(&journal, &["a"], &[&n.to_string()]).await }
    });
    futures_util::future::join_all(sends).await;
    let status = running.journal.status();
    assert_eq!(status.records, 200);
    assert!(status.commits < 200, "{} commits", status.commits);
    assert_eq!(pending_bodies(&running.journal, "a").await.len(), 200);
}

#[tokio::test]
async fn a_far_behind_lane_reads_across_segments() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let body = "y".repeat(9000);
    for _ in 0..60 {
        append(&running.journal, &["a"], &[&body]).await;
        append(&running.journal, &["b"], &["other"]).await;
    }
    assert!(running.journal.status().segments > 5);
    let mut reader = running.journal.reader(&lane("a")).await.unwrap();
    assert_eq!(fetch_all(&mut reader).await.len(), 60);
}
