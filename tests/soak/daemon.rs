//! The daemon to be hurt: its settings, its directory, its process.

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;
use ureq::Agent;

use super::{
    harness::{Process, SOON, free_port, until},
    oracle::{BUCKET, document},
};

/// What a daemon lives on.
#[derive(Debug)]
pub(crate) struct Home {
    fanfare: PathBuf,
    settings: PathBuf,
    log: PathBuf,
    /// Where it takes events.
    pub(crate) events: SocketAddr,
    admin: SocketAddr,
    agent: Agent,
}

impl Home {
    /// Writes settings that send everything to this endpoint.
    pub(crate) fn new(fanfare: PathBuf, directory: &Path, endpoint: &str) -> io::Result<Self> {
        let (documents, journal) = (directory.join("notifications"), directory.join("journal"));
        fs::create_dir_all(&documents)?;
        fs::create_dir_all(&journal)?;
        fs::write(documents.join(format!("{BUCKET}.json")), document().to_string())?;
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (events, s3, admin) = (address(), address(), address());
        let content = json!({
            "region": "us-east-1",
            "account_id": "123456789012",
            "rules": { "overlap": "allow" },
            "listen": { "events": events, "s3": s3, "admin": admin },
            "notifications": { "directory": documents },
            "journal": {
                "directory": journal,
                "segment_size": "1MiB",
                "checkpoint_interval": "500ms",
            },
            "deliver": { "backoff": { "base": "20ms", "cap": "2s" } },
            "aws": { "endpoint_url": endpoint, "attempt_timeout": "2s" },
        });
        let settings = directory.join("fanfare.toml");
        fs::write(&settings, toml::to_string(&content).expect("JSON of tables is TOML"))?;
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
        let (log, agent) = (directory.join("log"), config.build().into());
        Ok(Self { fanfare, settings, log, events, admin, agent })
    }

    /// Starts it, and waits until it takes events.
    pub(crate) fn start(&self) -> io::Result<Process> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let process = Process::start(&self.fanfare, |command| {
            command.args(["serve", "--config"]).arg(&self.settings).stderr(log);
            command.env("AWS_ACCESS_KEY_ID", "soak").env("AWS_SECRET_ACCESS_KEY", "soak");
        });
        until("the daemon is ready", SOON, || self.ask("readyz").map(drop));
        Ok(process)
    }

    /// How many deliveries are pending, if it says so.
    pub(crate) fn pending(&self) -> Option<u64> {
        let metrics = self.ask("metrics")?;
        let samples = metrics.lines().filter(|line| line.starts_with("fanfare_pending{"));
        samples.map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    fn ask(&self, path: &str) -> Option<String> {
        let answer = self.agent.get(format!("http://{}/{path}", self.admin)).call();
        answer.ok()?.body_mut().read_to_string().ok()
    }
}
