//! Which buckets there are, who owns them, and the two ways to name one.

use serde_json::{Value, json};

use super::{
    Addressing, CREATED, Client, QUEUE, Request, SECRET, error, filtered, home, with_keys,
};
use crate::harness::{Home, minio, moto, rule, rules};

const PUT: &str = "put_bucket_notification_configuration";
const GET: &str = "get_bucket_notification_configuration";
const ALL: [&str; 2] = ["all", SECRET];

fn bare_home() -> Home {
    with_keys(Home::without_aws())
}

fn known(patterns: &[&str]) -> Home {
    let patterns: Vec<_> = patterns.iter().copied().map(toml::Value::from).collect();
    bare_home().set("buckets", "unknown", "reject").set("buckets", "known", patterns)
}

/// What both calls say of a bucket.
fn both_of(client: &mut Client, bucket: &str, owner: &Value) -> [(u16, Vec<(String, String)>); 2] {
    let mut put = json!({ "NotificationConfiguration": {} });
    put.as_object_mut().expect("it is one").extend(owner.as_object().expect("it is one").clone());
    [(PUT, put), (GET, owner.clone())].map(|(call, arguments)| {
        let answer = client.boto3(call, bucket, arguments);
        if answer.status == 200 {
            return (200, Vec::new());
        }
        let (status, elements) = answer.refused();
        (status, elements.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    })
}

fn owned(elements: (u16, Vec<(&str, &str)>)) -> (u16, Vec<(String, String)>) {
    let (status, elements) = elements;
    (status, elements.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn a_bucket_that_is_not_known_does_not_exist() {
    let home = known(&["photos", "team-*"]);
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let message = "The specified bucket does not exist";
    for bucket in ["photo", "photos2", "team", "other"] {
        let missing = owned(error("NoSuchBucket", message, &[("BucketName", bucket)]));
        assert_eq!(both_of(client, bucket, &json!({})), [missing.clone(), missing], "{bucket}");
    }
    for bucket in ["photos", "team-a", "team-"] {
        assert_eq!(both_of(client, bucket, &json!({})).map(|(status, _)| status), [200; 2]);
    }
    // A bucket that is missing comes before a document that is wrong.
    let answer = client.send(&Request { path: "/other", body: "no XML", ..Request::default() });
    assert_eq!(answer.code(), (404, "NoSuchBucket"));
}

#[test]
fn every_bucket_exists_where_the_settings_do_not_say_otherwise() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    assert_eq!(both_of(client, "anything-at-all", &json!({})).map(|(s, _)| s), [200; 2]);
}

#[test]
fn an_owner_who_is_expected_has_to_be_the_owner() {
    let theirs = toml::toml! { owner = "999988887777" };
    let home = bare_home().set("buckets", "theirs", theirs);
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let denied = || owned(error("AccessDenied", "Access Denied", &[]));
    for (bucket, owner, allowed) in [
        ("ours", "123456789012", true),
        ("ours", "999988887777", false),
        ("theirs", "999988887777", true),
        ("theirs", "123456789012", false),
        ("ours", "", false),
    ] {
        let outcome = both_of(client, bucket, &json!({ "ExpectedBucketOwner": owner }));
        let expected = if allowed { (200, Vec::new()) } else { denied() };
        assert_eq!(outcome, [expected.clone(), expected], "{bucket} {owner}");
    }
}

#[test]
fn a_bucket_is_named_in_the_path_or_in_the_host() {
    let home = home();
    let daemon = home.start();
    let client = &mut Client::of(&home);
    let queue = moto().queue("s3-addressing");
    let one =
        |id: &str| rules(&[filtered(rule(id, &queue.arn, &[CREATED]), &[("Prefix", "images/")])]);
    for (id, put, get) in [
        ("virtual", Addressing::Virtual, Addressing::Path),
        ("path", Addressing::Path, Addressing::Virtual),
    ] {
        let arguments = json!({ "NotificationConfiguration": one(id) });
        client.boto3_as(ALL, put, "photos", (PUT, arguments)).accepted();
        assert!(queue.receive_one().get("Records").is_none());
        let got = client.boto3_as(ALL, get, "photos", (GET, json!({}))).accepted();
        assert_eq!(got, one(id));
        daemon.accepts(&minio("ObjectCreated:Put", "photos", "images/a"));
        assert_eq!(queue.receive_one()["Records"][0]["s3"]["configurationId"], id);
    }
    // A name with dots and capitals in the host, which no certificate would cover.
    let dotted = Request { host: "a.b.s3.fanfare.test", path: "/", ..Request::default() };
    let body = format!(
        "<a><QueueConfiguration><Id>dots</Id><Queue>{QUEUE}</Queue><Event>{CREATED}</Event>\
         </QueueConfiguration></a>"
    );
    let put = Request { headers: &[super::SKIP], body: &body, ..dotted };
    client.send(&put).accepted();
    assert_eq!(client.get("a.b")["QueueConfigurations"][0]["Id"], "dots");
    // The domain by itself names no bucket; the path does.
    let path =
        Request { host: "s3.fanfare.test", path: "/a.b", method: "GET", ..Request::default() };
    assert!(client.send(&path).body.contains("<Id>dots</Id>"));
}

#[test]
fn what_is_no_bucket_name_is_refused() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for path in ["/a%20b", "/a%2Fb", "/..", &format!("/{}", "x".repeat(256))] {
        for method in ["GET", "PUT"] {
            let answer = client.send(&Request { method, path, ..Request::default() });
            assert_eq!(answer.code(), (400, "InvalidBucketName"), "{method} {path}");
        }
    }
}

#[test]
fn whatever_else_is_asked_is_not_implemented() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let message = "A header you provided implies functionality that is not implemented";
    for (method, path, query) in [
        ("GET", "/", ""),
        ("GET", "/photos", ""),
        ("PUT", "/photos", ""),
        ("HEAD", "/photos", ""),
        ("DELETE", "/photos", "notification"),
        ("POST", "/photos", "notification"),
        ("GET", "/photos", "acl"),
        ("GET", "/photos", "list-type=2"),
        ("PUT", "/photos/key", ""),
        ("GET", "/photos/key", "notification"),
        ("PUT", "/photos/key", "notification"),
        ("GET", "/", "notification"),
    ] {
        let answer = client.send(&Request { method, path, query, ..Request::default() });
        if method == "HEAD" {
            // It has no body to say it in.
            assert_eq!((answer.status, answer.body.as_str()), (501, ""));
            continue;
        }
        assert_eq!(
            answer.refused(),
            error("NotImplemented", message, &[]),
            "{method} {path}?{query}"
        );
    }
    let answer = client.boto3("list_objects_v2", "photos", json!({}));
    assert_eq!(answer.raised()["Code"], "NotImplemented");
}
