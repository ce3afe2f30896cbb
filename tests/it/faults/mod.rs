//! Whatever happens to the machine, to the daemon or to its destinations: what was answered 200
//! arrives, as it was posted.
//!
//! One oracle judges every fault, `tests/oracle`; it knows only what stores were told and what
//! destinations got. Each test prints what it counted, past the capture of the test harness.

mod scene;

mod crashes; // the process ends at a named place
mod order; // what fails must not overtake
mod kills; // it ends at any moment, under load
mod frozen; // it is stopped and goes on; the clock jumps
mod disks; // the disk is full, read-only, torn
mod destinations; // they hang, refuse, reset, and answer nonsense

use scene::{Scene, drains, skipped};
