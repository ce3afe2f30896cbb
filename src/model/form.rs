//! Which texts can stand at either end of an encoded key, shown by a key that has them there.
//!
//! A filter value is compared with the form encoding of keys as it is written, and an encoding has
//! only so many shapes: whole escapes, upper-case, of bytes that need one, which together are
//! UTF-8. A value may cut an escape or a character in two; then only one end of it is in the value.

use super::{ObjectKey, is_raw_in_form, key::form_byte};

impl ObjectKey {
    /// A key whose encoding begins with this text; none if no key's does.
    pub fn with_form_prefix(text: &str) -> Option<Self> {
        if text.is_empty() {
            return "a".parse().ok();
        }
        let (bytes, rest) = decode_units(text.as_bytes())?;
        cut_at_the_end(rest)?.into_iter().find_map(|last| complete([&*bytes, &*last].concat()))
    }

    /// A key whose encoding ends with this text; none if no key's does.
    pub fn with_form_suffix(text: &str) -> Option<Self> {
        if text.is_empty() {
            return "a".parse().ok();
        }
        // A hex digit may stand for itself or be the rest of an escape.
        [0, 1, 2].into_iter().find_map(|digits| {
            let (head, tail) = text.as_bytes().split_at_checked(digits)?;
            let (bytes, rest) = decode_units(tail)?;
            let whole = rest.is_empty().then_some(bytes)?;
            let heads = cut_at_the_start(head);
            heads.into_iter().find_map(|first| with_lead([&*first, &*whole].concat()))
        })
    }
}

/// The bytes that whole units (a character that is never escaped, `+`, or an escape) stand for,
/// and an escape that the end cuts off; none if something can stand in no encoding.
fn decode_units(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        text = match text {
            [] | [b'%'] | [b'%', _] => return Some((bytes, text)),
            [b'%', high, low, rest @ ..] => {
                let byte = nibble(*high)? << 4 | nibble(*low)?;
                bytes.push(is_escaped(byte).then_some(byte)?);
                rest
            }
            [b'+', rest @ ..] => {
                bytes.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                bytes.push(is_raw_in_form(*byte).then_some(*byte)?);
                rest
            }
        };
    }
}

/// What an escape cut off at the end may have stood for: nothing if there is none.
fn cut_at_the_end(rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    match rest {
        [b'%', high] => {
            let high = nibble(*high)?;
            Some(escaped(|byte| byte >> 4 == high))
        }
        [b'%'] => Some(escaped(|_| true)),
        _ => Some(vec![Vec::new()]),
    }
}

/// What an escape of which only these digits are left may have stood for: nothing if there are
/// none.
fn cut_at_the_start(digits: &[u8]) -> Vec<Vec<u8>> {
    match digits {
        [] => vec![Vec::new()],
        [low] => nibble(*low).map_or_else(Vec::new, |low| escaped(|byte| byte & 15 == low)),
        [high, low, ..] => {
            let byte = nibble(*high).zip(nibble(*low)).map(|(high, low)| high << 4 | low);
            byte.map_or_else(Vec::new, |wanted| escaped(|byte| byte == wanted))
        }
    }
}

/// The bytes that are written as an escape and fulfil the condition; those that can be shown
/// first.
fn escaped(wanted: impl Fn(u8) -> bool) -> Vec<Vec<u8>> {
    let bytes = (b'!'..=u8::MAX).chain(0..=b' ');
    bytes.filter(|byte| is_escaped(*byte) && wanted(*byte)).map(|byte| vec![byte]).collect()
}

/// The key that begins with these bytes, its last character completed.
fn complete(mut bytes: Vec<u8>) -> Option<ObjectKey> {
    while let Err(cause) = str::from_utf8(&bytes) {
        if cause.error_len().is_some() {
            return None;
        }
        // After some first bytes not every second byte is allowed; one of these always is.
        bytes.push(0x80);
        if is_broken(&bytes) {
            bytes.pop();
            bytes.push(0x90);
        }
        if is_broken(&bytes) {
            bytes.pop();
            bytes.push(0xA0);
        }
    }
    String::from_utf8(bytes).ok()?.parse().ok()
}

fn is_broken(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|cause| cause.error_len().is_some())
}

/// The key that ends with these bytes, the beginning of its first character restored.
fn with_lead(mut bytes: Vec<u8>) -> Option<ObjectKey> {
    let lead = match bytes.iter().take_while(|byte| (0x80..0xC0).contains(*byte)).count() {
        0 => None,
        1 => Some(0xC2),
        2 => Some(0xE1),
        3 => Some(0xF1),
        _ => return None,
    };
    bytes.splice(..0, lead);
    String::from_utf8(bytes).ok()?.parse().ok()
}

fn is_escaped(byte: u8) -> bool {
    form_byte(byte).len() == 3
}

/// The value of an upper-case hex digit.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn begins(value: &str) -> bool {
        let key = ObjectKey::with_form_prefix(value);
        assert!(key.iter().all(|key| key.to_form().starts_with(value)), "{value}: {key:?}");
        key.is_some()
    }

    #[track_caller]
    fn ends(value: &str) -> bool {
        let key = ObjectKey::with_form_suffix(value);
        assert!(key.iter().all(|key| key.to_form().ends_with(value)), "{value}: {key:?}");
        key.is_some()
    }

    #[test]
    fn some_values_stand_at_no_end_of_an_encoded_key() {
        for value in ["a=b", "=", "a b", "%2F", "a%20b", "%3d", "%2A", "%zz", "ü", "%FF", "%C0%80"]
        {
            assert!(!begins(value) && !ends(value), "{value}");
        }
    }

    #[test]
    fn a_prefix_may_end_within_an_escape_or_a_character() {
        for value in ["", "%", "a%2", "%C", "%C3", "%E0%A", "%E0", "%F0", "%F4%8", "%ED%9"] {
            assert!(begins(value), "{value}");
        }
        for value in ["%1G", "%c", "%E0%8", "%ED%A", "%F4%9", "%C3%B", "%C3%C"] {
            assert_eq!(begins(value), value == "%C3%B", "{value}");
        }
    }

    #[test]
    fn a_suffix_may_begin_within_an_escape_or_a_character() {
        for value in ["", "3D", "D", "%BC", "3%BC", "C3%BC", "%80%80%80"] {
            assert!(ends(value), "{value}");
        }
        for value in ["%", "a%2", "%C3", "%80%80%80%80", "d%BC", "41%BC", "0%E0%80"] {
            assert!(!ends(value), "{value}");
        }
    }

    #[test]
    fn the_key_of_a_value_is_not_longer_than_a_key_can_be() {
        let long = "a".repeat(1024);
        assert!(begins(&long) && ends(&long));
        for (kept, cut, fits) in [
            (1023, "%", true),
            (1022, "%C", true),
            (1022, "%E", false),
            (1021, "%E1", true),
            (1021, "%F0", false),
        ] {
            assert_eq!(begins(&format!("{}{cut}", "a".repeat(kept))), fits, "{kept} {cut}");
        }
        assert!(ends(&format!("%BC{}", "a".repeat(1022))));
        assert!(!ends(&format!("%BC{}", "a".repeat(1023))));
    }

    /// The first characters one by one; of the others every 832nd, which is each 13th first part of
    /// an encoding, since the last byte has six bits.
    #[test]
    fn what_stands_at_an_end_of_a_character_is_found() {
        let shown = ('\0'..='\u{10FFFF}').filter(|c| *c < '\u{100}' || u32::from(*c) % 832 == 7);
        for key in shown.map(|c| c.to_string().parse::<ObjectKey>().unwrap()) {
            let form = key.to_form();
            for at in 0..=form.len() {
                let (prefix, suffix) = form.split_at(at);
                assert!(begins(prefix) && ends(suffix), "{prefix} {suffix}");
            }
        }
    }

    /// Pieces of which encodings are made, and what only looks like one.
    fn value() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-f/.*0-9A-F]",
            "[+=? ü]",
            "%[0-9A-F]{2}",
            "%[0-9A-Fa-f]?",
            Just("%C3%BC".to_owned()),
            Just("%E2%82%AC".to_owned()),
            Just("%2F".to_owned()),
        ];
        proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_said_to_stand_nowhere_stands_in_no_key(
            value in value(),
            around in "\\PC{0,3}",
            raw in "[ab=+ü€ /%2FC3BD]{1,6}",
        ) {
            let (can_begin, can_end) = (begins(&value), ends(&value));
            let decoded = crate::model::decode_form(&value).unwrap_or_default();
            for raw in [raw, format!("{decoded}{around}"), format!("{around}{decoded}")] {
                let Ok(key) = raw.parse::<ObjectKey>() else { continue };
                let form = key.to_form();
                prop_assert!(can_begin || !form.starts_with(&value), "{}", form);
                prop_assert!(can_end || !form.ends_with(&value), "{}", form);
            }
        }
    }
}
