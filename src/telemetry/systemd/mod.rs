//! The service manager: what it hands over, what it is told, and what it is promised.
//!
//! Without one nothing happens: no socket is handed over, nobody is told, and no watchdog waits.

mod attend;
mod notify;
mod sockets;

pub use attend::attend;
pub use notify::{ready, reloading, starting, stopping};
pub use sockets::{SocketError, Sockets};
