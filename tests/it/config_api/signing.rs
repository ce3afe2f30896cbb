//! Whoever may not ask is told so in Amazon's words, and learns nothing else.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{Addressing, Client, QUEUE, Request, SECRET, SKIP, error, with_keys};
use crate::harness::{Home, SOON, rule, rules, until};

const DOCUMENT: &str = "<NotificationConfiguration><EventBridgeConfiguration/>\
                        </NotificationConfiguration>";

fn home() -> Home {
    with_keys(Home::without_aws())
}

/// A request of this method that is well signed.
fn request(method: &str) -> Request<'_> {
    let body = if method == "PUT" { DOCUMENT } else { "" };
    Request { method, body, headers: &[SKIP], ..Request::default() }
}

/// What the answer to an error document begins with.
fn told(elements: &[(&str, &str)]) -> [(String, String); 2] {
    [0, 1].map(|n| (elements[n].0.to_owned(), elements[n].1.to_owned()))
}

fn words(code: &str, message: &str) -> [(String, String); 2] {
    [("Code", code), ("Message", message)].map(|(n, v)| (n.to_owned(), v.to_owned()))
}

#[test]
fn a_signature_is_taken_in_the_header_and_in_the_query_with_the_payload_or_without() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for (signed, payload) in [("header", "signed"), ("header", "unsigned"), ("query", "unsigned")] {
        let put = Request { signed, payload, ..request("PUT") };
        client.send(&put).accepted();
        let get = Request { signed, payload, ..request("GET") };
        let body = client.send(&get).body;
        assert!(body.contains("<EventBridgeConfiguration"), "{signed} {payload}: {body}");
        let empty = Request { body: "<NotificationConfiguration/>", ..put };
        client.send(&empty).accepted();
    }
}

#[test]
fn a_reload_changes_who_may_ask() {
    let home = Home::without_aws();
    let secret_file = home.path("secret");
    fs::write(&secret_file, SECRET).expect("the home is writable");
    let file = secret_file.to_string_lossy().into_owned();
    let key = toml::toml! { access_key_id = "all" secret_access_key_file = file };
    let home = home.set_top("credentials", vec![toml::Value::from(key)]);
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let new = |key| Request { key: ["all", key], ..request("PUT") };
    client.send(&new(SECRET)).accepted();
    let reload = |times| {
        daemon.signal("HUP");
        until("the reload", SOON, || {
            (home.log().matches("reloaded log.filter").count() == times).then_some(())
        });
    };

    fs::write(&secret_file, "another").expect("the home is writable");
    reload(1);
    client.send(&new("another")).accepted();
    assert_eq!(client.send(&new(SECRET)).status, 403);

    fs::remove_file(&secret_file).expect("it is there");
    daemon.signal("HUP");
    until("the refusal", SOON, || home.log().contains("cannot reload").then_some(()));
    client.send(&new("another")).accepted();
}

#[test]
fn a_clock_may_be_wrong_by_a_quarter_of_an_hour() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for method in ["GET", "PUT"] {
        for clock in [-14 * 60, 14 * 60] {
            client.send(&Request { clock, ..request(method) }).accepted();
        }
        for clock in [-16 * 60, 16 * 60] {
            let answer = client.send(&Request { clock, ..request(method) });
            let (status, elements) = answer.refused();
            let message = "The difference between the request time and the current time is too \
                           large.";
            assert_eq!((status, told(&elements)), (403, words("RequestTimeTooSkewed", message)));
            let rest: Vec<_> = elements[2..].iter().map(|(name, _)| *name).collect();
            assert_eq!(rest, ["RequestTime", "ServerTime", "MaxAllowedSkewMilliseconds"]);
            assert_eq!(elements[4].1, "900000");
        }
    }
}

#[test]
fn a_presigned_url_expires() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let presigned = |clock| Request { signed: "query", clock, ..request("GET") };
    client.send(&presigned(-30)).accepted();
    let answer = client.send(&presigned(-90));
    let (status, elements) = answer.refused();
    assert_eq!((status, told(&elements)), (403, words("AccessDenied", "Request has expired")));
    let answer = client.send(&presigned(16 * 60));
    let (status, elements) = answer.refused();
    let words = words("AccessDenied", "Request is not yet valid");
    assert_eq!((status, told(&elements)), (403, words));
}

#[test]
fn the_log_tells_why_a_request_was_refused_and_no_signature() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let late = Request { signed: "query", clock: -90, ..request("GET") };
    let answer = client.send(&late);
    assert_eq!(answer.refused().0, 403);
    let log = fs::read_to_string(home.path("log")).expect("the daemon logs");
    let refused: Vec<_> = log.lines().filter(|line| line.contains("request refused")).collect();
    assert_eq!(refused.len(), 1, "{log}");
    assert!(refused[0].contains("Request has expired"), "{log}");
    assert!(!log.to_lowercase().contains("x-amz-signature"), "{log}");
}

#[test]
fn whoever_asks_whether_to_send_is_refused_at_once() {
    let home = home();
    let _daemon = home.start();
    let mut wire = TcpStream::connect(home.address("s3")).expect("the port is open");
    wire.set_read_timeout(Some(SOON)).expect("a time-out can be set");
    let head = "PUT /photos?notification HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\
                Expect: 100-continue\r\nConnection: close\r\n\r\n";
    wire.write_all(head.as_bytes()).expect("it listens");
    let mut answer = String::new();
    // The body never comes, and no answer waits for it.
    wire.read_to_string(&mut answer).expect("it answers and closes");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("<Code>AccessDenied</Code>"), "{answer}");
}

#[test]
fn a_wrong_key_a_wrong_secret_and_no_key_at_all_are_told_apart() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for method in ["GET", "PUT"] {
        for signed in ["header", "query"] {
            let nobody = Request { key: ["nobody", SECRET], signed, ..request(method) };
            let answer = client.send(&nobody);
            let (status, elements) = answer.refused();
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            assert_eq!((status, told(&elements)), (403, words("InvalidAccessKeyId", message)));
            assert_eq!(elements[2..], [("AWSAccessKeyId", "nobody")]);

            let guess = Request { key: ["all", "guess"], signed, ..request(method) };
            let answer = client.send(&guess);
            let (status, elements) = answer.refused();
            let message = "The request signature we calculated does not match the signature you \
                           provided. Check your key and signing method.";
            assert_eq!((status, told(&elements)), (403, words("SignatureDoesNotMatch", message)));
            assert!(!answer.body.contains(SECRET), "{}", answer.body);
        }
        let anonymous = Request { signed: "no", ..request(method) };
        let denied = error("AccessDenied", "Access Denied", &[]);
        assert_eq!(client.send(&anonymous).refused(), denied, "{method}");
    }
}

#[test]
fn nobody_changes_a_body_that_was_signed() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let forged = Request { sent_body: Some("<a/>"), ..request("PUT") };
    assert_eq!(client.send(&forged).code(), (400, "XAmzContentSHA256Mismatch"));
    let unsigned = Request { payload: "unsigned", ..forged };
    client.send(&unsigned).accepted();
}

#[test]
fn a_key_does_what_it_is_for_in_the_buckets_that_it_is_for() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let logs = ["logs", SECRET];
    let denied = error("AccessDenied", "Access Denied", &[]);
    for (method, path, allowed) in [
        ("GET", "/logs-eu", true),
        ("GET", "/photos", false),
        ("PUT", "/logs-eu", false),
        ("PUT", "/photos", false),
    ] {
        let answer = client.send(&Request { key: logs, path, ..request(method) });
        if allowed {
            answer.accepted();
        } else {
            assert_eq!(answer.refused(), denied, "{method} {path}");
        }
    }
    // It is told so before its document is read.
    let broken = Request { key: logs, path: "/logs-eu", body: "no XML", ..request("PUT") };
    assert_eq!(client.send(&broken).refused(), denied);
    assert_eq!(client.get("logs-eu"), json!({}));
}

#[test]
fn boto3_raises_what_amazon_s_would() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let arguments = || json!({ "NotificationConfiguration": rules(&[rule("q", QUEUE, &["s3:ObjectCreated:*"])]) });
    for (key, code) in [
        (["nobody", SECRET], "InvalidAccessKeyId"),
        (["all", "guess"], "SignatureDoesNotMatch"),
        (["logs", SECRET], "AccessDenied"),
    ] {
        for addressing in [Addressing::Path, Addressing::Virtual] {
            for (call, arguments) in [
                ("put_bucket_notification_configuration", arguments()),
                ("get_bucket_notification_configuration", Value::Object(serde_json::Map::new())),
            ] {
                let answer = client.boto3_as(key, addressing, "photos", (call, arguments));
                assert_eq!((answer.status, &answer.raised()["Code"]), (403, &code.into()));
            }
        }
    }
}
