//! Whatever is posted, decoding ends, and every record is accounted for.

use proptest::{collection, prelude::*, sample};
use serde_json::{Map, Value};

use super::bodies::{body, event_of, now, received, record};
use crate::ingest::{Encoding, decode};

/// The names that mean something, so that random JSON gets past the first check.
const NAMES: &[&str] = &[
    "Records",
    "Event",
    "data",
    "eventName",
    "eventTime",
    "eventSource",
    "userIdentity",
    "s3",
    "principalId",
    "requestParameters",
    "responseElements",
    "bucket",
    "object",
    "name",
    "key",
    "size",
    "eTag",
    "versionId",
    "sequencer",
    "glacierEventData",
    "objectAnnotation",
];

const TEXTS: &[&str] = &[
    "",
    "null",
    "ObjectCreated:Put",
    "s3:ObjectRestore:Completed",
    "s3:Scanner:BigPrefix",
    "photos",
    "a%2Fb",
    "%FF",
    "2026-11-22T07:20:47Z",
    "ceph:s3",
    "18EA4EE745C3D270",
    "17",
    "é",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        sample::select(TEXTS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let name = sample::select(NAMES).prop_map(str::to_owned);
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            collection::vec((name, inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_decoded_or_refused(body: Vec<u8>) {
        for encoding in [Encoding::Json, Encoding::Ndjson] {
            drop(decode(&body, encoding, now()));
        }
    }

    #[test]
    fn arbitrary_json_is_never_an_error(json in any_json()) {
        prop_assert!(received(&json.to_string()).count() > 0);
    }

    #[test]
    fn every_record_becomes_exactly_one_thing(records in collection::vec(any_json(), 1..6)) {
        prop_assert_eq!(received(&body(&records)).count(), records.len());
    }

    /// A document in doubt is read in another way than a whole one; what comes of a record must
    /// not depend on that.
    #[test]
    fn a_bad_neighbour_changes_no_event(key in "[a-z+/ü ]{1,12}", bad in any_json()) {
        let good = record("s3:ObjectCreated:Copy", &key);
        let expected = event_of(good.clone());
        let mixed = received(&body(&[bad, good]));
        prop_assert_eq!(mixed.events.last().map(|arrival| &arrival.event), Some(&expected));
    }

    #[test]
    fn cutting_a_body_short_is_an_error(cut: sample::Index) {
        let text = body(&[record("ObjectCreated:Put", "a")]);
        let cut = &text.as_bytes()[..cut.index(text.len())];
        prop_assert!(decode(cut, Encoding::Json, now()).is_err());
    }
}
