//! An object's key: raw inside, form-encoded at the edges.

use std::{array, fmt, iter, str::FromStr, sync::Arc};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// Amazon's limit on a key, in bytes of UTF-8.
const BYTES_MAX: usize = 1024;

/// An object's key as the client named it, 1 to 1,024 bytes of UTF-8; never encoded.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct ObjectKey(Arc<str>);

/// Why a text is not an object key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// A key has at least one byte.
    #[error("the object key is empty")]
    Empty,
    /// A key has at most 1,024 bytes.
    #[error("the object key has {bytes} bytes; S3 allows {BYTES_MAX}")]
    TooLong {
        /// The length of the decoded key.
        bytes: usize,
    },
    /// The percent-escapes of an encoded key are not UTF-8.
    #[error("the object key `{encoded}` does not decode to UTF-8")]
    NotUtf8 {
        /// The key as it was sent.
        encoded: Box<str>,
    },
}

impl ObjectKey {
    /// The key as the client named it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a key that a store sent form-encoded: `+` is a space, `%XX` a byte.
    pub fn from_form(encoded: &str) -> Result<Self, KeyError> {
        decode_form(encoded).ok_or_else(|| KeyError::NotUtf8 { encoded: encoded.into() })?.parse()
    }

    /// The bytes of the key as Amazon writes it into `s3.object.key`: form-encoded, upper-case
    /// hex, `/` kept. Computed as they are asked for, from either end; allocates nothing.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    pub fn form_bytes(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.0.bytes().flat_map(form_byte)
    }

    /// The key as Amazon writes it into `s3.object.key`.
    pub fn to_form(&self) -> String {
        self.form_bytes().map(char::from).collect()
    }
}

/// Undoes the form encoding: `+` is a space, `%XX` a byte; `None` if that is not UTF-8.
/// A `%` that no two hex digits follow stands for itself.
pub fn decode_form(encoded: &str) -> Option<String> {
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Whether the form encoding keeps this byte as it is.
///
/// Raw are `A-Z a-z 0-9 - . _ * /`: what Java's `URLEncoder` keeps, and the slash. For `*` and
/// `~ ! ( ) '` Amazon's encoding is not documented; this follows `URLEncoder` (README, limits).
pub const fn is_raw_in_form(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/')
}

/// One byte of a key, as 1 or 3 bytes of its form encoding.
pub(super) fn form_byte(byte: u8) -> iter::Take<array::IntoIter<u8, 3>> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
    let (bytes, len) = match byte {
        _ if is_raw_in_form(byte) => ([byte, 0, 0], 1),
        b' ' => ([b'+', 0, 0], 1),
        _ => ([b'%', digit(byte >> 4), digit(byte & 15)], 3),
    };
    bytes.into_iter().take(len)
}

impl FromStr for ObjectKey {
    type Err = KeyError;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        match key.len() {
            0 => Err(KeyError::Empty),
            1..=BYTES_MAX => Ok(Self(key.into())),
            bytes => Err(KeyError::TooLong { bytes }),
        }
    }
}

impl TryFrom<Box<str>> for ObjectKey {
    type Error = KeyError;

    fn try_from(key: Box<str>) -> Result<Self, Self::Error> {
        key.parse()
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_encoded_as_amazon_encodes_it() {
        for (raw, form) in [
            ("red flower.jpg", "red+flower.jpg"),
            ("a@b", "a%40b"),
            ("testupload/dir1/testfile.txt", "testupload/dir1/testfile.txt"),
            ("fixed/space + percent% unicode-é", "fixed/space+%2B+percent%25+unicode-%C3%A9"),
            ("service=worker/x", "service%3Dworker/x"),
            ("*~!()'", "*%7E%21%28%29%27"),
        ] {
            assert_eq!(raw.parse::<ObjectKey>().unwrap().to_form(), form);
        }
    }

    #[test]
    fn a_key_has_1_to_1024_bytes() {
        assert_eq!("".parse::<ObjectKey>(), Err(KeyError::Empty));
        assert!("ü".repeat(512).parse::<ObjectKey>().is_ok());
        let one_more = format!("{}x", "ü".repeat(512));
        assert_eq!(one_more.parse::<ObjectKey>(), Err(KeyError::TooLong { bytes: 1025 }));
    }

    #[test]
    fn escapes_that_are_not_utf_8_are_refused() {
        assert!(matches!(ObjectKey::from_form("a%FF"), Err(KeyError::NotUtf8 { .. })));
        assert_eq!(ObjectKey::from_form("100%").unwrap().as_str(), "100%");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(raw in "\\PC{1,40}") {
            let key: ObjectKey = raw.parse().unwrap();
            prop_assert_eq!(ObjectKey::from_form(&key.to_form()).unwrap(), key);
        }

        #[test]
        fn the_encoding_reads_the_same_from_both_ends(raw in "\\PC{1,40}") {
            let key: ObjectKey = raw.parse().unwrap();
            let mut backwards: Vec<u8> = key.form_bytes().rev().collect();
            backwards.reverse();
            prop_assert_eq!(backwards, key.to_form().into_bytes());
        }
    }
}
