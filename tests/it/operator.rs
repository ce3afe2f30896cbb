//! The commands that ask a daemon, where its admin port speaks TLS or asks for a token.

use std::fs;

use crate::harness::{Authority, Home, command};

const EXPLAIN: &[&str] =
    &["explain", "--bucket", "photos", "--key", "a", "--event", "ObjectCreated:Put"];
const LIST: &[&str] = &["dead-letters", "list"];
const REDRIVE: &[&str] = &["dead-letters", "redrive", "--destination", "*"];
const PURGE: &[&str] = &["dead-letters", "purge", "--destination", "*"];
const REPLAYS: &[&str] = &["replay", "--status"];
const STATUS: &[&str] = &["status"];
const DRY_RUN: &[&str] = &["replay", "--since", "1h ago", "--dry-run"];

/// A daemon's home, the authority of its certificate, and its token.
fn guarded() -> (Home, Authority) {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    fs::write(home.path("admin.token"), "s3cr3t\n").expect("the home is writable");
    let token = home.path("admin.token").to_string_lossy().into_owned();
    (home.set("admin", "token_file", token), authority)
}

/// Runs a command, and expects it to fail with these words, but without the token.
#[track_caller]
fn fails(arguments: &[&str], words: &str) {
    let (code, _, complaint) = command(arguments);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains(words), "{complaint}");
    assert!(!complaint.contains("s3cr3t"), "{complaint}");
}

#[test]
fn every_command_gets_through_tls_with_the_token() {
    let (home, _authority) = guarded();
    let _daemon = home.start();
    let (url, path) = (home.url("admin"), |name| home.path(name).to_string_lossy().into_owned());
    let (authority, token, settings) = (path("ca.crt"), path("admin.token"), home.settings_file());
    let known = ["--ca-file", authority.as_str()];
    let named = ["--admin", url.as_str(), "--token-file", token.as_str()];
    let read = ["--config", settings.to_str().expect("a home has a plain name")];
    for asked in [EXPLAIN, LIST, REDRIVE, PURGE, REPLAYS, STATUS, DRY_RUN] {
        let (code, _, complaint) = command(&[asked, &known, &named].concat());
        assert_eq!(code, Some(0), "{asked:?}: {complaint}");
    }
    for asked in [LIST, REDRIVE, PURGE, REPLAYS, STATUS, DRY_RUN] {
        let (code, _, complaint) = command(&[asked, &known, &read].concat());
        assert_eq!(code, Some(0), "{asked:?}: {complaint}");
    }
}

#[test]
fn who_is_not_let_in_is_told_what_to_name() {
    let (home, _authority) = guarded();
    let _daemon = home.start();
    let (url, path) = (home.url("admin"), |name| home.path(name).to_string_lossy().into_owned());
    let (authority, wrong, none) = (path("ca.crt"), path("wrong.token"), path("none"));
    fs::write(&wrong, "s3cr3t2").expect("the home is writable");
    for asked in [EXPLAIN, LIST, REDRIVE, REPLAYS, STATUS] {
        let there = [asked, &["--admin", &url, "--ca-file", &authority]].concat();
        fails(&there, "asks for a token; name the file that holds it with --token-file");
        fails(&[&there[..], &["--token-file", &wrong]].concat(), "does not take the token");
        fails(&[&there[..], &["--token-file", &none]].concat(), "cannot read --token-file /");
        fails(&[asked, &["--admin", &url]].concat(), "signed it with --ca-file");
    }
    let nobody = [LIST, &["--admin", &url, "--ca-file", &none]].concat();
    fails(&nobody, "cannot read the authorities in /");
    let plain = format!("http://{}", home.address("admin"));
    fails(&[LIST, &["--admin", &plain]].concat(), "write https:// in place of http://");
}

#[test]
fn a_port_without_tls_is_told_apart_from_one_with_it() {
    let home = Home::without_aws();
    let _daemon = home.start();
    let port = home.address("admin").rsplit_once(':').expect("an address has a port").1;
    let (code, _, complaint) =
        command(&[LIST, &["--admin", &format!("http://localhost:{port}")]].concat());
    assert_eq!(code, Some(0), "{complaint}");
    let over_tls = format!("https://{}", home.address("admin"));
    fails(&[LIST, &["--admin", &over_tls]].concat(), "write http:// in place of https://");
}

#[test]
fn what_only_a_daemon_needs_is_refused_where_none_is_asked() {
    for option in ["--ca-file", "--token-file"] {
        let (code, _, complaint) =
            command(&[EXPLAIN, &["--config", "fanfare.toml", option, "x"]].concat());
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.contains("--admin <URL>"), "{complaint}");
    }
}
