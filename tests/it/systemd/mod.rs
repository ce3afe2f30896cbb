//! What the service manager hands over, is told, and may rely on.

mod life; // a start, a stop, a reload, and what goes on between them
mod sockets; // a restart refuses no connection
mod unit; // the sandbox is tight
mod watchdog; // whoever does not move does not say so

use std::os::unix::net::UnixDatagram;

use crate::harness::{Daemon, Home, SOON};

/// The end of a service manager that is told things.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    /// A manager that nobody has told anything.
    fn of(home: &Home) -> Self {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).expect("the home is writable");
        socket.set_read_timeout(Some(SOON)).expect("a socket can time out");
        Self { socket, path: path.to_string_lossy().into_owned() }
    }

    /// Starts a daemon that tells this manager, with these variables besides.
    #[track_caller]
    fn start<'home>(&self, home: &'home Home, variables: &[(&str, &str)]) -> Daemon<'home> {
        let all = [&[("NOTIFY_SOCKET", self.path.as_str())], variables].concat();
        home.start_under(&[], &all)
    }

    /// The same, without waiting until it is ready.
    fn begin<'home>(&self, home: &'home Home, variables: &[(&str, &str)]) -> Daemon<'home> {
        home.start_with(&[&[("NOTIFY_SOCKET", self.path.as_str())], variables].concat())
    }

    /// The next message.
    #[track_caller]
    fn told(&self) -> String {
        let mut message = [0; 1024];
        let length = self.socket.recv(&mut message).expect("the daemon says something");
        String::from_utf8_lossy(&message[..length]).trim().to_owned()
    }

    /// The next message that is neither a status nor a ping.
    #[track_caller]
    fn told_of_a_change(&self) -> String {
        let passing =
            |message: &String| message.starts_with("STATUS=") || message.as_str() == "WATCHDOG=1";
        loop {
            let message = self.told();
            if !passing(&message) {
                return message;
            }
        }
    }

    /// Waits for this message.
    #[track_caller]
    fn hears(&self, wanted: &str) {
        while self.told() != wanted {}
    }

    /// Everything that it was told and has not taken yet.
    fn backlog(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).expect("a socket can be non-blocking");
        let mut message = [0; 1024];
        let mut all = Vec::new();
        while let Ok(length) = self.socket.recv(&mut message) {
            all.push(String::from_utf8_lossy(&message[..length]).trim().to_owned());
        }
        self.socket.set_nonblocking(false).expect("a socket can be blocking");
        all
    }
}
