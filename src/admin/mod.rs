//! What an operator asks of a running daemon: is it alive, is it ready, what has it done, and why
//! does a rule want an event or not.
//!
//! Read-only.

mod explain;
mod health;
mod server;

pub use explain::{Answer, Asked, NoAnswer};
pub use health::{Document, Health};
pub use server::{BindError, Server};
