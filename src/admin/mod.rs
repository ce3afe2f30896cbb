//! What an operator asks of a running daemon: is it alive, is it ready, what has it done.
//!
//! Read-only.

mod health;
mod server;

pub use health::{Document, Health};
pub use server::{BindError, Server};
