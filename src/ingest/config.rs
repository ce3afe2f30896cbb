//! The `[events]` section.

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{
    model::{positive, size},
    serve::{Token, TokenError},
};

/// What one request may put into the journal at once.
const BODY_LIMIT_MAX: ByteSize = ByteSize::gib(1);

/// What a store has to know and how much it may send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The file that holds the bearer token; without it, whoever reaches the port may post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token_file: Option<PathBuf>,
    /// The largest request body, at most 1 GiB.
    #[serde(deserialize_with = "body_limit", serialize_with = "size::serialize")]
    pub body_limit: ByteSize,
    /// How long an event is remembered, so that a copy that its store sends again is dropped;
    /// without it, every copy is an event.
    #[serde(with = "positive::optional", skip_serializing_if = "Option::is_none")]
    pub dedupe_window: Option<Duration>,
}

fn body_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByteSize, D::Error> {
    let size = size::deserialize(deserializer)?;
    if size > BODY_LIMIT_MAX {
        return Err(D::Error::custom("no request may have more than 1GiB; write that or less"));
    }
    Ok(size)
}

impl Config {
    /// Checks what the settings themselves do not hold: whether the token can be read.
    pub fn check_token(&self) -> Result<(), TokenError> {
        self.token().map(drop)
    }

    /// The token that stores have to send, if they have to.
    pub fn token(&self) -> Result<Option<Token>, TokenError> {
        let load = |path| Token::load("events.auth_token_file", path);
        self.auth_token_file.clone().map(load).transpose()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { auth_token_file: None, body_limit: ByteSize::mib(16), dedupe_window: None }
    }
}
