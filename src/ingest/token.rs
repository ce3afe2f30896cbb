//! The bearer token that a store has to send.

use std::{fs, io, path::PathBuf};

use subtle::ConstantTimeEq;

use crate::model::Secret;

/// Why the token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read events.auth_token_file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no token.
    #[error("events.auth_token_file {} is empty; write the token into it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The token, compared in constant time.
#[derive(Clone, Debug)]
pub(super) struct Token(Secret);

impl Token {
    pub(super) fn load(path: PathBuf) -> Result<Self, TokenError> {
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => Err(TokenError::Empty { path }),
            Ok(text) => Ok(Self(Secret::new(text.trim().to_owned()))),
            Err(source) => Err(TokenError::Read { path, source }),
        }
    }

    /// Whether this is `Bearer` and the token. The scheme's case does not matter (RFC 9110).
    pub(super) fn is_in(&self, authorization: &[u8]) -> bool {
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
