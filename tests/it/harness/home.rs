//! What a daemon lives on: its settings, its documents, its journal. It outlives the daemon, so a
//! test can start another one on it.

use std::{fs, path::PathBuf, thread};

use serde_json::{Value, json};
use tempfile::TempDir;
use toml::Table;
use ureq::tls::TlsConfig;

use super::{Authority, Daemon, Pair, Sink, free_port, moto};

/// A directory of its own, ports of its own, and the settings that name them.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    settings: Table,
    /// How the listeners are reached, if they speak TLS.
    pub(super) tls: Option<TlsConfig>,
}

impl Home {
    /// Settings that send to moto and retry quickly.
    pub(crate) fn new() -> Self {
        let home = Self::without_aws();
        let url = moto().url().to_owned();
        home.set("aws", "endpoint_url", url)
    }

    /// Settings that send to the sink, and to nothing else.
    pub(crate) fn sending_to(sink: &Sink) -> Self {
        Self::without_aws().set("aws", "endpoint_url", sink.url())
    }

    /// Settings that name no destination; the test sets one.
    pub(crate) fn without_aws() -> Self {
        let dir = tempfile::tempdir().expect("the temporary directory is writable");
        for part in ["notifications", "journal"] {
            fs::create_dir(dir.path().join(part)).expect("the temporary directory is writable");
        }
        let address = || format!("127.0.0.1:{}", free_port());
        let (events, s3, admin) = (address(), address(), address());
        let path = |part: &str| dir.path().join(part).to_string_lossy().into_owned();
        let settings = toml::toml! {
            region = "us-east-1"
            account_id = "123456789012"
            deliver = { backoff = { base = "20ms", throttled = "20ms", cap = "200ms" } }
        };
        let (notifications, journal) = (path("notifications"), path("journal"));
        Self { dir, settings, tls: None }
            .set("listen", "events", events)
            .set("listen", "s3", s3)
            .set("listen", "admin", admin)
            .set("notifications", "directory", notifications)
            .set("journal", "directory", journal)
    }

    /// Changes one key of one section.
    pub(crate) fn set(mut self, section: &str, key: &str, value: impl Into<toml::Value>) -> Self {
        let section = self.settings.entry(section).or_insert_with(|| Table::new().into());
        let section = section.as_table_mut().expect("a section is a table");
        section.insert(key.into(), value.into());
        self
    }

    /// Changes one key outside the sections.
    pub(crate) fn set_top(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.settings.insert(key.into(), value.into());
        self
    }

    /// Gives all listeners a certificate of this authority.
    pub(crate) fn speaking_tls(mut self, authority: &Authority) -> Self {
        self.tls = Some(authority.trusted());
        fs::write(self.path("ca.crt"), authority.certificate()).expect("the home is writable");
        self.write_pair(&authority.sign());
        let path = |name: &str| self.path(name).to_string_lossy().into_owned();
        let (certificate, key) = (path("tls.crt"), path("tls.key"));
        self.set("tls", "certificate_file", certificate).set("tls", "key_file", key)
    }

    /// Replaces the certificate of all listeners, and its key.
    pub(crate) fn write_pair(&self, pair: &Pair) {
        for (file, text) in [("tls.crt", &pair.certificate), ("tls.key", &pair.key)] {
            fs::write(self.path(file), text).expect("the home is writable");
        }
    }

    /// Where one of the listeners is, as a URL.
    pub(crate) fn url(&self, listener: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address(listener))
    }

    /// Writes a bucket's notification document, in the JSON form of the AWS CLI.
    pub(crate) fn document(&self, bucket: &str, document: &Value) {
        self.document_text(&format!("{bucket}.json"), &document.to_string());
    }

    /// Writes any text where the documents are.
    pub(crate) fn document_text(&self, file: &str, text: &str) {
        fs::write(self.documents().join(file), text).expect("the home is writable");
    }

    /// Removes a bucket's document.
    pub(crate) fn forget(&self, bucket: &str) {
        fs::remove_file(self.documents().join(format!("{bucket}.json"))).expect("it is there");
    }

    /// Where the documents are.
    pub(crate) fn documents(&self) -> PathBuf {
        self.dir.path().join("notifications")
    }

    /// A path for whatever else the test needs.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where one of the listeners is: `events`, `s3` or `admin`.
    pub(crate) fn address(&self, listener: &str) -> &str {
        self.settings["listen"][listener].as_str().expect("an address is a text")
    }

    /// Writes the settings file and says where it is.
    pub(crate) fn settings_file(&self) -> PathBuf {
        let path = self.path("fanfare.toml");
        fs::write(&path, self.settings.to_string()).expect("the home is writable");
        path
    }

    /// Starts a daemon and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(&self) -> Daemon<'_> {
        self.start_under(&[], &[])
    }

    /// Starts a daemon under a launcher, which takes the daemon's command line behind its own, and
    /// with these variables; waits until it is ready.
    #[track_caller]
    pub(crate) fn start_under(
        &self,
        launcher: &[&str],
        environment: &[(&str, &str)],
    ) -> Daemon<'_> {
        let daemon = Daemon::start(self, launcher, environment);
        daemon.wait_ready();
        daemon
    }

    /// Starts a daemon with more in its environment, and does not wait for it.
    pub(crate) fn start_with(&self, environment: &[(&str, &str)]) -> Daemon<'_> {
        Daemon::start(self, &[], environment)
    }

    /// What daemons have logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Home {
    #[expect(clippy::print_stderr, reason = "the log of the daemon explains a failed test")]
    fn drop(&mut self) {
        if thread::panicking()
            && let Ok(log) = fs::read_to_string(self.path("log"))
        {
            eprintln!("--- the daemon's log ---\n{log}");
        }
    }
}

/// A document of these rules for queues.
pub(crate) fn rules(rules: &[Value]) -> Value {
    json!({ "QueueConfigurations": rules })
}

/// One rule: these events go to this queue.
pub(crate) fn rule(id: &str, queue_arn: &str, events: &[&str]) -> Value {
    json!({ "Id": id, "QueueArn": queue_arn, "Events": events })
}
