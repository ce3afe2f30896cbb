//! Named places at which a test ends the process as kill -9 would.
//!
//! They are there only where the crate `fail` has its feature `failpoints`, which a development
//! dependency asks for: the builds of tests and benches have them, `cargo build` and `cargo install`
//! have none. A place never changes what the code around it does: it is passed, or the process is
//! gone, or hangs there as on a disk that does not answer (`pause`).

/// Arms the places that `FAILPOINTS` names, for the life of the process.
///
/// The variable is that of the crate: `journal::synced=10*off->return` lets the place be passed ten
/// times and ends the process at the eleventh.
pub fn arm() {
    if fail::has_failpoints() {
        std::mem::forget(fail::FailScenario::setup());
    }
}

/// Ends the process here, if the place of this name is armed.
pub fn here(name: &'static str) {
    fail::fail_point!(name, |_| {
        use rustix::process::{Signal, getpid, kill_process};

        // No destructor runs, no buffer is written, and nobody is told.
        let sent = kill_process(getpid(), Signal::KILL);
        unreachable!("no process outlives its SIGKILL: {sent:?}")
    });
    let _: &'static str = name;
}
