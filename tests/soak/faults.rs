//! What is done to the daemon and to its destinations: one thing after another, at random.

use std::{io, thread, time::Duration};

use super::{
    aws::{
        Endpoint,
        script::{Fault, Script, Slip},
    },
    daemon::Home,
    harness::{Process, SOON},
    oracle::{Audience, Counts},
};

/// The longest time between two faults.
const PAUSE_MILLISECONDS: u64 = 1500;
/// The longest time for which a process is frozen.
const FROZEN_MILLISECONDS: u64 = 3000;

/// The one who does it.
pub(crate) struct Faults<'a> {
    home: &'a Home,
    aws: &'a Endpoint<Audience>,
    daemon: Option<Process>,
    counts: Counts,
}

impl<'a> Faults<'a> {
    /// Starts a daemon and does nothing to it yet.
    pub(crate) fn new(home: &'a Home, aws: &'a Endpoint<Audience>) -> io::Result<Self> {
        let daemon = Some(home.start()?);
        Ok(Self { home, aws, daemon, counts: Counts { runs: 1, ..Counts::ZERO } })
    }

    /// Lives and faults until now.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Waits a moment and does one thing.
    pub(crate) fn one(&mut self) -> io::Result<()> {
        wait(PAUSE_MILLISECONDS);
        self.counts.faults += 1;
        match fastrand::u8(..10) {
            0..3 => self.end("KILL"),
            3 => self.end("TERM"),
            4 => {
                self.signal("STOP");
                wait(FROZEN_MILLISECONDS);
                self.signal("CONT");
                Ok(())
            }
            5 => {
                self.aws.refuse();
                wait(PAUSE_MILLISECONDS);
                self.aws.listen()
            }
            6 => {
                self.aws.heal();
                Ok(())
            }
            _ => {
                let names: Vec<_> = Audience::names().collect();
                let one = fastrand::choice(names).expect("there are destinations");
                self.aws.one(one, bad_day());
                Ok(())
            }
        }
    }

    /// Ends every fault. Answers the daemon that is left.
    pub(crate) fn heal(&mut self) -> io::Result<Process> {
        self.aws.listen()?;
        self.aws.heal();
        match self.daemon.take() {
            Some(daemon) => Ok(daemon),
            None => self.home.start(),
        }
    }

    fn end(&mut self, signal: &str) -> io::Result<()> {
        self.signal(signal);
        if let Some(daemon) = self.daemon.take() {
            daemon.wait(SOON);
        }
        self.counts.runs += 1;
        self.daemon = Some(self.home.start()?);
        Ok(())
    }

    fn signal(&self, signal: &str) {
        if let Some(daemon) = &self.daemon {
            daemon.signal(signal);
        }
    }
}

/// A day on which not everything works, or nothing.
fn bad_day() -> Script {
    const FAULTS: [Fault; 7] = [
        Fault::Silence,
        Fault::Reset,
        Fault::Garbage,
        Fault::Throttled,
        Fault::Unavailable,
        Fault::Denied,
        Fault::Missing,
    ];
    const SLIPS: [Slip; 3] = [Slip::Throttled, Slip::Failed, Slip::Unmentioned];
    let chosen = "the list is not empty";
    match fastrand::u8(..4) {
        0 => Script::always(fastrand::choice(FAULTS).expect(chosen)),
        1 => Script::sometimes(fastrand::f64(), fastrand::choice(FAULTS).expect(chosen)),
        2 => Script::partly(fastrand::f64(), fastrand::choice(SLIPS).expect(chosen)),
        _ => Script::after(Duration::from_millis(fastrand::u64(..500))),
    }
}

#[expect(clippy::disallowed_methods, reason = "the moment of a fault is a time")]
fn wait(milliseconds_max: u64) {
    thread::sleep(Duration::from_millis(fastrand::u64(..milliseconds_max)));
}
