//! The name of a bucket, safe to use as a file name.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// In bytes. Any S3 ever allowed 255 (us-east-1 before 2018), a file system allows its document's
/// name as many, and that name is longer than the bucket's.
const BYTES_MAX: usize = 240;

/// A bucket's name: 1 to 240 of the characters `A-Z a-z 0-9 . _ -`, not beginning with a dot.
///
/// That is Amazon's oldest and widest rule, because the stores in front of fanfare decide which
/// buckets exist; it also keeps the name usable as a file name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct BucketName(Arc<str>);

/// Why a text is not a bucket name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{name}` is no bucket name: use 1 to {BYTES_MAX} of the characters A-Z a-z 0-9 . _ -, and no \
     dot in front"
)]
pub struct BucketNameError {
    /// The text as given.
    pub name: Box<str>,
}

impl BucketName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = BucketNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let refused = name.is_empty()
            || name.len() > BYTES_MAX
            || name.starts_with('.')
            || !name.bytes().all(legal);
        if refused {
            return Err(BucketNameError { name: name.into() });
        }
        Ok(Self(name.into()))
    }
}

impl TryFrom<Box<str>> for BucketName {
    type Error = BucketNameError;

    fn try_from(name: Box<str>) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl Borrow<str> for BucketName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_its_directory_is_refused() {
        for name in ["", ".", "..", ".a", "a/b", "a\\b", "a b", "ü", &"x".repeat(241)] {
            assert!(name.parse::<BucketName>().is_err(), "{name}");
        }
        for name in ["photos", "Old_Bucket", "a.b-c", &"x".repeat(240)] {
            assert!(name.parse::<BucketName>().is_ok(), "{name}");
        }
    }
}
