//! Documents that people put into the directory.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use super::*;
use crate::{
    control::{InForce, OpenError, Status, Store, watch::DirectoryWatch},
    route::Shared,
    stop::stopper,
};

#[test]
fn a_change_to_one_bucket_leaves_the_others_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    fs::write(directory.path().join("b.json"), GOOD).unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);
    fs::write(directory.path().join("a.json"), ALSO_GOOD).unwrap();
    assert_eq!(scan(&mut documents), Change::Something);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
    assert_eq!(wanted(documents.table().shared(), "b"), ["q"]);
    fs::remove_file(directory.path().join("a.json")).unwrap();
    scan(&mut documents);
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), [""; 0]);
    assert_eq!(documents.status(), Status { loaded: 1, ..Status::default() });
}

#[test]
fn a_broken_document_leaves_the_last_good_one_in_force_even_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    fs::write(&file, GOOD).unwrap();
    scan(&mut documents(directory.path()));
    fs::write(&file, BROKEN).unwrap();
    let mut restarted = documents(directory.path());
    scan(&mut restarted);
    assert_eq!(wanted(restarted.table().shared(), "a"), ["q"]);
    let status = restarted.status();
    assert_eq!(status.broken[0].in_force, InForce::LastGood);
    assert!(status.broken[0].problem.contains("The ARN could not be parsed"), "{status:?}");
    fs::write(&file, ALSO_GOOD).unwrap();
    scan(&mut restarted);
    assert_eq!(wanted(restarted.table().shared(), "a"), ["r"]);
    assert!(restarted.status().broken.is_empty());
}

#[test]
fn a_document_that_was_removed_while_nobody_looked_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    fs::write(&file, GOOD).unwrap();
    scan(&mut documents(directory.path()));
    fs::remove_file(&file).unwrap();
    let mut restarted = documents(directory.path());
    scan(&mut restarted);
    restarted.forget_the_removed();
    fs::write(&file, BROKEN).unwrap();
    scan(&mut restarted);
    assert_eq!(wanted(restarted.table().shared(), "a"), [""; 0]);
}

#[test]
fn a_bucket_whose_document_was_never_readable_is_undecided() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), BROKEN).unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);
    assert!(is_undecided(documents.table().shared(), "a"));
    assert_eq!(documents.status().broken[0].in_force, InForce::Nothing);
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    scan(&mut documents);
    assert!(!is_undecided(documents.table().shared(), "a"));
}

#[test]
fn two_documents_for_one_bucket_are_a_problem_of_that_bucket() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    fs::write(directory.path().join("a.xml"), "<NotificationConfiguration/>").unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);
    assert!(documents.status().broken[0].problem.contains("remove one of the two"));
}

#[test]
fn files_that_are_no_documents_are_not_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    for name in [".a.json.swp", ".hidden.json", "notes.txt", "a.json~"] {
        fs::write(directory.path().join(name), BROKEN).unwrap();
    }
    let mut documents = documents(directory.path());
    assert_eq!(scan(&mut documents), Change::Nothing);
    assert_eq!(documents.status(), Status::default());
}

#[tokio::test]
async fn a_change_is_put_in_force_without_being_asked() {
    let directory = tempfile::tempdir().unwrap();
    let routes = Shared::default();
    let config = Config { directory: directory.path().into() };
    let (store, _) = Store::open(&config, scope(), routes.clone()).unwrap();
    let mut destinations = store.destinations();
    let (stopper, stop) = stopper();
    let change = async {
        fs::write(directory.path().join("a.json"), GOOD).unwrap();
        changes(&mut destinations).await;
        stopper.request();
    };
    let (ended, ()) = tokio::join!(store.run(stop), change);
    ended.unwrap();
    assert_eq!(wanted(&routes, "a"), ["q"]);
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

#[test]
fn a_place_that_holds_no_directory_is_the_settings_fault() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = Config { directory: file.path().into() };
    let opened = Store::open(&config, scope(), Shared::default());
    assert!(matches!(opened, Err(OpenError::Directory { .. })), "{opened:?}");
}

#[test]
fn a_link_whose_target_is_away_is_a_broken_document() {
    let directory = tempfile::tempdir().unwrap();
    let (link, target) = (directory.path().join("a.json"), directory.path().join("target"));
    fs::write(&target, GOOD).unwrap();
    symlink(&target, &link).unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);

    fs::remove_file(&target).unwrap();
    for _ in 0..3 {
        scan_later(&mut documents);
        assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    }
    let status = documents.status();
    assert_eq!(status.broken[0].in_force, InForce::LastGood);
    assert!(status.broken[0].problem.starts_with("cannot read it"), "{status:?}");
    let mut restarted = self::documents(directory.path());
    scan(&mut restarted);
    restarted.forget_the_removed();
    assert_eq!(wanted(restarted.table().shared(), "a"), ["q"]);

    fs::write(&target, ALSO_GOOD).unwrap();
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
    assert!(documents.status().broken.is_empty());

    fs::remove_file(&link).unwrap();
    symlink(&link, &link).unwrap();
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
    assert_eq!(documents.status().broken.len(), 1);
}

#[test]
fn what_takes_the_name_of_a_document_and_is_no_file_does_not_remove_the_document() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    fs::write(&file, GOOD).unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    scan_later(&mut documents);
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    assert!(documents.status().broken[0].problem.contains("it is no file"));
}

#[test]
fn a_file_that_cannot_be_read_is_read_again_but_reported_once() {
    let directory = tempfile::tempdir().unwrap();
    symlink("nowhere", directory.path().join("a.json")).unwrap();
    let mut documents = documents(directory.path());
    let lines = logged(|| {
        assert_eq!(scan(&mut documents), Change::Something);
        assert_eq!(scan_later(&mut documents), Change::Nothing);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(documents.look_again_at().is_some());
}

#[test]
fn a_file_of_equal_length_and_time_is_another_document() {
    let directory = tempfile::tempdir().unwrap();
    let (file, staged) = (directory.path().join("a.json"), directory.path().join("staged"));
    assert_eq!(GOOD.len(), ALSO_GOOD.len());
    write_old(&file, GOOD);
    let mut documents = documents(directory.path());
    scan(&mut documents);
    write_old(&staged, ALSO_GOOD);
    fs::rename(&staged, &file).unwrap();
    scan(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
}

#[test]
fn a_document_that_was_just_written_is_read_once_more() {
    let directory = tempfile::tempdir().unwrap();
    write_old(&directory.path().join("a.json"), GOOD);
    let mut documents = documents(directory.path());
    scan(&mut documents);
    assert!(documents.look_again_at().is_some(), "it may be written again in the same instant");
    scan_later(&mut documents);
    assert_eq!(documents.look_again_at(), None);
}

#[test]
fn a_document_that_comes_back_at_once_was_never_away() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    fs::write(&file, GOOD).unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);
    fs::remove_file(&file).unwrap();
    scan(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    assert!(documents.look_again_at().is_some());
    fs::write(&file, ALSO_GOOD).unwrap();
    scan(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);

    fs::remove_file(&file).unwrap();
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"], "the first absence does not count");
}

#[test]
fn every_problem_is_one_line_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let two = r#"{"QueueConfigurations":[{"Id":"o\nne","QueueArn":"q","Events":["s3:No"]},
        {"Id":"two","QueueArn":"q","Events":["s3:ObjectCreated:*"]}]}"#;
    fs::write(directory.path().join("a.json"), two).unwrap();
    fs::write(directory.path().join("bad\nname\u{1b}.json"), GOOD).unwrap();
    let mut documents = documents(directory.path());
    let lines = logged(|| assert_eq!(scan(&mut documents), Change::Something));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("the first of 3 problems"), "{lines:?}");
    assert!(lines[1].contains(r"bad\nname\u{1b}.json"), "{lines:?}");
}

#[test]
fn a_directory_that_takes_no_copies_is_reported_once_and_harms_nobody() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".last-good"), "in the way").unwrap();
    for bucket in ["a", "b", "c"] {
        fs::write(directory.path().join(format!("{bucket}.json")), GOOD).unwrap();
    }
    let mut documents = documents(directory.path());
    let lines = logged(|| {
        scan(&mut documents);
        documents.forget_the_removed();
        scan_later(&mut documents);
    });
    let warnings = lines.iter().filter(|line| line.contains("cannot keep copies"));
    assert_eq!(warnings.count(), 1, "{lines:?}");
    assert_eq!(documents.status(), Status { loaded: 3, ..Status::default() });
}

#[test]
fn rules_do_not_wait_for_copies() {
    let directory = tempfile::tempdir().unwrap();
    for bucket in ["a", "b"] {
        fs::write(directory.path().join(format!("{bucket}.json")), GOOD).unwrap();
    }
    let mut documents = documents(directory.path());
    documents.scan(Instant::now()).unwrap();
    assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    assert!(!directory.path().join(".last-good").exists());
    documents.copy_for(Duration::ZERO);
    assert!(directory.path().join(".last-good/a.json").exists());
    assert!(documents.has_uncopied(), "one copy took all the time there was");
}

#[test]
fn a_copy_does_not_bring_back_the_directory() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("documents");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("a.json"), GOOD).unwrap();
    let mut documents = documents(&directory);
    documents.scan(Instant::now()).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    documents.copy_for(PATIENCE);
    assert!(!directory.exists());
}

#[test]
fn a_copy_goes_into_another_directory_of_the_same_name() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("documents");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("a.json"), GOOD).unwrap();
    let mut documents = documents(&directory);
    scan(&mut documents);
    fs::rename(&directory, home.path().join("old")).unwrap();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("a.json"), GOOD).unwrap();
    assert_eq!(scan(&mut documents), Change::Nothing);
    assert!(directory.join(".last-good/a.json").exists());
}

#[tokio::test]
async fn a_directory_that_goes_away_takes_no_rules_along() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("documents");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("a.json"), GOOD).unwrap();
    let routes = Shared::default();
    let config = Config { directory: directory.clone() };
    let (store, _) = Store::open(&config, scope(), routes.clone()).unwrap();
    let mut status = store.status();
    let (stopper, stop) = stopper();
    let change = async {
        let away = home.path().join("away");
        fs::rename(&directory, &away).unwrap();
        changes(&mut status).await;
        assert!(status.borrow().broken[0].problem.starts_with("cannot read the directory"));
        assert_eq!(status.borrow().generation, 1, "the rules are as they were");
        assert_eq!(wanted(&routes, "a"), ["q"]);

        fs::rename(&away, &directory).unwrap();
        changes(&mut status).await;
        assert_eq!((status.borrow().loaded, status.borrow().broken.len()), (1, 0));
        stopper.request();
    };
    let (ended, ()) = tokio::join!(store.run(stop), change);
    ended.unwrap();
    assert_eq!(wanted(&routes, "a"), ["q"]);
}

#[tokio::test]
async fn another_directory_of_the_same_name_is_watched_instead() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("documents");
    fs::create_dir(&directory).unwrap();
    let changed = Arc::new(Notify::new());
    let mut watch = DirectoryWatch::open(&directory, Arc::clone(&changed)).unwrap();
    assert!(!watch.renew());

    fs::rename(&directory, home.path().join("old")).unwrap();
    timeout(PATIENCE, changed.notified()).await.unwrap();
    fs::create_dir(&directory).unwrap();
    assert!(watch.renew());
    fs::write(directory.join("a.json"), GOOD).unwrap();
    timeout(PATIENCE, changed.notified()).await.unwrap();
}

#[test]
fn a_directory_that_was_removed_and_made_anew_is_another_one() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("documents");
    fs::create_dir(&directory).unwrap();
    let mut watch = DirectoryWatch::open(&directory, Arc::default()).unwrap();
    fs::remove_dir(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    assert!(watch.renew());
    assert!(!watch.renew());
}
