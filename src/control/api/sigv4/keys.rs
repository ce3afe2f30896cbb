//! The access keys with their secrets, and what each may do.

use std::{collections::HashMap, fs, io, path::PathBuf, sync::Arc};

use tracing::warn;

use crate::{
    control::api::credentials::{
        AccessKeyId, Action, Credential, CredentialsConfig, Grant, SecretSource,
    },
    model::{BucketName, Region, Secret},
};

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read secret_access_key_file {} of access key {access_key_id}", path.display())]
    Read {
        /// Whose secret.
        access_key_id: AccessKeyId,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no secret.
    #[error(
        "secret_access_key_file {} of access key {access_key_id} is empty; write the secret into it",
        path.display()
    )]
    Empty {
        /// Whose secret.
        access_key_id: AccessKeyId,
        /// The file.
        path: PathBuf,
    },
}

/// Every access key that may sign a request.
#[derive(Debug)]
pub struct Credentials {
    pub(super) region: Region,
    keys: HashMap<Box<str>, Arc<Key>>,
}

/// One access key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) secret: Secret,
    id: AccessKeyId,
    grant: Grant,
}

/// Who signed a request.
#[derive(Clone, Debug)]
pub struct Principal(Arc<Key>);

impl Credentials {
    /// Reads the secrets that stand in files. Signatures must be for this region.
    pub fn load(config: &CredentialsConfig, region: Region) -> Result<Self, SecretError> {
        if config.is_empty() {
            warn!(
                "nobody may use the S3 API; add [[credentials]] with access_key_id and \
                 secret_access_key_file to the settings"
            );
        }
        let keys = config.iter().map(|entry| {
            let key = Key {
                secret: secret(entry)?,
                id: entry.access_key_id.clone(),
                grant: entry.grant.clone(),
            };
            Ok((key.id.as_str().into(), Arc::new(key)))
        });
        Ok(Self { region, keys: keys.collect::<Result<_, SecretError>>()? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn key(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.get(id)
    }
}

impl CredentialsConfig {
    /// Checks what the settings themselves do not hold: whether every secret can be read.
    pub fn check_secrets(&self) -> Result<(), SecretError> {
        self.iter().try_for_each(|entry| secret(entry).map(drop))
    }
}

impl Principal {
    pub(super) fn new(key: &Arc<Key>) -> Self {
        Self(Arc::clone(key))
    }

    /// The access key, to name in logs.
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.0.id
    }

    /// Whether this key is for that; if not, S3 answers [`super::AuthError::AccessDenied`].
    pub fn may(&self, action: Action, bucket: &BucketName) -> bool {
        self.0.grant.covers(action, bucket)
    }
}

fn secret(entry: &Credential) -> Result<Secret, SecretError> {
    let path = match &entry.secret {
        SecretSource::Settings(secret) => return Ok(secret.clone()),
        SecretSource::File(path) => path.clone(),
    };
    let access_key_id = entry.access_key_id.clone();
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => Err(SecretError::Empty { access_key_id, path }),
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(source) => Err(SecretError::Read { access_key_id, path, source }),
    }
}
