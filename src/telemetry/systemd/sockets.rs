//! The sockets that the service manager has opened and keeps open while the daemon restarts.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    net::sockopt::socket_acceptconn,
};

/// What a socket may be for.
const LISTENERS: [&str; 3] = ["events", "s3", "admin"];

/// The listeners that were handed over, by name.
#[derive(Debug, Default)]
pub struct Sockets(BTreeMap<String, TcpListener>);

/// Why a socket that was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The variables contradict each other.
    #[error("LISTEN_FDS and LISTEN_PID say nothing that could be understood")]
    Variables(#[from] sd_listen_fds::Error),
    /// It is for nothing.
    #[error(
        "a socket unit hands over `{name}`; set its FileDescriptorName= to events, s3 or admin"
    )]
    Unknown {
        /// Its name.
        name: String,
    },
    /// One listener is one address.
    #[error("two sockets are handed over for {name}; leave one ListenStream= in its socket unit")]
    Twice {
        /// Their name.
        name: String,
    },
    /// It is of another kind.
    #[error("the socket for {name} is not one that listens for TCP; see ListenStream= in its unit")]
    NotTcp {
        /// Its name.
        name: String,
        /// What the system said, if it did.
        source: Option<io::Error>,
    },
}

impl Sockets {
    /// Takes what was handed over. Once in the life of a process: the sockets are owned then.
    pub fn inherit() -> Result<Self, SocketError> {
        let mut sockets = BTreeMap::new();
        for (name, socket) in sd_listen_fds::get()? {
            let name = name.unwrap_or_default();
            if !LISTENERS.contains(&name.as_str()) {
                return Err(SocketError::Unknown { name });
            }
            let listener = match listening(socket.into_std()) {
                Ok(Some(listener)) => listener,
                Ok(None) => return Err(SocketError::NotTcp { name, source: None }),
                Err(source) => return Err(SocketError::NotTcp { name, source: Some(source) }),
            };
            if sockets.insert(name.clone(), listener).is_some() {
                return Err(SocketError::Twice { name });
            }
        }
        Ok(Self(sockets))
    }

    /// The socket for this listener, if there is one.
    pub fn take(&mut self, listener: &str) -> Option<TcpListener> {
        self.0.remove(listener)
    }
}

fn listening(socket: OwnedFd) -> io::Result<Option<TcpListener>> {
    // Not for the programs that AWS's credentials may come from.
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    if !socket_acceptconn(&socket)? {
        return Ok(None);
    }
    let listener = TcpListener::from(socket);
    // Refused for a socket of another family.
    let _address: SocketAddr = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}
