//! Numbers, times and names as people read them.

use std::mem;

use anstyle::Style;
use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Arn, OneLine};

/// A number with its thousands apart: `12,043`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 event`, `12,043 events`.
pub(super) fn many(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// How long something takes or is ago, to the second below a minute, and ever less exactly.
pub(super) fn lasting(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds == 0 => "< 1 s".into(),
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// How long before `now` that was.
pub(super) fn since(time: Timestamp, now: Timestamp) -> String {
    lasting(now.duration_since(time))
}

/// Events a second: `0`, `0.3`, `12.5`, `1,240`.
pub(super) fn rate(rate: f64) -> String {
    if rate <= 0.0 {
        return "0/s".into();
    }
    if rate < 0.05 {
        return "< 0.1/s".into();
    }
    if rate < 99.95 {
        return format!("{rate:.1}/s");
    }
    // Written by the formatter, for a float becomes no integer without a cast.
    let whole = format!("{rate:.0}").parse().unwrap_or(u64::MAX);
    format!("{}/s", count(whole))
}

/// So many bytes of what is allowed: `1.2 GiB of 8.0 GiB (15 %)`.
pub(super) fn share(bytes: u64, limit: u64) -> String {
    let percent = u128::from(bytes) * 100 / u128::from(limit.max(1));
    format!("{} of {} ({percent} %)", ByteSize::b(bytes), ByteSize::b(limit))
}

/// A destination's service and name, such as `sqs thumbs`; the text itself if it is no ARN.
pub(super) fn short(arn: &str) -> String {
    let Ok(arn) = arn.parse::<Arn>() else { return OneLine(arn).to_string() };
    let resource = arn.resource();
    let name = resource.strip_prefix("function:").or(resource.strip_prefix("event-bus/"));
    OneLine(format!("{} {}", arn.service(), name.unwrap_or(resource))).to_string()
}

/// The text without its middle, if it has more characters than that.
pub(super) fn clipped(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.into();
    }
    let shown = width.saturating_sub(1);
    let (head, tail) = (shown.div_ceil(2), shown / 2);
    let (head, tail) = (text.chars().take(head), text.chars().skip(length - tail));
    head.chain(['…']).chain(tail).collect()
}

/// The text in lines of at most that many characters, broken between words, or within one that is
/// longer than a line.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for char in word.chars() {
            if used >= width.max(1) {
                lines.push(mem::take(&mut line));
                used = 0;
            }
            line.push(char);
            used += 1;
        }
    }
    lines.push(line);
    lines
}

/// The text in a colour.
pub(super) fn painted(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rates_are_short() {
        let counts = [0, 999, 1000, 12_043, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "12,043", "1,234,567"]);
        assert_eq!([many(1, "event"), many(2, "event")], ["1 event", "2 events"]);
        let rates = [0.0, 0.01, 0.25, 12.54, 99.96, 1239.7].map(rate);
        assert_eq!(rates, ["0/s", "< 0.1/s", "0.2/s", "12.5/s", "100/s", "1,240/s"]);
        assert_eq!(share(512 << 20, 8 << 30), "512.0 MiB of 8.0 GiB (6 %)");
        assert_eq!(share(1, 0), "1 B of 0 B (100 %)");
    }

    #[test]
    fn times_are_as_exact_as_they_matter() {
        let seconds = [-3, 0, 59, 60, 3599, 3600, 7_980, 86_399, 86_400, 300_000];
        let lasting = seconds.map(|seconds| lasting(SignedDuration::from_secs(seconds)));
        let words = [
            "< 1 s",
            "< 1 s",
            "59 s",
            "1 min",
            "59 min",
            "1 h 0 min",
            "2 h 13 min",
            "23 h 59 min",
            "1 d 0 h",
            "3 d 11 h",
        ];
        assert_eq!(lasting, words);
    }

    #[test]
    fn a_destination_goes_by_its_service_and_its_name() {
        for (arn, name) in [
            ("arn:aws:sqs:us-east-1:123456789012:thumbs", "sqs thumbs"),
            ("arn:aws:sns:us-east-1:123456789012:audit.fifo", "sns audit.fifo"),
            ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "lambda f:live"),
            ("arn:aws:events:us-east-1:123456789012:event-bus/default", "events default"),
            ("no\narn", "no\\narn"),
        ] {
            assert_eq!(short(arn), name);
        }
    }

    #[test]
    fn what_is_too_long_loses_its_middle_or_goes_on_below() {
        assert_eq!(clipped("sqs thumbs", 10), "sqs thumbs");
        assert_eq!(clipped("sqs thumbnails", 10), "sqs t…ails");
        assert_eq!(clipped("äöüäöü", 3), "ä…ü");
        assert_eq!(wrapped("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("a very-long-word is", 5), ["a", "very-", "long-", "word", "is"]);
        assert_eq!(wrapped("abcdef g", 5), ["abcde", "f g"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
