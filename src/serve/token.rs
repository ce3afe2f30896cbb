//! The bearer token that a client has to send.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use subtle::ConstantTimeEq;
use tokio::sync::watch;

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
    /// The file holds what no client could send.
    #[error(
        "{setting} {} has to hold the token alone: one line of ASCII, without spaces in it",
        OneLine(path.display())
    )]
    Unusable {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// The token, compared in constant time. Clones share it, and see it replaced.
#[derive(Clone, Debug)]
pub struct Token {
    setting: &'static str,
    path: PathBuf,
    current: Arc<watch::Sender<Secret>>,
}

impl Token {
    /// Reads the file that this setting names; white space around the token does not count.
    pub fn load(setting: &'static str, path: PathBuf) -> Result<Self, TokenError> {
        let secret = read(setting, &path)?;
        Ok(Self { setting, path, current: Arc::new(watch::Sender::new(secret)) })
    }

    /// Reads the file again. What it holds counts once it was handed to [`Token::replace`].
    pub fn read(&self) -> Result<Secret, TokenError> {
        read(self.setting, &self.path)
    }

    /// From now on, this is the token.
    pub fn replace(&self, secret: Secret) {
        self.current.send_replace(secret);
    }

    /// The header's value that a client sends.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.current.borrow().reveal())
    }

    /// Whether this is `Bearer` and the token. The scheme's case does not matter (RFC 9110).
    pub fn is_in(&self, authorization: &[u8]) -> bool {
        let Some((scheme, token)) = authorization.split_at_checked("Bearer ".len()) else {
            return false;
        };
        let equal: bool = token.ct_eq(self.current.borrow().reveal().as_bytes()).into();
        scheme.eq_ignore_ascii_case(b"Bearer ") && equal
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Secret, TokenError> {
    let path = path.to_owned();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(TokenError::Read { setting, path, source }),
    };
    match text.trim() {
        "" => Err(TokenError::Empty { setting, path }),
        token if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Secret::new(token.to_owned()))
        }
        _ => Err(TokenError::Unusable { setting, path }),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::NamedTempFile;

    use super::*;

    fn file(text: &str) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    fn load(file: &NamedTempFile) -> Result<Token, TokenError> {
        Token::load("events.auth_token_file", file.path().to_owned())
    }

    #[test]
    fn only_the_whole_token_with_its_scheme_is_right() {
        let token = load(&file("s3cr3t\n")).unwrap();
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
        assert!(!format!("{:?}", load(&file("s3cr3t")).unwrap()).contains("s3cr3t"));
    }

    #[test]
    fn what_no_client_could_send_is_no_token() {
        for text in ["one\ntwo", "Bearer s3cr3t", "s3cr\u{e9}t", "s3c\0r3t"] {
            let cause = load(&file(text)).unwrap_err().to_string();
            assert!(cause.contains("has to hold the token alone"), "{cause}");
            assert!(!cause.contains(text), "{cause}");
        }
        assert!(load(&file(" \n")).unwrap_err().to_string().contains("is empty"));
    }

    #[test]
    fn a_token_that_is_replaced_is_replaced_for_whoever_has_it() {
        let file = file("old");
        let token = load(&file).unwrap();
        let other = token.clone();
        fs::write(&file, "new").unwrap();
        let read = token.read().unwrap();
        assert!(other.is_in(b"Bearer old"), "not before it counts");
        token.replace(read);
        assert!(other.is_in(b"Bearer new") && !other.is_in(b"Bearer old"));
    }
}
