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
