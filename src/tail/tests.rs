//! Who sees what, and that nobody waits for those who watch.

use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::json;

use super::{Crowded, Filter, Hub, Seen, Sighting, Stage, Subject, WATCHERS_MAX, Watcher};
use crate::model::EventType;

const THUMBS: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";

fn sighting(bucket: &str, key: &str, destination: Option<&str>) -> Sighting {
    let (bucket, key) = (bucket.parse().unwrap(), key.parse().unwrap());
    let subject = Subject { bucket, key, event_type: EventType::ObjectCreatedPut };
    Sighting {
        destination: destination.map(Into::into),
        ..Sighting::new(Timestamp::UNIX_EPOCH, Stage::Matched, Some(subject))
    }
}

/// The keys that the watcher sees at once; a number is how many it missed.
fn seen(watcher: &mut Watcher) -> Vec<String> {
    let text = |seen| match seen {
        Seen::Sighting(sighting) => sighting.subject.as_ref().unwrap().key.to_string(),
        Seen::Skipped(skipped) => skipped.to_string(),
    };
    std::iter::from_fn(|| watcher.next().now_or_never()).map(text).collect()
}

#[test]
fn only_while_somebody_watches_is_there_anything_to_tell() {
    let hub = Hub::default();
    assert!(!hub.is_watched());
    let (one, two) = (hub.watch(Filter::default()).unwrap(), hub.watch(Filter::default()).unwrap());
    drop(one);
    assert!(hub.is_watched());
    drop(two);
    assert!(!hub.is_watched());
    hub.tell([sighting("photos", "a", None)]);
}

#[test]
fn each_watcher_sees_what_its_filter_lets_through() {
    let hub = Hub::default();
    let watch = |bucket: Option<&str>, prefix: Option<&str>, destination: Option<&str>| {
        let bucket = bucket.map(|bucket| bucket.parse().unwrap());
        let (prefix, destination) = (prefix.map(Into::into), destination.map(Into::into));
        hub.watch(Filter { bucket, prefix, destination }).unwrap()
    };
    let mut all = watch(None, None, None);
    let mut photos = watch(Some("photos"), None, None);
    let mut prefix = watch(Some("photos"), Some("a/"), None);
    let mut thumbs = watch(None, None, Some("arn:aws:sqs:*:thumbs"));
    let rejected = Sighting::new(Timestamp::UNIX_EPOCH, Stage::Quarantined, None);
    hub.tell([
        sighting("photos", "a/1", Some(THUMBS)),
        sighting("photos", "b/1", None),
        sighting("photos2", "a/2", Some(THUMBS)),
        sighting("videos", "a/3", Some("arn:aws:sqs:us-east-1:123456789012:other")),
    ]);
    assert_eq!(seen(&mut all), ["a/1", "b/1", "a/2", "a/3"]);
    assert_eq!(seen(&mut photos), ["a/1", "b/1"]);
    assert_eq!(seen(&mut prefix), ["a/1"]);
    assert_eq!(seen(&mut thumbs), ["a/1", "a/2"]);
    hub.tell([rejected]);
    assert!(all.try_next().is_some());
    for watcher in [&mut photos, &mut prefix, &mut thumbs] {
        assert_eq!(watcher.try_next(), None, "what has no bucket is in none");
    }
}

#[test]
fn a_slow_watcher_misses_what_it_does_not_take_and_is_told_how_much_where_it_was() {
    let hub = Hub::default();
    let mut slow = hub.watch(Filter::default()).unwrap();
    let mut other = hub.watch(Filter { prefix: Some("x".into()), ..Filter::default() }).unwrap();
    hub.tell((0..1030).map(|number| sighting("photos", &format!("k{number}"), None)));
    assert!(matches!(slow.try_next(), Some(Seen::Sighting(_))));
    hub.tell([sighting("photos", "x1", None), sighting("photos", "x2", None)]);
    let rest = seen(&mut slow);
    assert_eq!(rest.len(), 1023 + 1 + 1 + 1);
    assert_eq!(rest[1022..], ["k1023", "6", "x1", "1"], "six were missed before x1, x2 after it");
    assert_eq!(seen(&mut other), ["x1", "x2"], "who is quick misses nothing");
}

#[test]
fn there_is_a_limit_to_those_who_watch() {
    let hub = Hub::default();
    let mut watchers: Vec<_> =
        (0..WATCHERS_MAX).map(|_| hub.watch(Filter::default()).unwrap()).collect();
    assert_eq!(hub.watch(Filter::default()).unwrap_err(), Crowded);
    watchers.pop();
    assert!(hub.watch(Filter::default()).is_ok());
}

#[tokio::test]
async fn who_waits_sees_what_is_told_then() {
    let hub = Hub::default();
    let mut watcher = hub.watch(Filter::default()).unwrap();
    let told = async { hub.tell([sighting("photos", "a", None)]) };
    let (seen, ()) = tokio::join!(watcher.next(), told);
    assert!(matches!(seen, Seen::Sighting(_)));
}

#[test]
fn a_line_names_what_is_known_and_nothing_else() {
    let full = Sighting {
        rule: Some("r".parse().unwrap()),
        class: Some("broken"),
        code: Some("NoSuchQueue".into()),
        message: Some("gone".into()),
        ..sighting("photos", "a b", Some(THUMBS))
    };
    let line = serde_json::to_value(&full).unwrap();
    let expected = json!({
        "time": "1970-01-01T00:00:00Z",
        "stage": "matched",
        "bucket": "photos",
        "key": "a b",
        "event": "ObjectCreated:Put",
        "rule": "r",
        "destination": THUMBS,
        "class": "broken",
        "code": "NoSuchQueue",
        "message": "gone",
    });
    assert_eq!(line, expected);
    let bare = Sighting::new(Timestamp::UNIX_EPOCH, Stage::Quarantined, None);
    let expected = json!({ "time": "1970-01-01T00:00:00Z", "stage": "quarantined" });
    assert_eq!(serde_json::to_value(bare).unwrap(), expected);
}
