//! A file, cut into what is sent at once: lines, or one document.
//!
//! The first line decides. If it is JSON, every line is; if not, the file is one document over
//! several lines. Lines that are there go out at once, so that a pipe that pauses holds nothing up.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::part::{Part, Place, is_json};
use crate::model::OneLine;

/// Lines sent at once.
pub(super) const LINES_MAX: usize = 500;
/// Bytes of lines sent at once; a longer line goes alone.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// The longest line, and the largest document: as much as a daemon takes by default.
const BODY_BYTES_MAX: u64 = 16 << 20;
/// What some editors begin a file with; it is no JSON, and says nothing of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("cannot open {}", OneLine(path.display()))]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read {file} after line {line}")]
    Read { file: Arc<str>, line: u64, source: io::Error },
    #[error("line {line} of {file} has more than {BODY_BYTES_MAX} bytes, which no event has")]
    Line { file: Arc<str>, line: u64 },
    #[error(
        "{file} is neither JSON a line, for its first line is no JSON, nor one document, for it \
         has more than {BODY_BYTES_MAX} bytes"
    )]
    Document { file: Arc<str> },
}

/// One file, read from its beginning to its end.
pub(super) struct Input<R> {
    file: Arc<str>,
    reader: BufReader<R>,
    lines_max: usize,
    /// Lines read so far.
    line: u64,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Unknown,
    Lines,
    Document,
}

impl Input<Box<dyn Read + Send>> {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path, lines_max: usize) -> Result<Self, InputError> {
        if path == Path::new("-") {
            return Ok(Self::new("standard input", Box::new(io::stdin()), lines_max));
        }
        let open = File::open(path);
        let file = open.map_err(|source| InputError::Open { path: path.into(), source })?;
        Ok(Self::new(&path.to_string_lossy(), Box::new(file), lines_max))
    }
}

impl<R: Read> Input<R> {
    pub(super) fn new(file: &str, reader: R, lines_max: usize) -> Self {
        let reader = BufReader::with_capacity(BATCH_BYTES_MAX, reader);
        Self { file: file.into(), reader, lines_max, line: 0, shape: Shape::Unknown }
    }

    /// What is to be sent next; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Part>, InputError> {
        if self.shape == Shape::Document {
            return Ok(None);
        }
        let (mut body, mut count, first) = (Vec::new(), 0, self.line + 1);
        loop {
            let start = body.len();
            if self.read_line(&mut body)? == 0 {
                break;
            }
            if self.line == 1 && body.starts_with(BYTE_ORDER_MARK) {
                body.drain(..BYTE_ORDER_MARK.len());
            }
            let line = body.get(start..).unwrap_or_default();
            if line.trim_ascii().is_empty() {
                continue;
            }
            if self.shape == Shape::Unknown {
                if !is_json(line) {
                    return self.document(body).map(Some);
                }
                self.shape = Shape::Lines;
            }
            count += 1;
            if count >= self.lines_max || !self.next_fits(body.len()) {
                break;
            }
        }
        let place = Place { file: Arc::clone(&self.file), lines: Some((first, self.line)) };
        Ok((count > 0).then_some(Part { body, place }))
    }

    /// Reads a line and its end; answers how many bytes that is.
    fn read_line(&mut self, body: &mut Vec<u8>) -> Result<u64, InputError> {
        let read = self.reader.by_ref().take(BODY_BYTES_MAX + 1).read_until(b'\n', body);
        let read = self.failed(read)? as u64;
        self.line += u64::from(read > 0);
        if read > BODY_BYTES_MAX {
            return Err(InputError::Line { file: Arc::clone(&self.file), line: self.line });
        }
        Ok(read)
    }

    /// Whether the next line is there, whole, and has room in the batch.
    fn next_fits(&self, bytes: usize) -> bool {
        let end = self.reader.buffer().iter().position(|&byte| byte == b'\n');
        end.is_some_and(|end| bytes + end < BATCH_BYTES_MAX)
    }

    fn document(&mut self, mut body: Vec<u8>) -> Result<Part, InputError> {
        self.shape = Shape::Document;
        let rest = (BODY_BYTES_MAX + 1).saturating_sub(body.len() as u64);
        let read = self.reader.by_ref().take(rest).read_to_end(&mut body);
        self.failed(read)?;
        if body.len() as u64 > BODY_BYTES_MAX {
            return Err(InputError::Document { file: Arc::clone(&self.file) });
        }
        Ok(Part { body, place: Place { file: Arc::clone(&self.file), lines: None } })
    }

    fn failed(&self, read: io::Result<usize>) -> Result<usize, InputError> {
        let (file, line) = (&self.file, self.line);
        read.map_err(|source| InputError::Read { file: Arc::clone(file), line, source })
    }
}
