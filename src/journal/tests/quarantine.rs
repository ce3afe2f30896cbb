//! What is set aside is durable, in order, and bounded.

use super::*;

#[tokio::test]
async fn what_is_quarantined_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    let body = Bytes::from_static(b"{}");
    assert_eq!(running.journal.quarantine("no event", body.clone()).await.unwrap(), 0);
    let image = image_of(directory.path());
    let rows = start(image.path()).journal.quarantined().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].reason.as_str(), &rows[0].body), ("no event", &body));
}

#[tokio::test]
async fn the_oldest_rows_give_way() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { quarantine_limit: ByteSize::b(250), ..config_in(directory.path()) };
    let running = start_with(&config, Arc::new(RealDisk));
    let mut evicted = 0;
    for n in 0..5_u8 {
        let body = Bytes::from(vec![n; 100]);
        evicted += running.journal.quarantine(&n.to_string(), body).await.unwrap();
    }
    let rows = running.journal.quarantined().await.unwrap();
    let reasons: Vec<_> = rows.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!((evicted, reasons), (3, vec!["3", "4"]));
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    assert_eq!(keys, [4, 5]);
}
