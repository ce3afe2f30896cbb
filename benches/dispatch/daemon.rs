//! The real binary in a process of its own, and what it uses of the machine.

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Process, SOON, free_port, until};

/// What a daemon lives on; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
    settings: PathBuf,
    events: SocketAddr,
    s3: SocketAddr,
    admin: SocketAddr,
}

/// A running `fanfare serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Process,
    events: SocketAddr,
    s3: SocketAddr,
    /// Of a daemon that has it for itself.
    _home: Option<Home>,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Processor time since its start.
    pub(crate) processor: Duration,
    /// Resident now, in bytes.
    pub(crate) resident: u64,
    /// The most that was ever resident, in bytes.
    pub(crate) resident_max: u64,
}

impl Home {
    /// Writes these documents, by their buckets, and settings with this `[aws]` section.
    pub(crate) fn new(aws: &Value, documents: &[(&str, Value)]) -> io::Result<Self> {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let path = |part: &str| directory.path().join(part);
        fs::create_dir(path("notifications"))?;
        fs::create_dir(path("journal"))?;
        for (bucket, document) in documents {
            fs::write(path("notifications").join(format!("{bucket}.json")), document.to_string())?;
        }
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (events, s3, admin) = (address(), address(), address());
        let content = json!({
            "account_id": "123456789012",
            "rules": { "overlap": "allow" },
            "listen": { "events": events, "s3": s3, "admin": admin },
            "notifications": { "directory": path("notifications") },
            "journal": { "directory": path("journal") },
            "aws": aws,
            "credentials": [{ "access_key_id": "bench", "secret_access_key": "bench" }],
        });
        let settings = path("fanfare.toml");
        fs::write(&settings, toml::to_string(&content).expect("JSON of tables is TOML"))?;
        Ok(Self { directory, settings, events, s3, admin })
    }

    /// Starts a daemon, and waits until it listens.
    pub(crate) fn start(&self) -> io::Result<Daemon> {
        let log = File::options().create(true).append(true).open(self.directory.path().join("log"));
        let log = log?;
        let process = Process::start(env!("CARGO_BIN_EXE_fanfare"), |command| {
            command.args(["serve", "--config"]).arg(&self.settings).stderr(log);
            command.env("AWS_ACCESS_KEY_ID", "bench").env("AWS_SECRET_ACCESS_KEY", "bench");
        });
        until("the daemon listens", SOON, || TcpStream::connect(self.admin).ok());
        Ok(Daemon { process, events: self.events, s3: self.s3, _home: None })
    }
}

impl Daemon {
    /// Starts one that sends the events of each bucket to so many queues behind this endpoint.
    pub(crate) fn start(endpoint: &str, buckets: &[(&str, usize)]) -> io::Result<Self> {
        let documents = buckets.iter().map(|(bucket, queues)| (*bucket, document(*queues)));
        let aws = json!({ "endpoint_url": endpoint });
        let home = Home::new(&aws, &documents.collect::<Vec<_>>())?;
        let daemon = home.start()?;
        Ok(Self { _home: Some(home), ..daemon })
    }

    /// Ends it as a machine without power would.
    pub(crate) fn kill(self) {
        self.process.signal("KILL");
        self.process.wait(SOON);
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
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = value.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) * 1024
        };
        Ok(Usage {
            processor: Duration::from_millis(ticks * 10),
            resident: bytes("VmRSS:"),
            resident_max: bytes("VmHWM:"),
        })
    }
}

/// Sends everything that is created to so many queues, `queue-0` and so on.
pub(crate) fn document(queues: usize) -> Value {
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
