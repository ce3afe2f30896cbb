//! Documents that requests store.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::Instant,
};

use super::*;
use crate::{
    control::{InForce, PutError, Requests, Store},
    model::BucketName,
    route::Shared,
    rules::{Context, Document},
    stop::stopper,
};

fn bucket() -> BucketName {
    "a".parse().unwrap()
}

fn parse(json: &str) -> Document {
    let (bucket, scope) = (bucket(), scope());
    let context = Context { bucket: &bucket, region: "us-east-1", config: &scope.rules };
    Document::from_json(json.as_bytes(), &context).unwrap()
}

fn put(documents: &mut Documents, json: &str) {
    documents.put(&bucket(), parse(json), Instant::now()).unwrap();
}

/// The names in a directory, copies left out.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != ".last-good").collect();
    names.sort();
    names
}

#[test]
fn a_stored_document_is_a_file_like_a_person_s_and_in_force_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut documents = documents(directory.path());
    put(&mut documents, GOOD);
    assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    assert_eq!(documents.document(&bucket()), Ok(Some(&parse(GOOD))));
    assert_eq!(names(directory.path()), ["a.json"]);
    let stored = fs::read_to_string(directory.path().join("a.json")).unwrap();
    assert_eq!(parse(&stored), parse(GOOD));
    assert_eq!(scan(&mut documents), Change::Nothing);
    assert_eq!(scan_later(&mut documents), Change::Nothing);
}

#[test]
fn a_document_keeps_the_form_in_which_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.xml");
    fs::write(&file, parse(GOOD).to_xml()).unwrap();
    let mut documents = documents(directory.path());
    scan(&mut documents);
    put(&mut documents, ALSO_GOOD);
    assert_eq!(names(directory.path()), ["a.xml"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), parse(ALSO_GOOD).to_xml() + "\n");
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
}

#[test]
fn an_empty_document_takes_the_file_the_rules_and_the_copy_away() {
    let directory = tempfile::tempdir().unwrap();
    let mut documents = documents(directory.path());
    put(&mut documents, GOOD);
    scan(&mut documents);
    assert!(directory.path().join(".last-good/a.json").exists());
    put(&mut documents, "{}");
    assert_eq!(names(directory.path()), [""; 0]);
    assert!(!directory.path().join(".last-good/a.json").exists());
    assert_eq!(wanted(documents.table().shared(), "a"), [""; 0]);
    assert_eq!(documents.document(&bucket()), Ok(None));
    put(&mut documents, "{}");
}

#[test]
fn a_stored_document_mends_one_that_was_broken_or_there_twice() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let mut documents = documents(directory.path());
    fs::write(file("a.json"), BROKEN).unwrap();
    scan(&mut documents);
    put(&mut documents, GOOD);
    assert!(documents.status().broken.is_empty());
    fs::write(file("a.xml"), parse(ALSO_GOOD).to_xml()).unwrap();
    scan(&mut documents);
    assert_eq!(documents.status().broken[0].in_force, InForce::LastGood);
    put(&mut documents, ALSO_GOOD);
    assert_eq!(names(directory.path()), ["a.json"]);
    assert!(documents.status().broken.is_empty());
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
}

#[test]
fn whoever_writes_last_wins() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    let mut documents = documents(directory.path());
    put(&mut documents, GOOD);
    fs::write(&file, ALSO_GOOD).unwrap();
    assert_eq!(scan(&mut documents), Change::Something);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
    // The edit that nobody has seen yet goes.
    fs::write(&file, BROKEN).unwrap();
    put(&mut documents, GOOD);
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    // Neither does a name that was missing for a moment take the new document along.
    fs::remove_file(&file).unwrap();
    scan(&mut documents);
    put(&mut documents, ALSO_GOOD);
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), ["r"]);
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut documents = documents(directory.path());
    put(&mut documents, GOOD);
    // A directory in the place of the temporary file is in the way even of root.
    let in_the_way = directory.path().join(".a.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let refused = documents.put(&bucket(), parse(ALSO_GOOD), Instant::now()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::IsADirectory);
    assert_eq!(wanted(documents.table().shared(), "a"), ["q"]);
    assert_eq!(documents.document(&bucket()), Ok(Some(&parse(GOOD))));
    fs::remove_dir(&in_the_way).unwrap();
    put(&mut documents, ALSO_GOOD);
}

#[test]
fn a_file_that_nobody_has_looked_at_yet_goes_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let mut documents = documents(directory.path());
    fs::write(file("a.xml"), parse(GOOD).to_xml()).unwrap();
    put(&mut documents, ALSO_GOOD);
    assert_eq!(names(directory.path()), ["a.xml"]);
    fs::write(file("a.json"), GOOD).unwrap();
    put(&mut documents, "{}");
    assert_eq!(names(directory.path()), [""; 0]);
    scan_later(&mut documents);
    assert_eq!(wanted(documents.table().shared(), "a"), [""; 0]);
}

#[test]
fn what_is_no_file_is_refused_before_anything_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let mut documents = documents(directory.path());
    put(&mut documents, GOOD);
    fs::create_dir(directory.path().join("a.xml")).unwrap();
    for json in [ALSO_GOOD, "{}"] {
        documents.put(&bucket(), parse(json), Instant::now()).unwrap_err();
        let stored = fs::read_to_string(directory.path().join("a.json")).unwrap();
        assert_eq!(parse(&stored), parse(GOOD));
        assert_eq!(names(directory.path()), ["a.json", "a.xml"]);
    }
}

#[test]
fn what_was_removed_before_the_disk_refused_is_put_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let mut documents = documents(directory.path());
    fs::write(file("a.json"), GOOD).unwrap();
    fs::write(file("a.xml"), parse(ALSO_GOOD).to_xml()).unwrap();
    // The second file is gone by the time that the first one cannot be written.
    fs::create_dir(file(".a.json.new")).unwrap();
    documents.put(&bucket(), parse(ALSO_GOOD), Instant::now()).unwrap_err();
    assert_eq!(fs::read_to_string(file("a.json")).unwrap(), GOOD);
    assert_eq!(fs::read_to_string(file("a.xml")).unwrap(), parse(ALSO_GOOD).to_xml());
}

#[test]
fn a_link_stays_a_link_and_a_file_keeps_its_mode() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, target) = (directory.path().join("a.json"), elsewhere.path().join("photos.json"));
    fs::write(&target, GOOD).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o664)).unwrap();
    symlink(&target, &link).unwrap();
    put(&mut documents(directory.path()), ALSO_GOOD);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(parse(&fs::read_to_string(&target).unwrap()), parse(ALSO_GOOD));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o664);
}

#[test]
fn what_a_crash_left_is_swept_away() {
    let directory = tempfile::tempdir().unwrap();
    for name in [".a.json.new", ".a.xml.new", ".mine.new", "a.json"] {
        fs::write(directory.path().join(name), GOOD).unwrap();
    }
    let config = Config { directory: directory.path().into() };
    Store::open(&config, scope(), Shared::default()).unwrap();
    assert_eq!(names(directory.path()), [".mine.new", "a.json"]);
}

#[tokio::test]
async fn what_is_in_force_has_a_number_that_grows_with_each_change() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("c.json"), GOOD).unwrap();
    let config = Config { directory: directory.path().into() };
    let (store, requests) = Store::open(&config, scope(), Shared::default()).unwrap();
    let (status, (stopper, stop)) = (store.status(), stopper());
    let started = status.borrow().applied;
    let ask = async {
        let mut numbers = vec![status.borrow().generation];
        for document in [GOOD, GOOD, ALSO_GOOD, "{}"] {
            requests.put(bucket(), parse(document)).await.unwrap();
            numbers.push(status.borrow().generation);
        }
        stopper.expire();
        numbers
    };
    let (ended, numbers) = tokio::join!(store.run(stop), ask);
    ended.unwrap();
    assert_eq!(numbers, [1, 2, 2, 3, 4], "the same document again is no change");
    assert!(status.borrow().applied > started);
}

#[tokio::test]
async fn nothing_is_stored_in_a_directory_that_lost_its_documents() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), GOOD).unwrap();
    let config = Config { directory: directory.path().into() };
    let routes = Shared::default();
    let (store, requests) = Store::open(&config, scope(), routes.clone()).unwrap();
    let (mut status, (stopper, stop)) = (store.status(), stopper());
    let copies = directory.path().join(".last-good");
    let lose = async {
        while !copies.exists() {
            tokio::task::yield_now().await;
        }
        fs::remove_file(directory.path().join("a.json")).unwrap();
        fs::remove_dir_all(&copies).unwrap();
        while status.borrow().broken.is_empty() {
            changes(&mut status).await;
        }
        let refused = requests.put("b".parse().unwrap(), parse(GOOD)).await.unwrap_err();
        assert!(matches!(refused, PutError::Directory { .. }), "{refused}");
        stopper.expire();
    };
    let (ended, ()) = tokio::join!(store.run(stop), lose);
    ended.unwrap();
    assert_eq!(wanted(&routes, "a"), ["q"], "the rules stay");
    assert_eq!(names(directory.path()), [""; 0]);
}

#[tokio::test]
async fn whoever_asks_without_pause_hides_no_change() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { directory: directory.path().into() };
    let (store, requests) = Store::open(&config, scope(), Shared::default()).unwrap();
    let (mut destinations, (stopper, stop)) = (store.destinations(), stopper());
    fs::write(directory.path().join("b.json"), ALSO_GOOD).unwrap();
    let ask = async {
        while requests.document(bucket()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let change = async {
        changes(&mut destinations).await;
        stopper.expire();
    };
    let (ended, (), ()) = tokio::join!(store.run(stop), ask, change);
    ended.unwrap();
}

#[tokio::test]
async fn a_request_on_the_wire_is_answered_after_the_stop_was_requested() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { directory: directory.path().into() };
    let (store, requests) = Store::open(&config, scope(), Shared::default()).unwrap();
    let (stopper, stop) = stopper();
    stopper.request();
    let put = async move { requests.put(bucket(), parse(GOOD)).await };
    let (ended, stored) = tokio::join!(store.run(stop), put);
    ended.unwrap();
    stored.unwrap();
}

#[tokio::test]
async fn what_is_stored_is_in_force_when_the_answer_comes() {
    let directory = tempfile::tempdir().unwrap();
    let (routes, config) = (Shared::default(), Config { directory: directory.path().into() });
    let (store, requests) = Store::open(&config, scope(), routes.clone()).unwrap();
    let (stopper, stop) = stopper();
    let put = async |json| {
        requests.put(bucket(), parse(json)).await.unwrap();
        wanted(&routes, "a")
    };
    let ask = async {
        assert_eq!(put(GOOD).await, ["q"]);
        assert_eq!(put(ALSO_GOOD).await, ["r"]);
        let stored = requests.document(bucket()).await.unwrap();
        assert_eq!(stored, Some(parse(ALSO_GOOD)));
        assert_eq!(put("{}").await, [""; 0]);
        stopper.expire();
    };
    let (ended, ()) = tokio::join!(store.run(stop), ask);
    ended.unwrap();
    says_so_when_stopped(&requests).await;
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_until_a_change_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { directory: directory.path().into() };
    let (store, requests) = Store::open(&config, scope(), Shared::default()).unwrap();
    let (stopper, stop) = stopper();
    let ask = async {
        let begin = tokio::time::Instant::now();
        // Each is a change of the directory, which the next one does not wait for.
        for json in [GOOD, ALSO_GOOD].into_iter().cycle().take(20) {
            requests.put(bucket(), parse(json)).await.unwrap();
            requests.document(bucket()).await.unwrap();
        }
        assert_eq!(begin.elapsed(), Duration::ZERO, "the clock stands while there is work");
        stopper.expire();
    };
    let (ended, ()) = tokio::join!(store.run(stop), ask);
    ended.unwrap();
}

async fn says_so_when_stopped(requests: &Requests) {
    assert!(requests.document(bucket()).await.is_err());
    let refused = requests.put(bucket(), parse(GOOD)).await.unwrap_err();
    assert!(matches!(refused, PutError::Stopped(_)));
}
