//! JSON text that every destination accepts, and times in Amazon's two precisions.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Writes the value as JSON without spaces.
///
/// U+FFFE and U+FFFF, which a key may hold, are escaped: SQS refuses a message that contains
/// them. It also refuses control characters; JSON escapes those anyway.
///
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub(super) fn to_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("the wire structs have string keys only");
    // Such a character can stand in a string only, so its escape may replace it anywhere.
    if json.contains(['\u{FFFE}', '\u{FFFF}']) {
        return json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff");
    }
    json
}

/// Written as `2026-09-20T07:44:33.123Z`: always three decimals, cut off rather than rounded, so
/// that no event happens later than it did.
pub(super) struct Millis(pub(super) Timestamp);

/// Written as `2026-09-20T07:44:33Z`.
pub(super) struct Seconds(pub(super) Timestamp);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.0}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqs_refuses_is_escaped_and_reads_back() {
        let text = "a\\\u{FFFE}\u{FFFF}\u{1}ü\u{7F}";
        let json = to_json(&text);
        assert_eq!(json, "\"a\\\\\\ufffe\\uffff\\u0001ü\u{7F}\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn a_time_has_exactly_the_decimals_of_its_form() {
        for (time, written) in [
            ("2026-11-22T07:20:47Z", r#"["2026-11-22T07:20:47.000Z","2026-11-22T07:20:47Z"]"#),
            ("2026-11-22T07:20:47.9999Z", r#"["2026-11-22T07:20:47.999Z","2026-11-22T07:20:47Z"]"#),
            (
                "2026-11-22T08:20:47.05+01:00",
                r#"["2026-11-22T07:20:47.050Z","2026-11-22T07:20:47Z"]"#,
            ),
        ] {
            let time: Timestamp = time.parse().unwrap();
            assert_eq!(to_json(&(Millis(time), Seconds(time))), written);
        }
    }
}
