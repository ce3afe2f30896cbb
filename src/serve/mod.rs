//! HTTP/1 on a port: every connection of it, in plain or in TLS, and the token that a client has
//! to send.
//!
//! It must not know what is served.

mod reading;
mod server;
mod token;

pub use server::{Endless, Port, serve};
pub use token::{Token, TokenError};
