//! What was put is what is got, word for word, and what events are routed by from then on.

use serde_json::{Value, json};

use super::{CREATED, Client, QUEUE, Request, SKIP, filtered, home, with_keys};
use crate::harness::{Home, Sink, minio, moto, rule, rules};

fn bare_home() -> Home {
    with_keys(Home::without_aws())
}

/// Every element and every odd character that a document can hold.
fn everything() -> Value {
    json!({
        "TopicConfigurations": [
            { "Id": "t2", "TopicArn": super::TOPIC, "Events": ["s3:ObjectTagging:*"] },
            { "Id": "t1", "TopicArn": super::TOPIC, "Events": ["s3:ReducedRedundancyLostObject"] },
        ],
        "QueueConfigurations": [
            filtered(
                rule("z & <y>", QUEUE, &["s3:ObjectCreated:Put", "s3:ObjectRemoved:*", "s3:ObjectCreated:Copy"]),
                &[("Suffix", ".j\"p'g"), ("Prefix", "a%3Db/ü+*&<>")],
            ),
            filtered(rule(" a ", QUEUE, &[CREATED]), &[("Prefix", "b"), ("Suffix", "")]),
        ],
        "LambdaFunctionConfigurations": [{
            "Id": "ü",
            "LambdaFunctionArn": format!("{}:live", super::FUNCTION),
            "Events": ["s3:ObjectRestore:*"],
        }],
        "EventBridgeConfiguration": {},
    })
}

#[test]
fn a_get_shows_what_was_put_in_its_order() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    assert_eq!(client.get("photos"), json!({}), "nothing is put yet");
    client.put_unvalidated("photos", &everything()).accepted();
    assert_eq!(client.get("photos"), everything());
    // The whole document is replaced, never merged.
    let other = rules(&[rule("other", QUEUE, &[CREATED])]);
    client.put_unvalidated("photos", &other).accepted();
    assert_eq!(client.get("photos"), other);
    assert_eq!(client.get("videos"), json!({}));
}

#[test]
fn names_of_filter_rules_are_taken_in_any_case_and_shown_in_one() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let with = |prefix, suffix| {
        rules(&[filtered(rule("q", QUEUE, &[CREATED]), &[(prefix, "a"), (suffix, "b")])])
    };
    for (prefix, suffix) in [("prefix", "suffix"), ("PREFIX", "sUFFIX"), ("Prefix", "Suffix")] {
        client.put_unvalidated("photos", &with(prefix, suffix)).accepted();
        assert_eq!(client.get("photos"), with("Prefix", "Suffix"));
    }
}

#[test]
fn the_wire_has_amazon_s_form() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let get = Request { method: "GET", ..Request::default() };
    let empty = client.send(&get);
    assert_eq!(
        empty.body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NotificationConfiguration \
         xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"
    );
    assert_eq!((empty.status, empty.headers["content-type"].as_str()), (200, "application/xml"));
    assert!(empty.headers.contains_key("x-amz-request-id"), "{:?}", empty.headers);
    let put = client.put_unvalidated("photos", &everything());
    assert_eq!((put.status, put.body.as_str()), (200, ""));
    assert!(put.headers.contains_key("x-amz-request-id"), "{:?}", put.headers);
    // What a GET shows can be put again, and is the same then.
    let shown = client.send(&get).body;
    client.send(&Request { headers: &[SKIP], body: &shown, ..Request::default() }).accepted();
    assert_eq!(client.send(&get).body, shown);
}

#[test]
fn an_event_is_routed_by_the_configuration_that_was_put_before_it() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = with_keys(Home::sending_to(&sink));
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let event = minio("ObjectCreated:Put", "photos", "a");
    for n in 0..20 {
        let matched = u64::from(n % 2 == 0);
        let document = if n % 2 == 0 { rules(&[rule("on", QUEUE, &[CREATED])]) } else { json!({}) };
        client.put_unvalidated("photos", &document).accepted();
        assert_eq!(daemon.accepts(&event).json()["matched"], matched, "PUT {n}");
    }
}

#[test]
fn an_empty_document_turns_notifications_off() {
    let home = bare_home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let event = minio("ObjectCreated:Put", "photos", "a");
    for empty in
        ["<NotificationConfiguration/>", "<NotificationConfiguration></NotificationConfiguration>"]
    {
        client.put_unvalidated("photos", &everything()).accepted();
        assert_eq!(daemon.accepts(&minio("ObjectCreated:Put", "photos", "b")).json()["matched"], 1);
        client.send(&Request { body: empty, ..Request::default() }).accepted();
        assert_eq!(client.get("photos"), json!({}));
        assert_eq!(daemon.accepts(&event).json()["matched"], 0);
        assert!(!home.documents().join("photos.json").exists());
    }
}

#[test]
fn an_id_that_was_missing_is_made_up_once() {
    let home = home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = moto().queue("s3-made-up-id");
    let without = |id: Option<&str>| {
        let mut rule = rule("", &queue.arn, &[CREATED]);
        let members = rule.as_object_mut().expect("a rule has members");
        match id {
            Some(id) => members.insert("Id".into(), id.into()),
            None => members.remove("Id"),
        };
        rules(&[rule])
    };
    for missing in [None, Some("")] {
        client.put_unvalidated("photos", &without(missing)).accepted();
        let got = client.get("photos");
        let id = got["QueueConfigurations"][0]["Id"].as_str().expect("there is one").to_owned();
        // Amazon's are base64 of a UUID's text.
        assert_eq!(id.len(), 48, "{id}");
        daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
        assert_eq!(queue.receive_one()["Records"][0]["s3"]["configurationId"], id.as_str());
        let file = std::fs::read_to_string(home.documents().join("photos.json"));
        assert!(file.expect("it is stored").contains(&id), "the id is in the file");
        assert_eq!(client.get("photos")["QueueConfigurations"][0]["Id"], id.as_str());
    }
}

#[test]
fn a_restart_changes_nothing() {
    let home = bare_home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let unnamed = |id: &str| {
        let mut rule = rule(id, QUEUE, &["s3:ObjectRemoved:*"]);
        rule.as_object_mut().expect("a rule has members").remove("Id");
        rules(&[rule])
    };
    client.put_unvalidated("photos", &everything()).accepted();
    client.put_unvalidated("unnamed", &unnamed("")).accepted();
    client.put_unvalidated("off", &everything()).accepted();
    client.put_unvalidated("off", &json!({})).accepted();
    let before = ["photos", "unnamed", "off"].map(|bucket| client.get(bucket));
    daemon.stop();
    let daemon = home.start();
    assert_eq!(["photos", "unnamed", "off"].map(|bucket| client.get(bucket)), before);
    assert_eq!(daemon.readyz().status, 200);
}
