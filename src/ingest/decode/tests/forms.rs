//! The forms of a body, and what is dropped from it.

use serde_json::json;

use super::bodies::{body, event, now, received, record};
use crate::ingest::{DecodeError, DropReason, Dropped, Encoding, decode};

#[test]
fn an_envelope_and_bare_records_are_the_same() {
    let record = record("s3:ObjectCreated:Put", "a");
    let bare = body(std::slice::from_ref(&record));
    let envelope = json!({"EventName": "x", "Key": ["y"], "Records": [record]}).to_string();
    assert_eq!(event(&envelope), event(&bare));
}

#[test]
fn the_records_of_a_document_keep_their_order() {
    let records = ["a", "b", "c"].map(|key| record("ObjectCreated:Put", key));
    let keys: Vec<_> = received(&body(&records))
        .events
        .into_iter()
        .map(|arrival| arrival.event.key.to_string())
        .collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn each_line_of_ndjson_is_a_document_of_its_own() {
    let line = |name, key| body(&[record(name, key)]);
    let text = format!(
        "{}\n\n{}\r\n \t\r\n{}\n{{\"no\":1}}\n{}",
        line("ObjectCreated:Put", "a"),
        line("s3:Scanner:BigPrefix", "b"),
        line("ObjectCreated:Put", ""),
        line("ObjectRemoved:Delete", "c"),
    );
    let received = decode(text.as_bytes(), Encoding::Ndjson, now()).unwrap();
    let keys: Vec<_> = received.events.iter().map(|arrival| arrival.event.key.as_str()).collect();
    assert_eq!(keys, ["a", "c"]);
    assert_eq!(received.dropped.len(), 1);
    let reasons: Vec<_> = received.rejected.iter().map(|r| r.reason.to_string()).collect();
    assert_eq!(reasons, ["the record has no `s3.object.key`", "the document has no `Records`"]);
    assert_eq!(received.count(), 5);
}

#[test]
fn ndjson_without_a_document_is_no_event_and_no_error() {
    assert_eq!(decode(b"\r\n\n", Encoding::Ndjson, now()).unwrap().count(), 0);
}

#[test]
fn the_content_type_names_the_encoding() {
    for (content_type, encoding) in [
        ("application/json", Encoding::Json),
        ("application/json; charset=utf-8", Encoding::Json),
        ("", Encoding::Json),
        ("text/plain", Encoding::Json),
        ("application/x-ndjson", Encoding::Ndjson),
        ("Application/X-NDJSON ; charset=utf-8", Encoding::Ndjson),
    ] {
        assert_eq!(Encoding::of_content_type(content_type), encoding, "{content_type}");
    }
}

#[test]
fn a_body_that_is_not_json_is_an_error_of_the_whole_request() {
    let good = body(&[record("ObjectCreated:Put", "a")]);
    let not_json = |line, column| DecodeError::NotJson { line, column };
    for (text, encoding, error) in [
        (String::new(), Encoding::Json, not_json(1, 0)),
        ("hello".into(), Encoding::Json, not_json(1, 1)),
        ("{\"Records\":\n[}".into(), Encoding::Json, not_json(2, 2)),
        (format!("{good}\n{good}"), Encoding::Json, not_json(2, 1)),
        (format!("{good}\n\nhello\n"), Encoding::Ndjson, not_json(3, 1)),
        (format!("{good} x"), Encoding::Ndjson, not_json(1, good.len() + 2)),
    ] {
        assert_eq!(decode(text.as_bytes(), encoding, now()).unwrap_err(), error, "{text}");
    }
    let not_utf8 = decode(b"{\"a\":\"\xFF\"}", Encoding::Json, now()).unwrap_err();
    assert_eq!(not_utf8, DecodeError::NotUtf8 { bytes: 6 });
}

#[test]
fn what_amazon_has_no_name_for_is_dropped() {
    for name in [
        "s3:ObjectAccessed:Get",
        "s3:ObjectCreated:PutRetention",
        "ObjectCreated:PutRetention",
        "s3:Scanner:ManyVersions",
        "s3:BucketCreated:*",
        "s3:ObjectLifecycle:Expiration:Current",
        "s3:NotYetInvented",
    ] {
        let name = name.trim_end_matches(":*");
        let mut received = received(&body(&[record(name, "a"), record("ObjectCreated:Put", "b")]));
        let dropped = received.dropped.remove(0);
        assert_eq!(dropped, Dropped { name: name.into(), reason: DropReason::NoAmazonEvent });
        assert_eq!((received.events.len(), received.count()), (1, 1));
    }
}

#[test]
fn amazon_s_test_event_is_dropped() {
    let test_event = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"5582815E1AEA5ADF","HostId":"8cLe"}"#;
    for text in [test_event, &body(&[record("s3:TestEvent", "a")])] {
        let received = received(text);
        let expected = Dropped { name: "s3:TestEvent".into(), reason: DropReason::TestEvent };
        assert_eq!((received.dropped.as_slice(), received.count()), ([expected].as_slice(), 1));
    }
}
