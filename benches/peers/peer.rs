//! A matcher that is a program of its own: it is given a workload's folder, and says line by line
//! what it measured. It may take long, and is stopped then; what it said before counts.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::Context as _;

/// A peer has so many seconds for one workload: to start, build, check, warm up and measure.
pub(crate) const SECONDS_MAX: u32 = 60;
/// What `timeout` answers if it had to end the program.
const STOPPED: i32 = 124;

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    program: PathBuf,
}

/// What a peer measured with one workload, and how it ended.
#[derive(Debug)]
pub(crate) struct Figures {
    said: String,
    status: ExitStatus,
}

impl Peer {
    /// A program is named after the matcher in it.
    pub(crate) fn new(program: PathBuf) -> Option<Self> {
        let name = program.file_name()?.to_str()?.to_owned();
        Some(Self { name, program })
    }

    pub(crate) fn ask(&self, workload: &Path) -> anyhow::Result<Figures> {
        let output = Command::new("timeout")
            .arg("--kill-after=5")
            .arg(SECONDS_MAX.to_string())
            .args([&*self.program, workload])
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.name))?;
        Ok(Figures { said: String::from_utf8(output.stdout)?, status: output.status })
    }
}

impl Figures {
    /// The number that stands behind this word.
    pub(crate) fn number(&self, word: &str) -> Option<f64> {
        let value = |line: &str| line.strip_prefix(word)?.strip_prefix(' ')?.parse().ok();
        self.said.lines().find_map(value)
    }

    /// Why there is no further number.
    pub(crate) fn end(&self) -> String {
        match self.status.code() {
            Some(0) => String::new(),
            Some(STOPPED) => format!("> {SECONDS_MAX} s"),
            _ => "failed".to_owned(),
        }
    }
}
