//! JSON that is no event is kept with a precise reason, and spoils nothing else.

use serde_json::{Value, json};

use super::bodies::{body, changed, now, received, record};
use crate::ingest::{Encoding, decode};

/// The whole document is rejected, for this reason.
#[track_caller]
fn rejects(document: &str, reason: &str) {
    let received = received(document);
    let rejected = received.rejected.first().unwrap_or_else(|| panic!("{received:?}"));
    assert_eq!(rejected.reason.to_string(), reason);
    assert_eq!(*rejected.body, *document.trim());
    assert_eq!(received.count(), 1);
}

/// The record is rejected for this reason, and its neighbours are not.
#[track_caller]
fn rejects_record(record: &Value, reason: &str) {
    let good = super::bodies::record("ObjectCreated:Put", "good");
    let received = received(&body(&[good.clone(), record.clone(), good]));
    let rejected = received.rejected.first().unwrap_or_else(|| panic!("{received:?}"));
    let told = rejected.reason.to_string();
    assert!(told.starts_with(reason), "{told}");
    assert_eq!(*rejected.body, *record.to_string());
    assert_eq!((received.events.len(), received.count()), (2, 3));
}

#[test]
fn a_document_without_records_is_rejected_whole() {
    rejects("[1]", "the document is no JSON object");
    rejects(" \"Records\" ", "the document is no JSON object");
    rejects("null", "the document is no JSON object");
    rejects("{}", "the document has no `Records`");
    rejects(r#"{"Records":null}"#, "the document has no `Records`");
    rejects(r#"{"Event":"s3:Other","records":[]}"#, "the document has no `Records`");
    rejects(r#"{"Records":{"eventName":"ObjectCreated:Put"}}"#, "`Records` is no array");
    rejects(r#"{"Records":[]}"#, "`Records` is empty");
    let twice = r#"{"Records":[],"Records":[]}"#;
    rejects(twice, "malformed at line 1, column 23: duplicate field `Records`");
}

/// Serde by itself would read an array as the fields of a struct, in their order.
#[test]
fn an_array_in_place_of_an_object_is_rejected() {
    let record = record("ObjectCreated:Put", "a");
    rejects(&json!([[record]]).to_string(), "the document is no JSON object");
    rejects_record(
        &json!(["aws:s3", "", "ObjectCreated:Put"]),
        "malformed at line 1, column 0: expected a JSON object",
    );
    rejects_record(&changed("/s3/bucket", json!(["photos"])), "malformed at `s3.bucket`, line 1, ");
}

#[test]
fn a_record_that_does_not_say_what_happened_to_what_is_rejected() {
    rejects_record(&json!({}), "the record has no `eventName`");
    rejects_record(&json!({"data": {"data": {}}}), "the record has no `eventName`");
    rejects_record(&changed("/eventName", "".into()), "the record has no `eventName`");
    rejects_record(&changed("/s3", Value::Null), "the record has no `s3.bucket.name`");
    rejects_record(&changed("/s3/bucket/name", "".into()), "the record has no `s3.bucket.name`");
    rejects_record(&changed("/s3/object", json!({})), "the record has no `s3.object.key`");
}

#[test]
fn a_name_that_no_event_could_have_is_rejected() {
    let long = format!("s3:{}", "A".repeat(98));
    for name in
        ["hello", "s3:", "s3:*", "Object Created:Put", "ObjectCreated:", "a:b", "S3:Ä:B", &long]
    {
        let record = changed("/eventName", name.into());
        rejects_record(&record, "`eventName` is no event name");
    }
}

#[test]
fn a_bucket_or_key_that_no_s3_could_have_is_rejected() {
    rejects_record(&changed("/s3/bucket/name", "a/b".into()), "`s3.bucket.name` is no bucket name");
    for key in ["%FF", &"x".repeat(1025)] {
        let told = "`s3.object.key` is no object key: ";
        rejects_record(&changed("/s3/object/key", key.into()), told);
    }
}

/// What counts is the key, not its encoding, which is up to three times as long.
#[test]
fn a_long_key_may_be_longer_in_its_encoding() {
    let record = changed("/s3/object/key", "%C3%BC".repeat(512).into());
    assert_eq!(received(&body(&[record])).events.len(), 1);
}

#[test]
fn a_time_that_is_none_is_rejected() {
    for time in ["yesterday", "2026-13-01T00:00:00Z", "2026-11-22T07:20:47"] {
        rejects_record(&changed("/eventTime", time.into()), "`eventTime` is no time: ");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_rejected() {
    rejects_record(&json!(5), "malformed at line 1, column 1: expected a JSON object");
    rejects_record(&Value::Null, "malformed at line 1, column 4: expected a JSON object");
    let told = "malformed at `s3.object.key`, line 1, column ";
    rejects_record(&changed("/s3/object/key", json!(7)), told);
    let told = "malformed at `s3.object.size`, line 1, column ";
    rejects_record(&changed("/s3/object/size", json!([1])), told);
    rejects_record(&json!({"data": [1]}), "malformed at line 1, column 0: expected a JSON object");
}

/// The reason is logged. Serde's own words quote the value.
#[test]
fn no_reason_tells_a_value() {
    let secret = json!("authorization: Bearer SECRET");
    for path in ["/requestParameters", "/userIdentity", "/s3", "/s3/bucket", "/s3/object"]
        .into_iter()
        .chain(["/eventName", "/eventTime", "/s3/bucket/name", "/s3/object/key"])
    {
        let value = match path {
            "/s3/object/key" => json!("SECRET%FF"),
            _ => secret.clone(),
        };
        let received = received(&body(&[changed(path, value)]));
        let [rejected] = received.rejected.as_slice() else { panic!("{path}: {received:?}") };
        let told = rejected.reason.to_string();
        assert!(!told.contains("SECRET") && told.len() < 200, "{path}: {told}");
    }
}

/// JSON's grammar allows half a surrogate pair; no text can hold it.
#[test]
fn half_a_character_spoils_its_record_only() {
    let good = record("ObjectCreated:Put", "good");
    let bad = record("ObjectCreated:Put", "HALF");
    let text = body(&[good, bad]).replace("HALF", "\\ud800");
    let received = received(&text);
    assert_eq!((received.events.len(), received.rejected.len()), (1, 1));
}

#[test]
fn depth_is_no_way_to_spoil_a_request() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    rejects(&deep, "the document is no JSON object");
    let record = record("ObjectCreated:Put", "a").to_string();
    let text = format!(r#"{{"x":{deep},"Records":[{record}]}}"#);
    assert_eq!(received(&text).events.len(), 1);
    let text = format!(r#"{{"Records":[{{"eventName":{deep}}},{record}]}}"#);
    let received = received(&text);
    assert_eq!((received.events.len(), received.rejected.len()), (1, 1));
}

/// Two bytes each in the body, and a hundred if each were kept by itself.
#[test]
fn a_great_many_bad_records_are_kept_together() {
    let good = record("ObjectCreated:Put", "good").to_string();
    let bad = ["1", "{}"].map(|bad| vec![bad; 5000]).concat();
    let text = format!(r#"{{"Records":[{},{good}]}}"#, bad.join(","));
    let lines = format!("{}\n{{\"Records\":[{good}]}}", bad.join("\n"));
    for (text, encoding) in [(text, Encoding::Json), (lines, Encoding::Ndjson)] {
        let received = decode(text.as_bytes(), encoding, now()).unwrap();
        assert_eq!((received.events.len(), received.count()), (1, 10_001));
        assert_eq!(received.rejected.len(), 101);
        let kept: Vec<_> = received.rejected.iter().flat_map(|row| row.body.lines()).collect();
        assert_eq!(kept, bad, "all of them, in their order");
        assert_eq!(received.rejected.iter().map(|row| row.records).sum::<usize>(), 10_000);
    }
}
