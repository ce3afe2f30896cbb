//! Wiring: open every stage, run them, stop them. It holds no logic of its own.
//!
//! Everything that can fail on the world fails in [`Daemon::start`], before anything serves. A
//! stage that ends on its own ends the process: a restarted daemon beats a limping one, and the
//! journal has what is pending.

mod start;
mod stages;
mod journal;
mod delivery;
mod overview;
mod answers;
mod metrics;

pub use stages::{Daemon, StageEnded, Stopped};
pub use start::StartError;
