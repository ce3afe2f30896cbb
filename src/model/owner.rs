//! Whose events these are: the region that every event is stamped with, and the account that owns
//! the bucket.

use std::{collections::HashMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::BucketName;

/// A region's name, such as `us-east-1`: 1 to 32 of the characters `a-z 0-9 -`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Region(Box<str>);

/// An AWS account's id: 12 digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AccountId(Box<str>);

/// Who owns which bucket: one account, save for the buckets that name another.
///
/// A clone shares the table.
#[derive(Clone, Debug)]
pub struct Owners(Arc<Table>);

#[derive(Debug)]
struct Table {
    default: AccountId,
    overrides: HashMap<BucketName, AccountId>,
}

/// Why a text is neither.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OwnerError {
    /// Not a region.
    #[error("`{text}` is no region; write it as in an ARN, such as \"us-east-1\"")]
    Region {
        /// The text as given.
        text: Box<str>,
    },
    /// Not an account.
    #[error("`{text}` is no account id; write its 12 digits in quotes")]
    AccountId {
        /// The text as given.
        text: Box<str>,
    },
}

impl Region {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that a region of this name belongs to, by its prefix.
    pub fn partition(&self) -> &'static str {
        match self.0.split_once('-') {
            Some(("cn", _)) => "aws-cn",
            Some(("us", rest)) if rest.starts_with("gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl AccountId {
    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Owners {
    /// `default` owns every bucket that `overrides` does not name. Of two overrides of one bucket
    /// the later holds.
    pub fn new(
        default: AccountId,
        overrides: impl IntoIterator<Item = (BucketName, AccountId)>,
    ) -> Self {
        Self(Arc::new(Table { default, overrides: overrides.into_iter().collect() }))
    }

    /// The owner of this bucket.
    pub fn of(&self, bucket: &BucketName) -> &AccountId {
        self.0.overrides.get(bucket).unwrap_or(&self.0.default)
    }
}

impl From<AccountId> for Owners {
    /// One account owns every bucket.
    fn from(default: AccountId) -> Self {
        Self::new(default, [])
    }
}

impl TryFrom<String> for Region {
    type Error = OwnerError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(legal) {
            return Ok(Self(text.into()));
        }
        Err(OwnerError::Region { text: text.into() })
    }
}

impl TryFrom<String> for AccountId {
    type Error = OwnerError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(text.into()));
        }
        Err(OwnerError::AccountId { text: text.into() })
    }
}

impl Default for Region {
    fn default() -> Self {
        Self("us-east-1".into())
    }
}

impl Default for AccountId {
    fn default() -> Self {
        Self("000000000000".into())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_belongs_to_the_owner_it_names_or_else_to_the_default() {
        let account = |digits: &str| AccountId::try_from(digits.to_owned()).unwrap();
        let (ours, theirs) = (account("111122223333"), account("444455556666"));
        let bucket = |name: &str| name.parse::<BucketName>().unwrap();
        let owners = Owners::new(ours.clone(), [(bucket("photos"), theirs.clone())]);
        assert_eq!(*owners.of(&bucket("photos")), theirs);
        assert_eq!(*owners.of(&bucket("photos-2")), ours);
    }
}
