//! What `fanfare check` says of the machine, and of settings that have an effect nobody may have
//! meant. It only looks: whether the daemon will run here, under its own user, is for `serve` to
//! find out.

use std::{io, net::TcpListener, path::Path};

use rustix::fs::{Access, access};

use crate::config::Config;

/// Each as `where: warning: what`.
pub(super) fn warnings(config: &Config) -> impl Iterator<Item = String> {
    let listen = &config.listen;
    let ports = [("events", listen.events), ("s3", listen.s3), ("admin", listen.admin)];
    let ports = ports.into_iter().filter_map(|(listener, address)| {
        let problem = taken(&TcpListener::bind(address).err()?);
        Some(format!("listen.{listener}: warning: {address} {problem}"))
    });
    let directory = directory(&config.journal.directory)
        .map(|problem| format!("journal.directory: warning: {problem}"));
    let (segment, limit) = (config.journal.segment_size, config.journal.size_limit);
    let segments = (segment.as_u64() > limit.as_u64() / 4).then(|| {
        format!(
            "journal.segment_size: warning: {segment} is more than a quarter of journal.size_limit \
             {limit}; segments end at that quarter"
        )
    });
    let paused = config.deliver.paused.then(|| {
        "deliver.paused: warning: nothing is sent to any destination that has no paused = false of \
         its own"
            .to_owned()
    });
    ports.chain(directory).chain(segments).chain(paused)
}

fn taken(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => {
            "is in use; that is fine if it is this fanfare, or its socket unit, that listens there"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "is no address of this machine".to_owned(),
        _ => format!("cannot be listened at by whoever checks: {cause}"),
    }
}

/// Why the journal may not be kept there. A directory that is not there is made.
fn directory(path: &Path) -> Option<String> {
    let there = path.ancestors().find(|path| path.exists())?;
    let shown = there.display();
    if !there.is_dir() {
        return Some(format!("{shown} is no directory"));
    }
    let cause = access(there, Access::WRITE_OK | Access::EXEC_OK).err()?;
    Some(format!(
        "whoever checks may not write to {shown}: {cause}; that is fine if the user of `serve` may"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings on ports that are free, with a journal that can be kept.
    fn settings() -> (tempfile::TempDir, Config) {
        let home = tempfile::tempdir().unwrap();
        let ports = "events = \"127.0.0.1:0\"\ns3 = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"";
        let mut config: Config = toml::from_str(&format!("[listen]\n{ports}")).unwrap();
        config.journal.directory = home.path().join("a/journal");
        (home, config)
    }

    fn only(config: &Config) -> String {
        let all: Vec<_> = warnings(config).collect();
        let [one] = &all[..] else { panic!("{all:?}") };
        one.clone()
    }

    #[test]
    fn a_machine_that_is_ready_is_not_warned_of() {
        let (_home, config) = settings();
        assert_eq!(warnings(&config).collect::<Vec<_>>(), Vec::<String>::new());
    }

    #[test]
    fn a_port_that_cannot_be_listened_at_is_told() {
        let (_home, mut config) = settings();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        config.listen.events = taken.local_addr().unwrap();
        assert!(only(&config).contains("is in use; that is fine if it is this fanfare, or its"));
        config.listen.events = "192.0.2.1:9710".parse().unwrap();
        let said = "listen.events: warning: 192.0.2.1:9710 is no address of this machine";
        assert_eq!(only(&config), said);
    }

    #[test]
    fn a_journal_that_cannot_be_kept_is_told() {
        let (home, mut config) = settings();
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        config.journal.directory = file.join("journal");
        let said = only(&config);
        assert!(
            said.starts_with("journal.directory: warning: /") && said.ends_with("no directory")
        );
    }

    #[test]
    fn what_has_another_effect_than_it_seems_is_told() {
        let (_home, mut config) = settings();
        config.journal.size_limit = bytesize::ByteSize::mib(100);
        assert!(only(&config).contains("is more than a quarter of journal.size_limit 100.0 MiB; "));
        let (_home, mut config) = settings();
        config.deliver.paused = true;
        assert!(only(&config).starts_with("deliver.paused: warning: nothing is sent to any"));
    }
}
