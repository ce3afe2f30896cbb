//! What is sent at once, and where it came from.

use std::{fmt, sync::Arc};

use serde::de::IgnoredAny;

use crate::model::OneLine;

/// The body of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) body: Vec<u8>,
    pub(super) place: Place,
}

/// Where a part came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    /// The first and the last line; none if the part is the whole of the file.
    pub(super) lines: Option<(u64, u64)>,
}

impl Part {
    pub(super) fn content_type(&self) -> &'static str {
        match self.place.lines {
            Some(_) => "application/x-ndjson",
            None => "application/json",
        }
    }

    /// The first line of the file that is no JSON, if the part is lines and has such.
    pub(super) fn bad_line(&self) -> Option<u64> {
        let (first, _) = self.place.lines?;
        let lines = self.body.split(|&byte| byte == b'\n').zip(first..);
        let mut bad = lines.filter(|(line, _)| !line.trim_ascii().is_empty() && !is_json(line));
        bad.next().map(|(_, number)| number)
    }

    /// The same in two parts; none if it is one line.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        let (first, last) = self.place.lines.filter(|(first, last)| first < last)?;
        let before = (last - first).div_ceil(2);
        let ends = self.body.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let (end, _) = ends.zip(1..).find(|(_, line)| *line == before)?.0;
        let (one, two) = self.body.split_at(end + 1);
        let part = |body: &[u8], lines| Self {
            body: body.to_vec(),
            place: Place { file: Arc::clone(&self.place.file), lines: Some(lines) },
        };
        Some([part(one, (first, first + before - 1)), part(two, (first + before, last))])
    }
}

pub(super) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = OneLine(&self.file);
        match self.lines {
            None => write!(f, "{file}"),
            Some((first, last)) if first == last => write!(f, "{file}, line {first}"),
            Some((first, last)) => write!(f, "{file}, lines {first} to {last}"),
        }
    }
}
