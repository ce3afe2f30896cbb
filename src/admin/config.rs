//! The `[admin]` section.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::serve::{Token, TokenError};

/// Who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The file that holds the bearer token; without it, whoever reaches the port may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

/// A port that others reach and that asks nobody who they are.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "listen.admin {address} can be reached from other machines and would ask nobody who they are; \
     set admin.token_file, or listen on a loopback address such as 127.0.0.1:{}", address.port()
)]
pub struct Exposed {
    address: SocketAddr,
}

impl Config {
    /// Checks what the settings themselves do not hold: whether the token can be read.
    pub fn check_token(&self) -> Result<(), TokenError> {
        self.token().map(drop)
    }

    /// Checks that only this machine reaches the address, unless there is a token.
    pub fn check_address(&self, address: SocketAddr) -> Result<(), Exposed> {
        if self.token_file.is_some() || address.ip().to_canonical().is_loopback() {
            Ok(())
        } else {
            Err(Exposed { address })
        }
    }

    /// The token that clients have to send, if they have to.
    pub fn token(&self) -> Result<Option<Token>, TokenError> {
        let load = |path| Token::load("admin.token_file", path);
        self.token_file.clone().map(load).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_needs_no_token() {
        let open = Config::default();
        for (address, is_fine) in [
            ("127.0.0.1:9712", true),
            ("127.8.8.8:9712", true),
            ("[::1]:9712", true),
            ("[::ffff:127.0.0.1]:9712", true),
            ("0.0.0.0:9712", false),
            ("[::]:9712", false),
            ("192.0.2.7:9712", false),
            ("[fe80::1]:9712", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(open.check_address(address).is_ok(), is_fine, "{address}");
            let guarded = Config { token_file: Some("/etc/fanfare/admin.token".into()) };
            assert!(guarded.check_address(address).is_ok(), "{address}");
        }
    }
}
