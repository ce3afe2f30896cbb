//! What is set aside is durable, in order, and bounded.

use super::*;
use crate::journal::Aside;

fn aside(reason: &str, body: Bytes) -> Aside {
    Aside { reason: reason.to_owned(), body }
}

/// The rows, bytes and limit that the status names.
fn held(journal: &Journal) -> (u64, u64, u64) {
    let status = journal.status();
    (status.quarantine_rows, status.quarantine_bytes, status.quarantine_limit)
}

#[tokio::test]
async fn what_is_quarantined_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let body = Bytes::from_static(b"{}");
    assert_eq!(running.journal.quarantine(vec![aside("no event", body.clone())]).await.unwrap(), 0);
    let image = image_of(directory.path());
    let again = start(image.path());
    assert_eq!(held(&again.journal), held(&running.journal));
    let rows = again.journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].reason.as_str(), &rows[0].body), ("no event", &body));
}

#[tokio::test]
async fn the_oldest_rows_give_way() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { quarantine_limit: ByteSize::b(400), ..config_in(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    let mut evicted = 0;
    for n in 0..5_u8 {
        let body = Bytes::from(vec![n; 100]);
        evicted += running.journal.quarantine(vec![aside(&n.to_string(), body)]).await.unwrap();
    }
    let rows = running.journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap();
    let reasons: Vec<_> = rows.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!((evicted, reasons), (3, vec!["3", "4"]));
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    assert_eq!(keys, [4, 5]);
    let (rows, bytes, limit) = held(&running.journal);
    assert_eq!((rows, limit), (2, 400));
    assert!(bytes > 200 && bytes <= limit, "{bytes}");
}

#[tokio::test]
async fn a_whole_request_of_them_is_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let asides = (0..1_000).map(|n| aside("no event", Bytes::from(format!("{n}"))));
    assert_eq!(running.journal.quarantine(asides.collect()).await.unwrap(), 0);
    assert_eq!(
        running.journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap().len(),
        1_000
    );
    assert_eq!(held(&running.journal).0, 1_000);
}

#[tokio::test]
async fn rows_are_read_by_pages_that_are_bounded_in_rows_and_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let asides = (0..5_u8).map(|n| aside(&n.to_string(), Bytes::from(vec![n; 100])));
    running.journal.quarantine(asides.collect()).await.unwrap();
    for (after, rows_max, bytes_max, expected) in [
        (None, 10, 1000, &[1, 2, 3, 4, 5][..]),
        (None, 2, 1000, &[1, 2]),
        (Some(3), 10, 1000, &[4, 5]),
        (Some(1), 10, 250, &[2, 3]),
        (Some(1), 10, 1, &[2]),
        (Some(5), 10, 1000, &[]),
        (None, 0, 1000, &[]),
    ] {
        let rows = running.journal.quarantined(after, rows_max, bytes_max).await.unwrap();
        let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
        assert_eq!(keys, expected, "{after:?} {rows_max} {bytes_max}");
    }
}

#[tokio::test]
async fn rows_go_and_shrink_in_one_commit_and_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let asides = (0..3).map(|n| aside(&n.to_string(), Bytes::from("long ".repeat(n + 1))));
    running.journal.quarantine(asides.collect()).await.unwrap();
    let before = all(&running.journal).await;
    let rest = aside("what is left", Bytes::from_static(b"rest"));
    let left = vec![(2, rest.clone()), (9, rest)];
    assert_eq!(running.journal.settle_quarantine(vec![1, 1, 8], left).await.unwrap(), 1);

    let image = image_of(directory.path());
    let again = start(image.path());
    for journal in [&running.journal, &again.journal] {
        let rows = all(journal).await;
        assert_eq!((rows[0].key, rows[0].time), (2, before[1].time));
        assert_eq!((&*rows[0].reason, &*rows[0].body), ("what is left", &b"rest"[..]));
        assert_eq!(rows[1..], before[2..]);
        assert_eq!(held(journal).0, 2);
        let bytes =
            ["what is left", "rest", "2", &"long ".repeat(3)].map(str::len).iter().sum::<usize>();
        assert_eq!(held(journal).1, bytes as u64 + 2 * 64);
    }
    assert_eq!(running.journal.settle_quarantine(vec![2, 3], vec![]).await.unwrap(), 2);
    assert_eq!((held(&running.journal).0, held(&running.journal).1), (0, 0));
    running.journal.quarantine(vec![aside("new", Bytes::new())]).await.unwrap();
    assert_eq!(all(&running.journal).await[0].key, 4, "no key is given twice");
}

async fn all(journal: &Journal) -> Vec<crate::journal::Quarantined> {
    journal.quarantined(None, usize::MAX, usize::MAX).await.unwrap()
}
