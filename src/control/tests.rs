//! The directory of documents, on a real file system.

use std::{fs, path::Path, time::Duration};

use super::{
    Config, InForce, OpenError, Scope, Status, Store,
    documents::{Change, Documents},
};
use crate::{
    model::{EventType, Region},
    route::{Shared, Table},
    rules,
    stop::stopper,
};

const GOOD: &str = r#"{"QueueConfigurations":[{"Id":"q","QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","Events":["s3:ObjectCreated:*"]}]}"#;
const ALSO_GOOD: &str = r#"{"QueueConfigurations":[{"Id":"r","QueueArn":"arn:aws:sqs:us-east-1:000000000000:r","Events":["s3:ObjectCreated:*"]}]}"#;
const BROKEN: &str =
    r#"{"QueueConfigurations":[{"Id":"q","QueueArn":"q","Events":["s3:ObjectCreated:*"]}]}"#;

fn scope() -> Scope {
    let bus = "arn:aws:events:us-east-1:000000000000:event-bus/default".parse().unwrap();
    Scope { region: Region::default(), bus, rules: rules::Config::default() }
}

fn documents(directory: &Path) -> Documents {
    Documents::new(directory.into(), scope())
}

/// The ids of the rules that want a new object in this bucket.
fn wanted(table: &Table, bucket: &str) -> Vec<String> {
    let (bucket, key) = (bucket.parse().unwrap(), "k".parse().unwrap());
    let rules = table.matching(&bucket, EventType::ObjectCreatedPut, &key);
    rules.map(|rule| rule.id.as_ref().unwrap().to_string()).collect()
}

#[test]
fn a_change_to_one_bucket_leaves_the_others_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    fs::write(directory.path().join("b.json"), GOOD).unwrap();
    let mut documents = documents(directory.path());
    documents.scan().unwrap();
    fs::write(directory.path().join("a.json"), ALSO_GOOD).unwrap();
    assert_eq!(documents.scan().unwrap(), Change::Something);
    assert_eq!(wanted(documents.table(), "a"), ["r"]);
    assert_eq!(wanted(documents.table(), "b"), ["q"]);
    fs::remove_file(directory.path().join("a.json")).unwrap();
    documents.scan().unwrap();
    assert_eq!(wanted(documents.table(), "a"), [""; 0]);
    assert_eq!(documents.status(), Status { loaded: 1, broken: Vec::new() });
}

#[test]
fn a_broken_document_leaves_the_last_good_one_in_force_even_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    fs::write(&file, GOOD).unwrap();
    documents(directory.path()).scan().unwrap();
    fs::write(&file, BROKEN).unwrap();
    let mut restarted = documents(directory.path());
    restarted.scan().unwrap();
    assert_eq!(wanted(restarted.table(), "a"), ["q"]);
    let status = restarted.status();
    assert_eq!(status.broken[0].in_force, InForce::LastGood);
    assert!(status.broken[0].problem.contains("The ARN could not be parsed"), "{status:?}");
    fs::write(&file, ALSO_GOOD).unwrap();
    restarted.scan().unwrap();
    assert_eq!(wanted(restarted.table(), "a"), ["r"]);
    assert!(restarted.status().broken.is_empty());
}

#[test]
fn a_document_that_was_removed_while_nobody_looked_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    fs::write(&file, GOOD).unwrap();
    documents(directory.path()).scan().unwrap();
    fs::remove_file(&file).unwrap();
    let mut restarted = documents(directory.path());
    restarted.scan().unwrap();
    restarted.forget_the_removed().unwrap();
    fs::write(&file, BROKEN).unwrap();
    restarted.scan().unwrap();
    assert_eq!(wanted(restarted.table(), "a"), [""; 0]);
}

#[test]
fn a_bucket_whose_document_was_never_readable_is_undecided() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), BROKEN).unwrap();
    let mut documents = documents(directory.path());
    documents.scan().unwrap();
    assert!(documents.table().is_undecided(&"a".parse().unwrap()));
    assert_eq!(documents.status().broken[0].in_force, InForce::Nothing);
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    documents.scan().unwrap();
    assert!(!documents.table().is_undecided(&"a".parse().unwrap()));
}

#[test]
fn two_documents_for_one_bucket_are_a_problem_of_that_bucket() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    fs::write(directory.path().join("a.xml"), "<NotificationConfiguration/>").unwrap();
    let mut documents = documents(directory.path());
    documents.scan().unwrap();
    assert!(documents.status().broken[0].problem.contains("remove one of the two"));
}

#[test]
fn files_that_are_no_documents_are_not_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    for name in [".a.json.swp", ".hidden.json", "notes.txt", "a.json~"] {
        fs::write(directory.path().join(name), BROKEN).unwrap();
    }
    fs::create_dir(directory.path().join("dir.json")).unwrap();
    let mut documents = documents(directory.path());
    assert_eq!(documents.scan().unwrap(), Change::Nothing);
    assert_eq!(documents.status(), Status::default());
}

#[tokio::test]
async fn a_change_is_put_in_force_without_being_asked() {
    let directory = tempfile::tempdir().unwrap();
    let routes = Shared::default();
    let config = Config { directory: directory.path().into() };
    let store = Store::open(&config, scope(), routes.clone()).unwrap();
    let mut destinations = store.destinations();
    let (stopper, stop) = stopper();
    let change = async {
        fs::write(directory.path().join("a.json"), GOOD).unwrap();
        tokio::time::timeout(Duration::from_secs(10), destinations.changed())
            .await
            .unwrap()
            .unwrap();
        stopper.request();
    };
    let (ended, ()) = tokio::join!(store.run(stop), change);
    ended.unwrap();
    assert_eq!(wanted(&routes.load(), "a"), ["q"]);
    assert_eq!(destinations.borrow().len(), 1);
}

#[test]
fn a_directory_that_is_not_there_is_an_error_that_says_so() {
    let config = Config { directory: "/nonexistent".into() };
    let error = Store::open(&config, scope(), Shared::default()).unwrap_err();
    assert!(error.to_string().contains("notifications.directory /nonexistent"), "{error}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_the_settings_fault() {
    let directory = tempfile::tempdir().unwrap().path().join("nowhere");
    let opened = Store::open(&Config { directory }, scope(), Shared::default());
    assert!(matches!(opened, Err(OpenError::Directory { .. })), "{opened:?}");
}
