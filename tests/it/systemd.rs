//! The service manager hears when the daemon serves and when it stops.

use std::os::unix::net::UnixDatagram;

use crate::harness::{Home, Process, SOON};

/// The next thing that the service manager is told.
fn told(manager: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = manager.recv(&mut message).expect("the daemon says something");
    String::from_utf8_lossy(&message[..length]).into_owned()
}

#[test]
fn a_start_and_a_stop_are_told() {
    let home = Home::without_aws();
    let manager = UnixDatagram::bind(home.path("notify")).expect("the home is writable");
    manager.set_read_timeout(Some(SOON)).expect("a socket can time out");
    let daemon = Process::start(env!("CARGO_BIN_EXE_fanfare"), |command| {
        command.args(["serve", "--config"]).arg(home.settings_file());
        command.env("NOTIFY_SOCKET", home.path("notify"));
    });
    assert_eq!(told(&manager).trim(), "READY=1");
    daemon.signal("TERM");
    assert_eq!(told(&manager).trim(), "STOPPING=1");
    assert_eq!(daemon.wait(SOON).code(), Some(0));
}
