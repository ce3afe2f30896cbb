//! Ports to listen on.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the range from which the kernel takes the source ports of outgoing connections: one of
/// those could otherwise sit on a daemon's port while the daemon restarts.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port that nothing listens on and that no other test is given.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two test processes at once start at different places.
    let start = u16::try_from(process::id() % 199).expect("it is below 199") * 100;
    loop {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
