//! What a filter value says about the bytes of a raw key.
//!
//! Amazon documents that filter values are written in the form encoding and that `*` is no
//! wildcard; what users measured fits a plain comparison of the value, as stored, with the
//! form-encoded key. Nearly every value that can match is the encoding of some bytes, so it can be
//! decoded once and compared with raw keys. The rest is told apart here: values that end or begin
//! inside an escape, and values that no encoded key has at that end.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html>

use std::str::from_utf8;

use crate::model::is_raw_in_form;

use super::FilterName;

/// How a filter value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawForm {
    /// The encoded key has the value at its end exactly where the raw key has these bytes.
    Bytes,
    /// It may be cut inside an escape, so it is compared with the encoded key: the suffix `3D`
    /// accepts `a=` as well as `a3D`.
    Encoded,
    /// No key is encoded so.
    Never,
}

/// One byte of a key, as the encoding of it begins.
enum Token {
    Byte(u8),
    /// The value ends inside an escape.
    Half,
}

impl RawForm {
    /// Reads a value; if it is [`RawForm::Bytes`], they are put into `raw`.
    pub fn read(name: FilterName, value: &str, raw: &mut Vec<u8>) -> Self {
        raw.clear();
        match name {
            FilterName::Prefix => prefix(value.as_bytes(), raw),
            FilterName::Suffix => suffix(value.as_bytes(), raw),
        }
    }
}

fn prefix(value: &[u8], raw: &mut Vec<u8>) -> RawForm {
    match decode(value, raw) {
        Some(_) if !begins_a_text(raw) => RawForm::Never,
        Some(Ends::Whole) => RawForm::Bytes,
        Some(Ends::Cut) => RawForm::Encoded,
        None => RawForm::Never,
    }
}

/// A hex digit may be the rest of an escape.
fn suffix(value: &[u8], raw: &mut Vec<u8>) -> RawForm {
    let is_whole = |value, raw: &mut Vec<u8>| decode(value, raw) == Some(Ends::Whole);
    let as_it_is = is_whole(value, raw);
    let is_digit = |at| value.get(at).copied().and_then(digit).is_some();
    let digits = usize::from(is_digit(0)) + usize::from(is_digit(0) && is_digit(1));
    if digits == 0 {
        return if as_it_is && ends_a_text(raw) { RawForm::Bytes } else { RawForm::Never };
    }
    let mut rest = Vec::new();
    let behind = |digits| value.get(digits..).unwrap_or_default();
    let is_possible = (1..=digits).any(|digits| {
        rest.clear();
        is_whole(behind(digits), &mut rest)
    });
    if as_it_is || is_possible { RawForm::Encoded } else { RawForm::Never }
}

/// How a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Whole,
    Cut,
}

/// None if something in it is in no encoding.
fn decode(value: &[u8], raw: &mut Vec<u8>) -> Option<Ends> {
    let plain = value.iter().position(|byte| !is_raw_in_form(*byte)).unwrap_or(value.len());
    let (plain, mut rest) = value.split_at(plain);
    raw.extend_from_slice(plain);
    while let [first, behind @ ..] = rest {
        rest = behind;
        let token = match *first {
            b'+' => Token::Byte(b' '),
            b'%' => escape(&mut rest)?,
            byte if is_raw_in_form(byte) => Token::Byte(byte),
            _ => return None,
        };
        match token {
            Token::Byte(byte) => raw.push(byte),
            Token::Half => return Some(Ends::Cut),
        }
    }
    Some(Ends::Whole)
}

/// Reads what is behind a `%`.
fn escape(rest: &mut &[u8]) -> Option<Token> {
    match *rest {
        [] => Some(Token::Half),
        [high] => digit(*high).map(|_| Token::Half),
        [high, low, behind @ ..] => {
            let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
            *rest = behind;
            byte.filter(|byte| *byte != b' ' && !is_raw_in_form(*byte)).map(Token::Byte)
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn begins_a_text(raw: &[u8]) -> bool {
    raw.is_ascii() || from_utf8(raw).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// The first character may be cut: up to three bytes that go on with one.
fn ends_a_text(raw: &[u8]) -> bool {
    let goes_on = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    let cut = raw.iter().take(3).take_while(goes_on).count();
    from_utf8(raw.get(cut..).unwrap_or_default()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: FilterName, value: &str) -> (RawForm, Vec<u8>) {
        let mut raw = Vec::new();
        (RawForm::read(name, value, &mut raw), raw)
    }

    #[test]
    fn a_value_that_is_the_encoding_of_bytes_is_decoded() {
        for (value, bytes) in [("", ""), ("a/b", "a/b"), ("dir+%C3%BC%3D", "dir ü="), ("*", "*")] {
            for name in [FilterName::Prefix, FilterName::Suffix] {
                assert_eq!(read(name, value), (RawForm::Bytes, bytes.into()), "{value}");
            }
        }
        assert_eq!(read(FilterName::Prefix, "%C3").0, RawForm::Bytes, "a character may be cut");
        assert_eq!(read(FilterName::Suffix, "%BC.txt").0, RawForm::Bytes);
        assert_eq!(read(FilterName::Prefix, "3D").0, RawForm::Bytes, "a key begins with no rest");
    }

    #[test]
    fn a_value_that_may_cut_an_escape_stays_encoded() {
        for value in ["a%", "a%3"] {
            assert_eq!(read(FilterName::Prefix, value).0, RawForm::Encoded, "{value}");
        }
        for value in ["3D", "D", "3D%3D", "FF", "7%20"] {
            let wanted = match value {
                "7%20" => RawForm::Never,
                _ => RawForm::Encoded,
            };
            assert_eq!(read(FilterName::Suffix, value).0, wanted, "{value}");
        }
    }

    #[test]
    fn a_value_that_no_key_has_is_told() {
        for value in ["a=b", "a b", "ü", "%3d", "%2F", "%20", "%zz", "%C3a", "%FF"] {
            for name in [FilterName::Prefix, FilterName::Suffix] {
                assert_eq!(read(name, value).0, RawForm::Never, "{name:?} {value}");
            }
        }
        assert_eq!(read(FilterName::Suffix, ".a%3").0, RawForm::Never, "no half escape at the end");
    }
}
