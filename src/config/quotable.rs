//! Which lines of the settings an error may quote.
//!
//! A file with a mistake in it cannot be asked where its tables end, so the lines themselves are:
//! from the first that speaks of a secret to the next header. A string over several lines may look
//! like anything; once one has begun there, nothing further is quoted.

use std::ops::Range;

/// What stands in the lines that begin a part with secrets, in lower case.
const SECRETIVE: [&str; 4] = ["credential", "secret", "token", "password"];

/// The settings as an error may quote them.
#[derive(Debug)]
pub(super) struct Quotable {
    /// Each line as it is, or as many spaces.
    text: String,
    /// Of each line, whether it is as it is.
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Shown,
    Blank,
}

/// What the lines before have begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Harmless,
    Secrets,
    /// Secrets, with a string over several lines among them.
    Unknown,
}

impl Quotable {
    pub(super) fn new(text: &str) -> Self {
        let mut part = Part::Harmless;
        let lines: Vec<_> = text.split('\n').map(|line| part.enter(line)).collect();
        let shown = text.split('\n').zip(&lines).map(|(text, line)| match line {
            Line::Shown => text.to_owned(),
            Line::Blank => " ".repeat(text.len()),
        });
        Self { text: shown.collect::<Vec<_>>().join("\n"), lines }
    }

    /// The settings with spaces in place of what is not to be quoted: every line break stays where
    /// it is.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The number of the first line of the span, if a line of the span may not be quoted.
    pub(super) fn hidden_line(&self, span: Range<usize>) -> Option<usize> {
        let line_of = |at: usize| self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let (first, last) = (line_of(span.start), line_of(span.end));
        let lines = self.lines.get(first..=last).unwrap_or(&[Line::Blank]);
        lines.contains(&Line::Blank).then_some(first + 1)
    }
}

impl Part {
    fn enter(&mut self, line: &str) -> Line {
        let lower = line.trim_start().to_ascii_lowercase();
        let is_secretive = SECRETIVE.iter().any(|word| lower.contains(word));
        if lower.starts_with('#') && *self == Self::Harmless {
            return if is_secretive { Line::Blank } else { Line::Shown };
        }
        if *self == Self::Secrets && is_header(&lower) {
            *self = Self::Harmless;
        }
        if *self == Self::Harmless && is_secretive {
            *self = Self::Secrets;
        }
        if *self == Self::Secrets && (lower.contains("\"\"\"") || lower.contains("'''")) {
            *self = Self::Unknown;
        }
        if *self == Self::Harmless { Line::Shown } else { Line::Blank }
    }
}

/// Whether a table begins here; a list over several lines has no such line.
fn is_header(line: &str) -> bool {
    let line = line.split_once('#').map_or(line, |(header, _)| header).trim_end();
    let name = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    let is_of_a_name =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'"' | b'[' | b']');
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_of_a_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Quotable::new(text).text().to_owned()
    }

    #[test]
    fn what_may_be_a_secret_is_blank_up_to_the_next_table() {
        let text = "a = 1\n  [[credentials]]\nb = \"ü\"\n[log] # x\nformat = 1\n";
        let blank = " ".repeat("  [[credentials]]".len());
        assert_eq!(shown(text), format!("a = 1\n{blank}\n        \n[log] # x\nformat = 1\n"));
        let commented = "# the secret\na = 1";
        assert_eq!(shown(commented), "            \na = 1");
    }

    #[test]
    fn nothing_is_shown_behind_a_string_over_several_lines() {
        for quotes in ["\"\"\"", "'''"] {
            let text = format!("[[credentials]]\nsecret = {quotes}\n[top]\nsecret\n[log]\nx");
            assert_eq!(shown(&text).trim(), "", "{text}");
        }
    }

    #[test]
    fn a_span_that_touches_a_blank_line_is_hidden() {
        let quotable = Quotable::new("a = 1\n[[credentials]]\nb = 2");
        assert_eq!(quotable.hidden_line(0..5), None);
        assert_eq!(quotable.hidden_line(0..7), Some(1));
        assert_eq!(quotable.hidden_line(22..22), Some(3));
        assert_eq!(quotable.hidden_line(27..99), Some(3));
    }
}
