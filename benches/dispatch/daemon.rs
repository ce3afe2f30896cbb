//! The real binary in a process of its own, and what it uses of the machine.

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Process, SOON, free_port, until};

/// A running `fanfare serve` with a home of its own; both are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Process,
    events: SocketAddr,
    s3: SocketAddr,
    _home: TempDir,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Processor time since its start.
    pub(crate) processor: Duration,
    /// Resident now, in bytes.
    pub(crate) resident: u64,
}

impl Daemon {
    /// Starts one that sends the events of each bucket to so many queues behind this endpoint.
    pub(crate) fn start(endpoint: &str, buckets: &[(&str, usize)]) -> io::Result<Self> {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (documents, journal) = (home.path().join("notifications"), home.path().join("journal"));
        fs::create_dir(&documents)?;
        fs::create_dir(&journal)?;
        for (bucket, queues) in buckets {
            fs::write(documents.join(format!("{bucket}.json")), document(*queues).to_string())?;
        }
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (events, s3, admin) = (address(), address(), address());
        let settings = json!({
            "account_id": "123456789012",
            "rules": { "overlap": "allow" },
            "listen": { "events": events, "s3": s3, "admin": admin },
            "notifications": { "directory": documents },
            "journal": { "directory": journal },
            "aws": { "endpoint_url": endpoint },
            "credentials": [{ "access_key_id": "bench", "secret_access_key": "bench" }],
        });
        let file = home.path().join("fanfare.toml");
        fs::write(&file, toml::to_string(&settings).expect("JSON of tables is TOML"))?;
        let log = File::create(home.path().join("log"))?;
        let process = Process::start(env!("CARGO_BIN_EXE_fanfare"), |command| {
            command.args(["serve", "--config"]).arg(&file).stderr(log);
            command.env("AWS_ACCESS_KEY_ID", "bench").env("AWS_SECRET_ACCESS_KEY", "bench");
        });
        until("the daemon listens", SOON, || TcpStream::connect(admin).ok());
        Ok(Self { process, events, s3, _home: home })
    }

    /// Where it takes events.
    pub(crate) fn events(&self) -> SocketAddr {
        self.events
    }

    /// Where its S3 API is, for the key `bench` with the secret `bench`.
    pub(crate) fn s3(&self) -> SocketAddr {
        self.s3
    }

    /// What it has used until now.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        let process = Path::new("/proc").join(self.process.id().to_string());
        let (stat, status) = (
            fs::read_to_string(process.join("stat"))?,
            fs::read_to_string(process.join("status"))?,
        );
        // proc(5): utime and stime are the 12th and 13th field after the name, in 1/100 s.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let ticks: u64 =
            fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        Ok(Usage {
            processor: Duration::from_millis(ticks * 10),
            resident: kib.unwrap_or(0) * 1024,
        })
    }
}

/// Sends everything that is created to so many queues.
fn document(queues: usize) -> Value {
    let rule = |queue: usize| {
        let arn = format!("arn:aws:sqs:us-east-1:123456789012:queue-{queue}");
        let prefix = json!({ "Name": "prefix", "Value": "uploads/" });
        json!({
            "Id": format!("rule-{queue}"),
            "QueueArn": arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": { "Key": { "FilterRules": [prefix] } },
        })
    };
    json!({ "QueueConfigurations": (0..queues).map(rule).collect::<Vec<_>>() })
}
