//! How the process speaks: logs, metrics, and to the service manager.

mod log;
mod metrics;
pub mod systemd;

pub use log::{Config, Filter, FilterError, Format, InitError, LogFilter, init};
pub use metrics::{InstallError, Metrics};
