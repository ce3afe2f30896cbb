//! fanfare gives any S3-compatible store Amazon-grade event notifications.
//!
//! The modules stand in the order in which an event passes them; `ARCHITECTURE.md` has the map.

pub mod model; // the nouns: bucket, key, ARN, event, record
pub mod rules; // what was asked: notification documents, parsed and checked
pub mod ingest; // 1  accept an event from a store
pub mod route; // 2  who wants it
pub mod journal; // 3  make it durable
pub mod deliver; // 4  when to send
pub mod replay; //    again, what was delivered before
pub mod payload; //    what to send
pub mod publish; // 5  how to send
pub mod tail; //    what happens to events now, for whoever watches
pub mod control; // the home of the notification documents, and their S3 API
pub mod admin; // health, readiness, metrics
pub mod telemetry; // logs, metrics, the service manager
pub mod trace; // the trace that a request belongs to, and spans
pub mod config; // the settings file: composes each stage's section
pub mod durable_file; // replaces a file, whole
pub mod stop; // the two moments of a shutdown
pub mod failpoint; // named places at which a test ends the process, or lets it hang
pub mod tls; // certificates: ours, and those that we trust
pub mod serve; // HTTP on a port, and every connection of it
pub mod reload; // what a reload changes
pub mod vitals; // how the daemon is doing, and whether it moves
pub mod daemon; // wiring: start, run, stop
pub mod cli; // the commands
