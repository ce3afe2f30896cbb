//! Where the daemon answers operators.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use super::{Access, client::Client};
use crate::{
    admin,
    config::{Config, LoadError},
};

/// Which daemon to ask.
#[derive(Debug, clap::Args)]
pub struct AdminPort {
    /// The daemon's admin port, such as `http://127.0.0.1:9712`; without it, listen.admin of the
    /// settings.
    #[arg(long, value_name = "URL", value_parser = AdminPort::read)]
    admin: Option<String>,
    /// The settings file, not read with --admin; without both, the daemon is where it is by
    /// default.
    #[arg(long, env = "FANFARE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What it takes.
    #[command(flatten)]
    access: Access,
}

/// Why a text is no URL of an admin port.
#[derive(Debug, thiserror::Error)]
#[error("write it as http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:9712")]
pub(super) struct AdminUrlError;

impl AdminPort {
    /// The URL without a slash at its end.
    pub(super) fn read(url: &str) -> Result<String, AdminUrlError> {
        let url = url.trim_end_matches('/');
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        host.filter(|host| !host.is_empty()).map(|_| url.to_owned()).ok_or(AdminUrlError)
    }

    /// Who asks there.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let (url, settings) = self.daemon()?;
        self.access.client(url, settings.as_ref())
    }

    /// The URL to ask, and what the settings say about who may, if they are read.
    fn daemon(&self) -> Result<(String, Option<admin::Config>), LoadError> {
        if let Some(url) = &self.admin {
            return Ok((url.clone(), None));
        }
        let config = self.config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
        let scheme = if config.tls.is_for_admin() { "https" } else { "http" };
        Ok((format!("{scheme}://{}", reachable(config.listen.admin)), Some(config.admin)))
    }
}

/// An address that means every one of the machine is reached at its loopback.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_settings_say_where_the_daemon_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("fanfare.toml");
        let url = |admin: Option<&str>, config: Option<&str>| {
            let config = config.map(|listen| {
                fs::write(&file, format!("admin.token_file = \"t\"\nlisten.admin = \"{listen}"))
                    .unwrap();
                file.clone()
            });
            let (admin, access) = (admin.map(str::to_owned), Access::default());
            AdminPort { admin, config, access }.daemon().unwrap().0
        };
        assert_eq!(url(None, None), "http://127.0.0.1:9712");
        assert_eq!(url(None, Some("0.0.0.0:7\"")), "http://127.0.0.1:7");
        assert_eq!(url(None, Some("[::]:7\"")), "http://[::1]:7");
        let pair = "192.0.2.1:7\"\ntls = { certificate_file = \"c\", key_file = \"k\" }";
        assert_eq!(url(None, Some(pair)), "https://192.0.2.1:7");
        assert_eq!(url(Some("http://x:1"), Some("192.0.2.1:7\"")), "http://x:1");
    }
}
