//! How a daemon is known, and how it knows who asks.

use std::path::PathBuf;

use ureq::tls::TlsConfig;

use super::client::Client;
use crate::{admin, serve::Token, tls::trust};

/// What it takes to be let in.
#[derive(Debug, Default, clap::Args)]
pub struct Access {
    /// The authority that signed the certificate of an https:// port, in PEM; without it, those
    /// that the machine trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The file with the token that the port asks for; without it, `admin.token_file` of the
    /// settings, if they are read.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Access {
    /// Who asks there. The settings are those of a daemon whose settings were read.
    pub(super) fn client(
        &self,
        url: String,
        settings: Option<&admin::Config>,
    ) -> anyhow::Result<Client> {
        let token = match (&self.token_file, settings) {
            (Some(path), _) => Some(Token::load("--token-file", path.clone())?),
            (None, Some(settings)) => settings.token()?,
            (None, None) => None,
        };
        let tls = if url.starts_with("https://") {
            trust(self.ca_file.as_deref())?
        } else {
            TlsConfig::default()
        };
        Ok(Client::new(url, token, tls))
    }
}
