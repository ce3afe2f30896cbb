//! The documents, on a real file system.

mod directory;
mod put;

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{sync::watch, time::timeout};

use super::{
    Config, Scope,
    documents::{Change, Documents, SECOND_LOOK},
};
use crate::{
    model::{EventType, Region},
    route::{Found, Shared, Standing},
    rules,
};

const GOOD: &str = r#"{"QueueConfigurations":[{"Id":"q","QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","Events":["s3:ObjectCreated:*"]}]}"#;
const ALSO_GOOD: &str = r#"{"QueueConfigurations":[{"Id":"r","QueueArn":"arn:aws:sqs:us-east-1:000000000000:r","Events":["s3:ObjectCreated:*"]}]}"#;
const BROKEN: &str =
    r#"{"QueueConfigurations":[{"Id":"q","QueueArn":"q","Events":["s3:ObjectCreated:*"]}]}"#;
/// Less than it takes the store to look without being told.
const PATIENCE: Duration = Duration::from_secs(10);

fn scope() -> Scope {
    let bus = "arn:aws:events:us-east-1:000000000000:event-bus/default".parse().unwrap();
    Scope { region: Region::default(), bus, rules: rules::Config::default() }
}

fn documents(directory: &Path) -> Documents {
    Documents::new(directory.into(), scope(), Shared::default())
}

/// Scans now; what waits for a second look goes on waiting.
fn scan(documents: &mut Documents) -> Change {
    scan_at(Instant::now(), documents)
}

/// Scans as if the second look at everything that was found until now were due.
fn scan_later(documents: &mut Documents) -> Change {
    scan_at(Instant::now() + SECOND_LOOK, documents)
}

fn scan_at(now: Instant, documents: &mut Documents) -> Change {
    let change = documents.scan(now).unwrap();
    documents.copy_for(PATIENCE);
    assert!(!documents.has_uncopied());
    change
}

/// Writes a file and makes it look old.
fn write_old(path: &Path, text: &str) {
    let mut file = File::create(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

/// The lines of the log, as an operator reads them.
fn logged(run: impl FnOnce()) -> Vec<String> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Arc::new(log.reopen().unwrap()))
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    fs::read_to_string(log.path()).unwrap().lines().map(str::to_owned).collect()
}

async fn changes<T>(receiver: &mut watch::Receiver<T>) {
    timeout(PATIENCE, receiver.changed()).await.unwrap().unwrap();
}

/// The ids of the rules that want a new object in this bucket.
fn wanted(routes: &Shared, bucket: &str) -> Vec<String> {
    let (reader, mut found) = (routes.reader(), Found::default());
    let Some(Standing::Rules(bucket)) = reader.bucket(&bucket.parse().unwrap()) else {
        return Vec::new();
    };
    bucket.find(EventType::ObjectCreatedPut, &"k".parse().unwrap(), &mut found);
    bucket.matches(&found).map(|rule| rule.id.unwrap().to_string()).collect()
}

fn is_undecided(routes: &Shared, bucket: &str) -> bool {
    matches!(routes.reader().bucket(&bucket.parse().unwrap()), Some(Standing::Undecided))
}
