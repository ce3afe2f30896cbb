//! Segment files: their names, their headers, and places in them.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use super::frame::VERSION;

/// Everything in a segment begins at a multiple of this, so that a write never touches a page
/// that holds acknowledged bytes. The header takes the first page.
pub(super) const PAGE: u64 = PAGE_BYTES as u64;
pub(super) const PAGE_BYTES: usize = 4096;
const MAGIC: &[u8; 8] = b"FanfareJ";
const LENGTH: usize = 76;

/// A place in the log: between two frames, or at the start of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// The parts of a journal's directory.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) root: Arc<Path>,
}

impl Layout {
    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn meta(&self) -> PathBuf {
        self.root.join("meta.redb")
    }

    pub(super) fn dead_letters(&self) -> PathBuf {
        self.root.join("dead_letters.redb")
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    pub(super) fn corrupt(&self) -> PathBuf {
        self.root.join("corrupt")
    }

    pub(super) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    pub(super) fn segment(&self, id: u64) -> PathBuf {
        self.segments().join(format!("{id:020}.log"))
    }

    /// Where a segment is written that is to replace another.
    pub(super) fn temporary(&self, id: u64) -> PathBuf {
        self.segments().join(format!("{id:020}.tmp"))
    }

    /// What was to replace a segment, and never did.
    pub(super) fn list_temporary(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(self.segments())? {
            let path = entry?.path();
            paths.extend(path.extension().is_some_and(|it| it == "tmp").then_some(path));
        }
        Ok(paths)
    }

    /// The numbers of the segments, ascending. Foreign files are left alone.
    pub(super) fn list(&self) -> io::Result<Vec<u64>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.segments())? {
            let name = entry?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".log"));
            ids.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Copies bytes that once were durable and are no longer valid to where a human can look at
    /// them. `false` if that was done before. Without the copy everything goes on: what it would
    /// show is lost already.
    pub(super) fn keep_corrupt(&self, from: Place, bytes: u64) -> bool {
        let path = self.corrupt().join(format!("{:020}-{}.bin", from.segment, from.offset));
        if path.exists() {
            return false;
        }
        if let Err(cause) = self.copy(from, bytes, &path) {
            let Place { segment, offset } = from;
            warn!(segment, offset, bytes, %cause, "corrupt bytes could not be copied aside");
            // Half a copy would pass for a whole one; there may be none.
            drop(fs::remove_file(&path));
        }
        true
    }

    fn copy(&self, from: Place, bytes: u64, to: &Path) -> io::Result<()> {
        let mut kept = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
        File::open(self.segment(from.segment))?.read_exact_at(&mut kept, from.offset)?;
        fs::write(to, kept)
    }
}

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) segment: u64,
    pub(super) journal: Uuid,
    /// The sequence number of the first record that the segment can hold.
    pub(super) first_seq: u64,
    /// When it was begun, in microseconds since 1970: no record before it is later.
    pub(super) time: i64,
    /// The last of the segments that it stands for; itself, unless it is the work of a compaction.
    pub(super) through: u64,
    /// How many compactions it has been through.
    pub(super) generation: u32,
    /// The first number of the segment after it, if that was known: it is after a compaction.
    pub(super) end_seq: u64,
}

impl Header {
    pub(super) fn new(journal: Uuid, segment: u64, first_seq: u64, time: i64) -> Self {
        Self {
            version: VERSION,
            segment,
            journal,
            first_seq,
            time,
            through: segment,
            generation: 0,
            end_seq: first_seq,
        }
    }

    /// The whole first page.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut page = MAGIC.to_vec();
        page.extend_from_slice(&self.version.to_le_bytes());
        page.extend_from_slice(&[0; 2]);
        page.extend_from_slice(&self.segment.to_le_bytes());
        page.extend_from_slice(self.journal.as_bytes());
        page.extend_from_slice(&self.first_seq.to_le_bytes());
        page.extend_from_slice(&self.time.to_le_bytes());
        page.extend_from_slice(&self.through.to_le_bytes());
        page.extend_from_slice(&self.end_seq.to_le_bytes());
        page.extend_from_slice(&self.generation.to_le_bytes());
        page.extend_from_slice(&crc32c::crc32c(&page).to_le_bytes());
        debug_assert_eq!(page.len(), LENGTH, "the drawing in the module doc");
        page.resize(PAGE_BYTES, 0);
        page
    }

    /// Reads the header of a segment; `None` if it is not whole.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; LENGTH];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(Self::decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let (covered, crc) = bytes.split_last_chunk::<4>()?;
        let (magic, rest) = covered.split_first_chunk::<8>()?;
        if magic != MAGIC {
            return None;
        }
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_first_chunk::<2>()?;
        let (segment, rest) = rest.split_first_chunk::<8>()?;
        let (journal, rest) = rest.split_first_chunk::<16>()?;
        let (first_seq, rest) = rest.split_first_chunk::<8>()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (through, rest) = rest.split_first_chunk::<8>()?;
        let (end_seq, rest) = rest.split_first_chunk::<8>()?;
        let (generation, _) = rest.split_first_chunk::<4>()?;
        let header = Self {
            version: u16::from_le_bytes(*version),
            segment: u64::from_le_bytes(*segment),
            journal: Uuid::from_bytes(*journal),
            first_seq: u64::from_le_bytes(*first_seq),
            time: i64::from_le_bytes(*time),
            through: u64::from_le_bytes(*through),
            end_seq: u64::from_le_bytes(*end_seq),
            generation: u32::from_le_bytes(*generation),
        };
        let whole = u32::from_le_bytes(*crc) == crc32c::crc32c(covered);
        (whole || header.version == 1 && is_first_version(bytes)).then_some(header)
    }
}

/// Version 1 had a shorter header, which still says that it is one.
fn is_first_version(bytes: &[u8; LENGTH]) -> bool {
    let crc = bytes.get(44..48).and_then(|crc| crc.try_into().ok()).map(u32::from_le_bytes);
    crc == bytes.get(..44).map(crc32c::crc32c)
}
