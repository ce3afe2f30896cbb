//! What the promises are told with: a daemon, the AWS it sends to, and bodies that stores post.
//!
//! Everything listens on loopback, has names of its own, and ends with the test process, however
//! that ends.

mod authority;
mod aws;
mod collector;
mod components;
mod daemon;
mod event;
mod home;
mod ports;
mod process;
mod wait;

pub(crate) use authority::{Authority, Pair};
pub(crate) use aws::{Queue, moto};
pub(crate) use collector::Collector;
pub(crate) use components::{ceph_is_installed, prometheus, python, root};
pub(crate) use daemon::{Answer, Daemon, FANFARE, ask, check, command, explain, serve_refuses};
pub(crate) use event::{arrived, capture, captures_with_a_body, lines, minio};
pub(crate) use home::{Home, rule, rules};
pub(crate) use ports::free_port;
pub(crate) use process::Process;
pub(crate) use wait::{SOON, until};

pub(crate) use crate::aws::script::{Fault, Script};

/// AWS for those who want to know what arrived.
pub(crate) type Sink = crate::aws::Endpoint<crate::aws::record::Kept>;
