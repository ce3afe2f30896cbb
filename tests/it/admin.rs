//! Who may ask the admin port: everybody on this machine, or whoever has the token.

use std::fs;

use serde_json::json;

use crate::harness::{Home, SOON, check, free_port, serve_refuses, until};

fn guarded(home: Home) -> Home {
    fs::write(home.path("admin.token"), "s3cr3t\n").expect("the home is writable");
    let token = home.path("admin.token").to_string_lossy().into_owned();
    home.set("admin", "token_file", token)
}

#[test]
fn with_a_token_only_health_and_readiness_are_for_all() {
    let home = guarded(Home::without_aws());
    let daemon = home.start();
    for path in ["healthz", "readyz"] {
        assert_eq!(daemon.ask(path).status, 200, "{path}");
    }
    for path in ["metrics", "explain?bucket=a&event=b&key=c", "nothing"] {
        let refused = daemon.ask(path);
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.text.contains("Authorization: Bearer <token>"), "{}", refused.text);
        let wrong = daemon.ask_with(path, &[("authorization", "Bearer s3cr3t2")]);
        assert_eq!(wrong.status, 401, "{path}");
    }
    for path in [
        "destinations",
        "dead-letters",
        "dead-letters/a%230",
        "quarantine",
        "quarantine/1",
        "replays",
        "replays/1",
        "status",
        "buckets",
        "buckets/b",
        "tail",
        "openapi.yaml",
    ] {
        assert_eq!(daemon.ask(path).status, 401, "{path}");
    }
    for path in
        ["dead-letters/redrive", "dead-letters/purge", "quarantine/purge", "replays", "metrics"]
    {
        let told = daemon.tell(path, &json!({})).expect("the daemon answers");
        assert_eq!(told.status, 401, "{path}");
    }
    let let_in = daemon.ask_with("metrics", &[("authorization", "Bearer s3cr3t")]);
    assert_eq!(let_in.status, 200);
    assert!(!home.log().contains("s3cr3t"), "no token is logged");
    assert_eq!(daemon.ask(&"long".repeat(1000)).status, 401);
    assert!(!home.log().contains(&"long".repeat(100)), "nor much of what an outsider sends");
}

#[test]
fn a_reload_lets_the_new_token_in_and_the_old_one_no_more() {
    let home = guarded(Home::without_aws());
    fs::write(home.path("events.token"), "s3cr3t").expect("the home is writable");
    let token = home.path("events.token").to_string_lossy().into_owned();
    let home = home.set("events", "auth_token_file", token);
    let daemon = home.start();
    let answers = |token: &str| {
        let header = [("authorization", token)];
        [daemon.ask_with("metrics", &header).status, daemon.post(b"{}", &header).status]
    };
    assert_eq!(answers("Bearer s3cr3t"), [200, 200]);

    fs::write(home.path("events.token"), "n3w").expect("the home is writable");
    fs::write(home.path("admin.token"), "").expect("the home is writable");
    daemon.signal("HUP");
    let told = |words: &str| home.log().contains(words).then_some(());
    until("it is refused", SOON, || told("cannot reload; what was in force still is"));
    assert_eq!(answers("Bearer s3cr3t"), [200, 200], "all or nothing");

    fs::write(home.path("admin.token"), "n3w").expect("the home is writable");
    daemon.signal("HUP");
    until("it is in force", SOON, || told("reloaded log.filter"));
    assert_eq!((answers("Bearer n3w"), answers("Bearer s3cr3t")), ([200, 200], [401, 401]));
}

#[test]
fn without_a_token_no_web_page_may_ask() {
    let home = Home::without_aws();
    let daemon = home.start();
    assert_eq!(daemon.ask("metrics").status, 200);
    let rebound = daemon.ask_with("metrics", &[("host", "evil.example:9712")]);
    assert_eq!(rebound.status, 403);
    assert!(rebound.text.contains("set admin.token_file"), "{}", rebound.text);
    let page = daemon.ask_with("readyz", &[("origin", "https://evil.example")]);
    assert_eq!(page.status, 403);
    assert!(page.text.contains("a web page asks"), "{}", page.text);
}

#[test]
fn a_port_for_others_needs_a_token() {
    let address = format!("0.0.0.0:{}", free_port());
    let home = Home::without_aws().set("listen", "admin", address.as_str());
    for (code, printed) in [check(&home, &[]), serve_refuses(&home.settings_file())] {
        assert_eq!(code, Some(78), "{printed}");
        assert!(printed.contains(&format!("listen.admin {address} can be reached")), "{printed}");
        assert!(printed.contains("set admin.token_file, or listen on a loopback"), "{printed}");
    }
    let home = guarded(home);
    assert_eq!(check(&home, &[]).0, Some(0));
    let daemon = home.start();
    assert_eq!(daemon.ask("metrics").status, 401);
}

#[test]
fn a_token_that_cannot_be_read_is_found_before_and_at_the_start() {
    let home = guarded(Home::without_aws());
    fs::remove_file(home.path("admin.token")).expect("it is there");
    for (code, printed) in [check(&home, &[]), serve_refuses(&home.settings_file())] {
        assert_eq!(code, Some(78), "{printed}");
        assert!(printed.contains("cannot read admin.token_file /"), "{printed}");
    }
}
