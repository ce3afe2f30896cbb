//! A child process that cannot outlive the tests.

use std::{
    ffi::OsStr,
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::until;

/// A running process: killed when dropped, and by the kernel when the test process dies.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// While it exists, so does the thread that the kernel takes for the parent.
    _keeper: mpsc::Sender<()>,
}

impl Process {
    /// Starts the program, which `configure` gives its arguments and streams.
    ///
    /// It runs under `setpriv`, which asks the kernel to kill it when its parent dies. "Parent" is
    /// the thread that started it, and a test's thread ends before what it shares with other
    /// tests; so a thread that lives as long as the process starts it.
    pub(crate) fn start(program: impl AsRef<OsStr>, configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        configure(&mut command);
        let (keeper, dropped) = mpsc::channel::<()>();
        let (started, child) = mpsc::sync_channel(1);
        thread::spawn(move || {
            started.send(command.spawn()).expect("the starter waits");
            // With it go our copies of the child's pipes: only the child keeps them open.
            drop(command);
            // An error says that the process was dropped: the only thing ever said.
            dropped.recv().expect_err("nothing is sent");
        });
        let child = child.recv().expect("the thread answers").expect("setpriv (util-linux) starts");
        Self { child, _keeper: keeper }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.expect("kill (procps) starts").success(), "the process takes signals");
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process is our own child").is_none()
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn wait(mut self, deadline: Duration) -> ExitStatus {
        until("the end of a process", deadline, || {
            self.child.try_wait().expect("the process is our own child")
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that has ended.
        if self.child.kill().is_ok() {
            self.child.wait().expect("the process is our own child");
        }
    }
}
