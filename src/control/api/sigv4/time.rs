//! The two ways in which a signature tells its time.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// `20130524T000000Z`.
pub(super) fn parse_instant(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let clock = rest.strip_suffix('Z')?;
    // The format alone would also take fewer digits, signs and blanks.
    if !is_digits(date, 8) || !is_digits(clock, 6) {
        return None;
    }
    let instant = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_timestamp(instant).ok()
}

/// Whether this is a day, as `20130524`.
pub(super) fn is_day(text: &str) -> bool {
    is_digits(text, 8) && Date::strptime("%Y%m%d", text).is_ok()
}

/// `2013-05-24T00:00:00Z`, as in the bodies of S3's errors.
pub(super) fn in_words(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_long_basic_form_is_an_instant() {
        assert_eq!(parse_instant("20130524T000001Z").unwrap().as_second(), 1_369_353_601);
        for text in
            ["", "20130524", "2013-05-24T00:00:00Z", "20130524T000000", "20131324T000000Z", "T Z"]
        {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }
}
