//! The `[tls]` section.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{File, Files};

/// Which files the listeners speak TLS with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Sections", into = "Sections")]
pub struct Config(Sections);

/// `[tls]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sections {
    /// For every listener without one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<PathBuf>,
    events: Pair,
    s3: Pair,
    admin: Pair,
}

/// What one listener does differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pair {
    /// Its own certificate, followed by what leads to an authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The authorities of which a client must have a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
}

/// Why the settings name no usable pair of files.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A certificate is nothing without its key.
    #[error("{section}.certificate_file and {section}.key_file belong together; set both")]
    Half {
        /// `tls`, or that with the name of a listener.
        section: &'static str,
    },
    /// Only a listener that speaks TLS can ask its clients for certificates.
    #[error(
        "{section}.client_ca_file needs a listener that speaks TLS; set {section}.certificate_file \
         and {section}.key_file, or those of tls"
    )]
    Plain {
        /// `tls` and the name of a listener.
        section: &'static str,
    },
}

const SHARED: &str = "tls";
const EVENTS: &str = "tls.events";
const S3: &str = "tls.s3";
const ADMIN: &str = "tls.admin";

impl TryFrom<Sections> for Config {
    type Error = ConfigError;

    fn try_from(sections: Sections) -> Result<Self, Self::Error> {
        let Sections { certificate_file, key_file, .. } = &sections;
        let shared = both(SHARED, certificate_file.as_ref(), key_file.as_ref())?;
        for (section, pair) in
            [(EVENTS, &sections.events), (S3, &sections.s3), (ADMIN, &sections.admin)]
        {
            let own = both(section, pair.certificate_file.as_ref(), pair.key_file.as_ref())?;
            if pair.client_ca_file.is_some() && own.or(shared).is_none() {
                return Err(ConfigError::Plain { section });
            }
        }
        Ok(Self(sections))
    }
}

impl From<Config> for Sections {
    fn from(Config(sections): Config) -> Self {
        sections
    }
}

impl Config {
    /// Whether `listen.events` speaks TLS.
    pub fn is_for_events(&self) -> bool {
        self.events().is_some()
    }

    /// Whether `listen.admin` speaks TLS.
    pub fn is_for_admin(&self) -> bool {
        self.admin().is_some()
    }

    /// The files of `listen.events`, if it speaks TLS.
    pub(super) fn events(&self) -> Option<Files> {
        self.of(EVENTS, &self.0.events)
    }

    /// The files of `listen.s3`, if it speaks TLS.
    pub(super) fn s3(&self) -> Option<Files> {
        self.of(S3, &self.0.s3)
    }

    /// The files of `listen.admin`, if it speaks TLS.
    pub(super) fn admin(&self) -> Option<Files> {
        self.of(ADMIN, &self.0.admin)
    }

    fn of(&self, section: &'static str, pair: &Pair) -> Option<Files> {
        let own = named(section, pair.certificate_file.as_ref(), pair.key_file.as_ref());
        let Sections { certificate_file, key_file, .. } = &self.0;
        let (certificate, key) =
            own.or_else(|| named(SHARED, certificate_file.as_ref(), key_file.as_ref()))?;
        let client_ca = pair.client_ca_file.as_deref();
        let client_ca = client_ca.map(|path| file(section, "client_ca_file", path));
        Some(Files { certificate, key, client_ca })
    }
}

fn both<T>(
    section: &'static str,
    certificate: Option<T>,
    key: Option<T>,
) -> Result<Option<(T, T)>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        _ => Err(ConfigError::Half { section }),
    }
}

fn named(
    section: &'static str,
    certificate: Option<&PathBuf>,
    key: Option<&PathBuf>,
) -> Option<(File, File)> {
    let (certificate, key) = certificate.zip(key)?;
    Some((file(section, "certificate_file", certificate), file(section, "key_file", key)))
}

fn file(section: &'static str, key: &'static str, path: &Path) -> File {
    File { section, key, path: path.into() }
}
