//! A restart refuses no connection: the listeners are open before the daemon and after it.

use std::{
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
};

use ureq::Agent;

use crate::harness::{Home, SOON, minio, python, root, until};

/// A client that makes a connection for each request.
fn client() -> Agent {
    Agent::config_builder().max_idle_connections(0).timeout_global(Some(SOON)).build().into()
}

/// Posts until the end; how many posts were answered 200. The first that is not fails the test.
fn post_until(ended: &AtomicBool, url: &str, posted: &AtomicUsize) {
    let (client, body) = (client(), minio("ObjectCreated:Put", "photos", "a").to_string());
    while !ended.load(Relaxed) {
        let answer = client.post(url).header("connection", "close").send(&body);
        let answer = answer.expect("no connection is refused, reset or left alone");
        assert_eq!(answer.status(), 200);
        posted.fetch_add(1, Relaxed);
    }
}

#[test]
fn a_restart_refuses_no_connection() {
    let home = Home::without_aws();
    let address = |listener: &str| format!("{listener}={}", home.address(listener));
    let script = root().join("tests/it/systemd/manager.py").to_string_lossy().into_owned();
    let python = python().to_string_lossy().into_owned();
    let [events, s3, admin] = ["events", "s3", "admin"].map(address);
    let manager = home.start_under(&[&python, &script, &events, &s3, &admin, "--"], &[]);
    let ready = || home.log().matches(" ready ").count();
    until("the first daemon", SOON, || (ready() == 1).then_some(()));

    let (ended, posted) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let url = manager.events_url("/");
        for _ in 0..4 {
            let (url, ended, posted) = (url.clone(), &ended, &posted);
            scope.spawn(move || post_until(ended, &url, posted));
        }
        for restarts in 1..=3 {
            let before = posted.load(Relaxed);
            until("some posts", SOON, || (posted.load(Relaxed) > before + 20).then_some(()));
            manager.signal("USR1");
            until("the next daemon", SOON, || (ready() > restarts).then_some(()));
        }
        let before = posted.load(Relaxed);
        until("some posts", SOON, || (posted.load(Relaxed) > before + 20).then_some(()));
        ended.store(true, Relaxed);
    });
    assert_eq!(home.log().matches("INFO fanfare: stopped").count(), 3);
    manager.stop();
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn systemd_hands_its_sockets_over() {
    if Command::new("systemd-socket-activate").arg("--version").output().is_err() {
        eprintln!("skipped: this machine has no systemd-socket-activate; it is part of systemd");
        return;
    }
    let home = Home::without_aws();
    let mut launcher = vec!["systemd-socket-activate".to_owned()];
    for listener in ["events", "s3", "admin"] {
        launcher.push(format!("--listen={}", home.address(listener)));
    }
    launcher.push("--fdname=events:s3:admin".into());
    launcher.extend(["-E", "AWS_ACCESS_KEY_ID", "-E", "AWS_SECRET_ACCESS_KEY"].map(Into::into));
    let launcher: Vec<&str> = launcher.iter().map(String::as_str).collect();
    let daemon = home.start_under(&launcher, &[]);
    assert_eq!(daemon.post(b"{}", &[]).status, 200);
    assert_eq!(
        client()
            .get(format!("http://{}/healthz", home.address("admin")))
            .call()
            .expect("it listens")
            .status(),
        200
    );
    daemon.stop();
}

#[test]
fn a_socket_for_nothing_and_two_for_one_listener_are_refused() {
    let home = Home::without_aws();
    for (names, told) in [
        ("events:web", "a socket unit hands over `web`; set its FileDescriptorName="),
        ("events:events", "two sockets are handed over for events"),
    ] {
        let settings = home.settings_file();
        let mut serve = Command::new(python());
        serve.arg("-c").arg(HAND_OVER).arg(names).arg(env!("CARGO_BIN_EXE_fanfare")).arg(&settings);
        let output = serve.output().expect("python starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told), "{said}");
        assert_eq!(output.status.code(), Some(78), "no restart mends a unit");
    }
}

/// Becomes a daemon to which two sockets of these names are handed over.
const HAND_OVER: &str = "
import os, socket, sys
names, program, settings = sys.argv[1:]
kept = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
for at, listener in enumerate(os.dup(listener.fileno()) for listener in kept):
    os.dup2(listener, 50 + at)
for at in range(2):
    os.dup2(50 + at, 3 + at)
handed = {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '2', 'LISTEN_FDNAMES': names}
os.execve(program, [program, 'serve', '--config', settings], os.environ | handed)
";
