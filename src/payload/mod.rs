//! What to send: an event written out in the form its destination expects.
//!
//! The wire format is this module's own: private structs in the order of Amazon's keys, never a
//! derived form of a `model` type, each compared with a golden file. Only what `Event` holds can
//! be sent, so nothing that a store added (headers, credentials) gets any further. Pure: values
//! in, values out; it knows no service and sends nothing.

mod config;
mod event_bridge;
mod json;
mod presence;
mod renderer;
mod s3_event;
mod test_event;
#[cfg(test)]
mod tests;

pub use config::{Config, EventVersion};
pub use renderer::{Form, Renderer};
