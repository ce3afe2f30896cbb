//! When a certificate expires: `notAfter`, the one field that is read from it.
//!
//! That takes five steps through its DER, which is less than any library that reads all of it.
//! Nothing here decides whom to trust.
//!
//! Source: RFC 5280, 4.1; <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The tag of a certificate's version, which the oldest leave out.
const VERSION: u8 = 0xa0;

/// The end of the validity; none if this is no certificate.
pub(super) fn expiry_of(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = open(SEQUENCE, certificate)?;
    let (signed, _) = open(SEQUENCE, certificate)?;
    let signed = open(VERSION, signed).map_or(signed, |(_, rest)| rest);
    let (_serial, rest) = open(INTEGER, signed)?;
    let (_algorithm, rest) = open(SEQUENCE, rest)?;
    let (_issuer, rest) = open(SEQUENCE, rest)?;
    let (validity, _) = open(SEQUENCE, rest)?;
    let (_, _not_before, rest) = split(validity)?;
    let (tag, not_after, _) = split(rest)?;
    let text = str::from_utf8(not_after).ok()?;
    let text = match tag {
        GENERALIZED_TIME => text.to_owned(),
        // Two digits: below 50 they are of this century.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// The content of the first element, if it has this tag, and what follows it.
fn open(wanted: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = split(bytes)?;
    (tag == wanted).then_some((content, rest))
}

/// Tag and content of the first element, and what follows it.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // The number of bytes that the length has; four hold any certificate.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn expiring(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 2, 28);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_of_the_validity_is_found_in_both_forms() {
        for year in [1999, 2031, 2049, 2050, 2100] {
            let expected = format!("{year}-02-28T00:00:00Z").parse().ok();
            assert_eq!(expiry_of(&expiring(year)), expected, "{year}");
        }
    }

    #[test]
    fn what_is_cut_off_expires_never() {
        let certificate = expiring(2031);
        let end_of_the_date = 200;
        for length in 0..end_of_the_date.min(certificate.len()) {
            assert_eq!(expiry_of(&certificate[..length]), None, "{length}");
        }
        assert_eq!(expiry_of(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
