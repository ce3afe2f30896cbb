//! The bearer token that a client has to send.

use std::{fs, io, path::PathBuf};

use subtle::ConstantTimeEq;

use crate::model::{OneLine, Secret};

/// Why the token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read {setting} {}", OneLine(path.display()))]
    Read {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no token.
    #[error("{setting} {} is empty; write the token into it", OneLine(path.display()))]
    Empty {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// The token, compared in constant time.
#[derive(Clone, Debug)]
pub struct Token(Secret);

impl Token {
    /// Reads the file that this setting names; white space around the token does not count.
    pub fn load(setting: &'static str, path: PathBuf) -> Result<Self, TokenError> {
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => Err(TokenError::Empty { setting, path }),
            Ok(text) => Ok(Self(Secret::new(text.trim().to_owned()))),
            Err(source) => Err(TokenError::Read { setting, path, source }),
        }
    }

    /// The header's value that a client sends.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0.reveal())
    }

    /// Whether this is `Bearer` and the token. The scheme's case does not matter (RFC 9110).
    pub fn is_in(&self, authorization: &[u8]) -> bool {
        let Some((scheme, token)) = authorization.split_at_checked("Bearer ".len()) else {
            return false;
        };
        let equal: bool = token.ct_eq(self.0.reveal().as_bytes()).into();
        scheme.eq_ignore_ascii_case(b"Bearer ") && equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_with_its_scheme_is_right() {
        let token = Token(Secret::new("s3cr3t".into()));
        assert!(token.is_in(b"Bearer s3cr3t"));
        assert!(token.is_in(b"bearer s3cr3t"));
        assert!(token.is_in(token.authorization().as_bytes()));
        for wrong in
            ["", "s3cr3t", "Bearer", "Bearer ", "Bearer s3cr3", "Bearer s3cr3t2", "Basic s3cr3t"]
        {
            assert!(!token.is_in(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_token_does_not_print() {
        assert!(!format!("{:?}", Token(Secret::new("s3cr3t".into()))).contains("s3cr3t"));
    }
}
