//! The paths of a forest, each a record of bytes.
//!
//! Whatever a search reads of a path lies together, because with a million rules none of it is in a
//! cache, and waiting for memory is all that a search then does:
//!
//! ```text
//!   12 bytes                                        count × 2       length   by the owner
//!   [ up 4 | up_at 2 | length 2 | count 2 | note 2 | lengths, if several | text | notes … ]
//! ```
//!
//! `text` is the longest text of the path, `lengths` are those of all its `count` texts; it hangs
//! on place `up_at` of the path at `up`. Paths are known by where their records begin, in words of
//! 4 bytes.

use super::{
    forest::{Forest, NONE, Place},
    sorted::Sorted,
    words::{common, narrow, short, take},
};

const WORD: usize = 4;
const HEAD: usize = 12;

/// What an owner keeps with a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Note<'a> {
    pub(super) number: u16,
    pub(super) bytes: &'a [u8],
}

/// All paths.
#[derive(Clone, Debug)]
pub(super) struct Paths(Box<[u8]>);

/// One path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    up: u32,
    up_at: u16,
    length: u16,
    count: u16,
    /// The number of the owner's note.
    pub(super) note: u16,
    body: &'a [u8],
}

impl Paths {
    /// Writes the records; also answers where each path of the forest is.
    pub(super) fn new<'a>(
        sorted: &Sorted,
        forest: &Forest,
        mut note: impl FnMut(u32) -> Note<'a>,
    ) -> (Self, Vec<u32>) {
        let mut bytes = Vec::with_capacity(sorted.bytes() + sorted.shared.len() * 40);
        let mut starts = Vec::<u32>::with_capacity(sorted.shared.len());
        for (path, (above, texts)) in (0..).zip(forest.paths()) {
            bytes.resize(bytes.len().next_multiple_of(WORD), 0);
            let up = above.and_then(|above| starts.get(above.path as usize).copied());
            starts.push(narrow(bytes.len() / WORD));
            let head = bytes.len();
            bytes.extend_from_slice(&[0; HEAD]);
            let mut longest: &[u8] = &[];
            let mut count = 0;
            for text in texts {
                longest = sorted.get(text);
                count += 1;
                bytes.extend_from_slice(&short(longest.len()).to_le_bytes());
            }
            if count == 1 {
                bytes.truncate(head + HEAD);
            }
            let note = note(path);
            bytes.extend_from_slice(longest);
            bytes.extend_from_slice(note.bytes);
            let up_at = above.map_or(0, |above| above.at);
            let fields = [up_at, short(longest.len()), short(count), note.number];
            let fields = fields.iter().flat_map(|field| field.to_le_bytes());
            let fields = up.unwrap_or(NONE).to_le_bytes().into_iter().chain(fields);
            for (to, byte) in bytes.iter_mut().skip(head).zip(fields) {
                *to = byte;
            }
        }
        (Self(bytes.into()), starts)
    }

    pub(super) fn get(&self, path: u32) -> Option<Path<'_>> {
        let record = self.0.get(path as usize * WORD..)?;
        let (head, body) = record.split_first_chunk::<HEAD>()?;
        let mut head: &[u8] = head;
        Some(Path {
            up: u32::from_le_bytes(take(&mut head)),
            up_at: u16::from_le_bytes(take(&mut head)),
            length: u16::from_le_bytes(take(&mut head)),
            count: u16::from_le_bytes(take(&mut head)),
            note: u16::from_le_bytes(take(&mut head)),
            body,
        })
    }

    /// The longest text that a key begins with, given a path and how many bytes the key shares
    /// with the path's longest text. It is on this path or on one above.
    pub(super) fn longest(&self, path: u32, shared: usize) -> Option<Place> {
        let mut place = Place { path, at: u16::MAX };
        loop {
            let path = self.get(place.path)?;
            if let Some(at) = path.last_within(shared) {
                return Some(Place { at: at.min(place.at), ..place });
            }
            place = path.above()?;
        }
    }
}

impl<'a> Path<'a> {
    /// The place that this path hangs on.
    pub(super) fn above(&self) -> Option<Place> {
        (self.up != NONE).then_some(Place { path: self.up, at: self.up_at })
    }

    /// How many bytes the key shares with the longest text; they are known to share some.
    pub(super) fn common(&self, key: &[u8], known: usize) -> usize {
        let (start, length) = (self.lengths_bytes(), usize::from(self.length));
        let text = self.body.get(start..start + length).unwrap_or_default();
        // The usual answer is all of it, which is the quickest to find out.
        if key.get(known..length).is_some_and(|key| text.get(known..) == Some(key)) {
            return length;
        }
        common(key, text, known)
    }

    /// The owner's bytes; others follow.
    pub(super) fn note_bytes(&self) -> &'a [u8] {
        self.body.get(self.lengths_bytes() + usize::from(self.length)..).unwrap_or_default()
    }

    fn lengths_bytes(&self) -> usize {
        if self.count > 1 { 2 * usize::from(self.count) } else { 0 }
    }

    /// The last place whose text has at most so many bytes.
    fn last_within(&self, bytes: usize) -> Option<u16> {
        if usize::from(self.length) <= bytes {
            return Some(self.count - 1);
        }
        let lengths = self.body.get(..self.lengths_bytes()).unwrap_or_default();
        let (lengths, _) = lengths.as_chunks::<2>();
        let within = lengths.partition_point(|l| usize::from(u16::from_le_bytes(*l)) <= bytes);
        within.checked_sub(1).map(short)
    }
}
