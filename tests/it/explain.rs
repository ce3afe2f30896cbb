//! Why an event goes where it goes, from the files and from the daemon.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Daemon, Home, SOON, Sink, explain, free_port, minio, rule, rules, until};

const THUMBS: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";
const AUDIT: &str = "arn:aws:sqs:us-east-1:123456789012:audit";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/default";
const KEY: &str = "year=2026/a b.jpg";

/// One rule that falls into the trap, one for another event, and EventBridge.
fn document() -> Value {
    let mut trapped = rule("thumbs", THUMBS, &["s3:ObjectCreated:*"]);
    let prefix = json!({ "Name": "prefix", "Value": "year=2026/" });
    trapped["Filter"] = json!({ "Key": { "FilterRules": [prefix] } });
    let mut document = rules(&[trapped, rule("audit", AUDIT, &["s3:ObjectRemoved:*"])]);
    document["EventBridgeConfiguration"] = json!({});
    document
}

/// The arguments that ask for this event of the key, from this source.
fn asking<'a>(event: &'a str, source: [&'a str; 2]) -> Vec<&'a str> {
    [&["--bucket", "photos", "--key", KEY, "--event", event][..], &source].concat()
}

#[test]
fn the_files_are_explained_without_a_daemon() {
    let home = Home::without_aws();
    home.document("photos", &document());
    let settings = home.settings_file();
    let source = ["--config", settings.to_str().expect("a home has a plain name")];
    let (code, said, _) = explain(&asking("s3:ObjectCreated:Put", source));
    let expected = format!(
        "event        s3:ObjectCreated:Put
bucket       photos
key          {KEY}
encoded key  year%3D2026/a+b.jpg
document     in {}

rule         thumbs
destination  {THUMBS}
outcome      no: prefix `year=2026/` never matches because Amazon compares the encoded key \
         `year%3D2026/…`: write `year%3D2026/`

rule         audit
destination  {AUDIT}
outcome      no: the rule lists s3:ObjectRemoved:*, not s3:ObjectCreated:Put

rule         EventBridge
destination  {BUS}
outcome      matched

1 of 3 rules matches: → {BUS}
",
        home.documents().display()
    );
    assert_eq!((code, said), (Some(0), expected));
}

#[test]
fn the_daemon_explains_what_is_in_force_as_the_files_do() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = Home::sending_to(&sink);
    home.document("photos", &document());
    let settings = home.settings_file();
    let daemon = home.start();
    let from_files = ["--config", settings.to_str().expect("a home has a plain name")];
    let url = format!("http://{}/", home.address("admin"));
    let from_daemon = ["--admin", &url];
    for event in
        ["ObjectCreated:Put", "s3:ObjectRemoved:Delete", "s3:Replication:OperationNotTracked"]
    {
        let of = |source| explain(&[asking(event, source), vec!["--json"]].concat());
        let ((code, files, _), (_, daemon, _)) = (of(from_files), of(from_daemon));
        assert_eq!((code, &files), (Some(0), &daemon));
        let explanation: Value = serde_json::from_str(&files).expect("it is JSON");
        assert_eq!(explanation["rules"].as_array().map(Vec::len), Some(3));
    }
    let (_, said, _) = explain(&asking("ObjectRemoved:Delete", from_daemon));
    assert!(said.contains(&format!(
        "document     in force in the daemon at http://{}",
        home.address("admin")
    )));
    assert!(said.ends_with(&format!("2 of 3 rules match: → {AUDIT}, {BUS}\n")), "{said}");

    // It is what really happens.
    daemon.accepts(&minio("ObjectRemoved:Delete", "photos", KEY));
    until("queue and bus are sent to", SOON, || (sink.count() >= 2).then_some(()));
    let of = |name| sink.look(|kept| kept.0.get(name).map_or(0, Vec::len));
    assert_eq!(["audit", "default", "thumbs"].map(of), [1, 1, 0]);
}

#[test]
fn a_broken_document_is_explained_by_the_last_good_one() {
    let home = Home::without_aws();
    let settings = home.settings_file();
    let source = ["--config", settings.to_str().expect("a home has a plain name")];
    let asked = asking("s3:ObjectRemoved:Delete", source);
    home.document_text("photos.json", "{");
    let (code, said, _) = explain(&asked);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("photos.json: the JSON is wrong: EOF"), "{said}");
    assert!(
        said.contains("in force     nothing; the bucket's events go to the quarantine"),
        "{said}"
    );

    home.document("photos", &document());
    let daemon = home.start();
    let copy = home.documents().join(".last-good/photos.json");
    until("there is a copy", SOON, || fs::exists(&copy).expect("it is readable").then_some(()));
    home.document_text("photos.json", "{");
    until("the broken document shows", SOON, || {
        daemon.readyz().text.contains("photos").then_some(())
    });
    let url = format!("http://{}", home.address("admin"));
    for asked in [asked, asking("s3:ObjectRemoved:Delete", ["--admin", &url])] {
        let (code, said, _) = explain(&asked);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("document     broken: /"), "{said}");
        assert!(said.contains("in force     the last document that could be read\n"), "{said}");
        assert!(said.contains("2 of 3 rules match"), "{said}");
    }
}

#[test]
fn a_bucket_without_a_document_is_explained() {
    let home = Home::without_aws();
    let settings = home.settings_file();
    let source = ["--config", settings.to_str().expect("a home has a plain name")];
    let (code, said, _) = explain(&asking("s3:ObjectCreated:Put", source));
    assert_eq!(code, Some(0));
    assert!(
        said.contains(&format!("document     none in {}", home.documents().display())),
        "{said}"
    );
    assert!(
        said.ends_with("\nno rule matches: the bucket has no notification document\n"),
        "{said}"
    );
}

#[test]
fn a_question_that_is_none_is_wrong_usage() {
    for (event, meant) in [
        ("s3:ObjectCreated:put", "did you mean `s3:ObjectCreated:Put`?"),
        ("s3:ObjectCreated:*", "stands for several events"),
    ] {
        let (code, said, complaint) = explain(&asking(event, ["--config", "/nowhere"]));
        assert_eq!((code, said.as_str()), (Some(2), ""), "{complaint}");
        assert!(complaint.contains(meant), "{complaint}");
    }
    let event = "s3:ObjectCreated:Put";
    for source in [["--admin", "127.0.0.1:9712"], ["--admin", "ftp://127.0.0.1:9712"]] {
        let (code, _, complaint) = explain(&asking(event, source));
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.contains("write it as http://HOST:PORT"), "{complaint}");
    }
    let (code, _, complaint) = explain(&["--bucket", "a/b", "--key", "", "--event", event]);
    assert_eq!(code, Some(2), "{complaint}");
}

#[test]
fn whoever_cannot_be_asked_is_named() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let (code, said, complaint) = explain(&asking("ObjectCreated:Put", ["--admin", &nobody]));
    assert_eq!((code, said.as_str()), (Some(1), ""));
    let named = format!(
        "nobody listens at {nobody}; start the daemon, or correct --admin to its listen.admin: "
    );
    assert!(complaint.contains(&named), "{complaint}");

    let home = Home::without_aws();
    let _daemon: Daemon<'_> = home.start();
    let another = format!("http://{}", home.address("s3"));
    let (code, _, complaint) = explain(&asking("ObjectCreated:Put", ["--admin", &another]));
    assert_eq!(code, Some(1));
    assert!(complaint.contains(&format!("{another} answers 403 `")), "{complaint}");

    let (code, _, complaint) = explain(&asking("ObjectCreated:Put", ["--config", "/nowhere"]));
    assert_eq!(code, Some(78), "{complaint}");
    fs::remove_dir_all(home.documents()).expect("it is there");
    let settings = home.settings_file();
    let source = ["--config", settings.to_str().expect("a home has a plain name")];
    let (code, _, complaint) = explain(&asking("ObjectCreated:Put", source));
    assert_eq!(code, Some(78), "{complaint}");
}

#[test]
fn the_admin_port_names_the_parameter_that_is_wrong() {
    let home = Home::without_aws();
    let daemon = home.start();
    for (query, parameter, problem) in [
        ("bucket=photos&event=ObjectCreated:Put", "key", "is missing"),
        (
            "bucket=photos&event=ObjectCreated:Pu&key=a",
            "event",
            "did you mean `s3:ObjectCreated:Put`?",
        ),
        ("bucket=a%2Fb&event=ObjectCreated:Put&key=a", "bucket", "is no bucket name"),
        ("bucket=photos&event=ObjectCreated:Put&key=", "key", "is empty"),
    ] {
        let answer = daemon.ask(&format!("explain?{query}"));
        assert_eq!((answer.status, &answer.json()["parameter"]), (400, &json!(parameter)));
        assert!(answer.json()["problem"].to_string().contains(problem), "{}", answer.text);
    }
    let query = "explain?bucket=photos&event=s3:ObjectCreated:Put&key=a%3Db+c";
    assert_eq!(daemon.ask(query).json()["encoded_key"], "a%3Db+c");
}
