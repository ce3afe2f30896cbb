//! What fanfare writes it reads back, and nothing that it is sent makes it panic.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::{QUEUE, rule};
use crate::{
    model::{BucketName, EventPattern},
    rules::{Config, Context, Document, Overlap, Problems},
};

/// With overlap allowed, so that random rules make a document.
fn with_context<T>(read: impl FnOnce(&Context<'_>) -> T) -> T {
    let bucket: BucketName = "photos".parse().unwrap();
    let config = Config { overlap: Overlap::Allow, ..Config::default() };
    read(&Context { bucket: &bucket, region: "us-east-1", config: &config })
}

fn from_json(text: &[u8]) -> Result<Document, Problems> {
    with_context(|context| Document::from_json(text, context))
}

fn from_xml(text: &[u8]) -> Result<Document, Problems> {
    with_context(|context| Document::from_xml(text, context))
}

/// Text that XML can hold, with everything in it that needs care.
fn text() -> impl Strategy<Value = String> {
    let nasty = select(vec!["&", "<", ">", "\"", "'", "\r", "\n", "\r\n", "\t", " ", "]]>", "%3D"]);
    let piece = prop_oneof![
        nasty.prop_map(String::from),
        "[a-z]{1,3}",
        "\\PC".prop_map(|text| legal(&text))
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn legal(text: &str) -> String {
    text.replace(['\u{FFFE}', '\u{FFFF}'], "")
}

fn document() -> impl Strategy<Value = Document> {
    let event = select(EventPattern::all()).prop_map(|event| event.to_string());
    let rules = vec((text(), event, text(), proptest::option::of(text())), 0..5);
    (rules, any::<bool>()).prop_map(|(rules, event_bridge)| {
        let numbered = rules.iter().enumerate().map(|(n, (id, event, prefix, suffix))| {
            let id = if id.is_empty() { String::new() } else { format!("{n}{id}") };
            rule(&id, event, Some(prefix), suffix.as_deref())
        });
        let (mut queues, mut topics) = (Vec::new(), Vec::new());
        for (n, mut entry) in numbered.enumerate() {
            if n % 2 == 0 {
                queues.push(entry);
                continue;
            }
            entry.as_object_mut().unwrap().remove("QueueArn");
            entry["TopicArn"] = QUEUE.replace("sqs", "sns").into();
            topics.push(entry);
        }
        let mut document = json!({ "QueueConfigurations": queues, "TopicConfigurations": topics });
        if event_bridge {
            document["EventBridgeConfiguration"] = json!({});
        }
        from_json(document.to_string().as_bytes()).unwrap()
    })
}

/// Pieces of the grammar in any order: nearer to a document than random bytes are.
fn almost_a_document() -> impl Strategy<Value = String> {
    let pieces = [
        "<NotificationConfiguration>",
        "</NotificationConfiguration>",
        "<QueueConfiguration>",
        "</QueueConfiguration>",
        "<Id>",
        "</Id>",
        "<Filter>",
        "<S3Key>",
        "<FilterRule>",
        "<Name/>",
        "&amp;",
        "&#x0;",
        "&",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<!DOCTYPE",
        "<?xml ?>",
        "<",
        ">",
        "/",
        "\"",
        "ü",
        "\u{FEFF}",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"QueueConfigurations\"",
        "\"QueueArn\"",
        "\"\\ud800\"",
        "null",
        "1e999",
    ];
    vec(select(pieces.to_vec()), 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn json_reads_back_as_it_was_written(document in document()) {
        prop_assert_eq!(from_json(document.to_json().as_bytes()).unwrap(), document);
    }

    #[test]
    fn xml_reads_back_as_it_was_written(document in document()) {
        prop_assert_eq!(from_xml(document.to_xml().as_bytes()).unwrap(), document);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        drop((from_json(&bytes), from_xml(&bytes)));
    }

    #[test]
    fn anything_like_a_document_is_read_or_refused_with_words(text in almost_a_document()) {
        for outcome in [from_json(text.as_bytes()), from_xml(text.as_bytes())] {
            if let Err(problems) = outcome {
                prop_assert!(!problems.to_string().is_empty());
            }
        }
    }
}

#[test]
fn deep_nesting_is_refused_or_passed_over_without_a_deep_stack() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    assert!(from_xml(deep("<Filter>", "</Filter>").as_bytes()).is_err());
    let lists = deep("[", "]");
    assert!(from_json(lists.as_bytes()).is_err());
    let metadata = format!("{{\"ResponseMetadata\":{lists}}}");
    assert!(from_json(metadata.as_bytes()).unwrap().is_empty());
}
