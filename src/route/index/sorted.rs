//! The distinct texts of one side of all rules, in order.
//!
//! Texts are sorted by eight bytes at a time: a run that these bytes do not tell apart is sorted by
//! the next eight. So what many texts begin with is read once a text, not once a comparison.

use super::words::{common, narrow, short};

/// Runs this short are sorted by comparing texts.
const RUN_SHORT: usize = 8;
/// So are texts that share this much: comparing goes through long texts faster than eight bytes at
/// a time of each.
const DEPTH_MAX: usize = 64;

/// Texts that lie in one buffer, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

/// The distinct ones of many texts, in order.
#[derive(Debug)]
pub(super) struct Sorted {
    /// Each once; a text stands before those that begin with it.
    texts: Texts,
    /// How many bytes each shares with the one before it.
    pub(super) shared: Vec<u16>,
    /// Which of them each of the many is.
    pub(super) rank: Vec<u32>,
}

/// A text to be sorted: its eight bytes at some depth, and what is left of it, up to nine bytes.
/// Texts with the same bytes and no ninth are told apart by their length: padding is no NUL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    word: u64,
    left: u32,
    text: u32,
}

/// What a part has left if it goes on behind its word.
const GOES_ON: u32 = 9;

impl Texts {
    /// No text yet, but memory for so many texts of so many bytes in all.
    pub(super) fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(texts) }
    }

    pub(super) fn push(&mut self, text: impl IntoIterator<Item = u8>) {
        self.bytes.extend(text);
        self.ends.push(narrow(self.bytes.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, text: u32) -> &[u8] {
        let start = text.checked_sub(1).map_or(0, |before| self.end(before));
        self.bytes.get(start..self.end(text)).unwrap_or_default()
    }

    fn end(&self, text: u32) -> usize {
        self.ends.get(text as usize).copied().unwrap_or_default() as usize
    }
}

impl Sorted {
    /// The bytes of all texts.
    pub(super) fn bytes(&self) -> usize {
        self.texts.bytes.len()
    }

    pub(super) fn get(&self, text: u32) -> &[u8] {
        self.texts.get(text)
    }

    pub(super) fn new(all: &Texts) -> Self {
        let order = sort(all);
        let mut sorted = Self {
            texts: Texts::with_capacity(all.len(), all.bytes.len()),
            shared: Vec::with_capacity(all.len()),
            rank: vec![0; all.len()],
        };
        let mut before: &[u8] = &[];
        for part in order {
            let text = all.get(part.text);
            let shared = common(before, text, 0);
            if sorted.texts.len() == 0 || shared < text.len() || shared < before.len() {
                sorted.texts.push(text.iter().copied());
                sorted.shared.push(short(shared));
            }
            if let Some(rank) = sorted.rank.get_mut(part.text as usize) {
                *rank = narrow(sorted.texts.len() - 1);
            }
            before = text;
        }
        sorted
    }
}

fn sort(all: &Texts) -> Vec<Part> {
    let part = |text| Part { word: 0, left: GOES_ON, text };
    let mut parts: Vec<Part> = (0..narrow(all.len())).map(part).collect();
    let mut runs = vec![(0, parts.len(), 0)];
    while let Some((from, to, depth)) = runs.pop() {
        let Some(run) = parts.get_mut(from..to) else { continue };
        let rest = |text: u32| all.get(text).get(depth..).unwrap_or_default();
        if run.len() <= RUN_SHORT || depth >= DEPTH_MAX {
            run.sort_unstable_by(|a, b| rest(a.text).cmp(rest(b.text)));
            continue;
        }
        for part in &mut *run {
            let rest = rest(part.text);
            part.word = head(rest);
            part.left = narrow(rest.len()).min(GOES_ON);
        }
        run.sort_unstable();
        let mut start = from;
        for same in run.chunk_by(|a, b| (a.word, a.left) == (b.word, b.left)) {
            if same.len() > 1 && same.first().is_some_and(|part| part.left == GOES_ON) {
                runs.push((start, start + same.len(), depth + 8));
            }
            start += same.len();
        }
    }
    parts
}

/// The first eight bytes, the very first one the highest; zeros where there are fewer.
fn head(text: &[u8]) -> u64 {
    if let Some(word) = text.first_chunk::<8>() {
        return u64::from_be_bytes(*word);
    }
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(text) {
        *to = *from;
    }
    u64::from_be_bytes(word)
}
