//! A time as an operator gives it: a date, or how long ago.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// A point in time, fixed or counted back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At this time.
    At(Timestamp),
    /// So long ago.
    Ago(SignedDuration),
}

/// Why a text is no time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MomentError {
    /// Neither form.
    #[error("write a time such as 2026-11-22T08:00:00Z, or how long ago, such as 90s, 2h or 1d12h")]
    Unreadable,
    /// Before time began.
    #[error("that is too long ago to be a time")]
    TooLong,
}

impl Moment {
    /// When that is.
    pub(super) fn from(self, now: Timestamp) -> Result<Timestamp, MomentError> {
        match self {
            Self::At(time) => Ok(time),
            Self::Ago(ago) => now.checked_sub(ago).or(Err(MomentError::TooLong)),
        }
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        let span: Span = text.parse().or(Err(MomentError::Unreadable))?;
        // A day here is 24 hours; how long a month is, nobody can say.
        let ago = span.to_duration(SpanRelativeTo::days_are_24_hours());
        Ok(Self::Ago(ago.or(Err(MomentError::Unreadable))?.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_how_long_ago() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        for (text, time) in [
            ("2026-11-21T08:00:00+01:00", "2026-11-21T07:00:00Z"),
            ("2h", "2026-11-22T06:00:00Z"),
            ("2h ago", "2026-11-22T06:00:00Z"),
            ("90s", "2026-11-22T07:58:30Z"),
            ("1d12h", "2026-11-20T20:00:00Z"),
            ("2 days", "2026-11-20T08:00:00Z"),
            ("1w", "2026-11-15T08:00:00Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.from(now), Ok(time.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "2", "yesterday", "2026-11-22", "2026-11-22T08:00:00", "1 month", "2x"] {
            assert_eq!(text.parse::<Moment>(), Err(MomentError::Unreadable), "{text}");
        }
        let long: Moment = "100000d".parse::<Moment>().unwrap();
        assert_eq!(long.from(Timestamp::MIN), Err(MomentError::TooLong));
    }
}
