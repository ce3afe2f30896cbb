//! The short run of the fuzz targets: every text of the corpus as it is, then cut, doubled, spliced
//! and littered with pieces of the grammar, the same way each time.
//!
//! Sets of rules and keys are bytes at random.
//!
//! `tests/fuzz/run` is the long one, which learns from the code that it reaches. What it finds goes
//! to `tests/data/fuzz/*/odd`, or `tests/data/fuzz/matcher`: no matter whether it is accepted, it has to keep the promises.
#![cfg(test)]

mod matcher;
mod oracle;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use fanfare::{model, route, rules};
use fastrand::Rng;

/// How often a text is changed, and how many bytes that may come to.
const MUTANTS: usize = 30;
const BYTES_PER_TEXT: usize = 200_000;
const SEED: u64 = 20_060_301;

/// How many sets of rules and keys.
const SETS: usize = 1_500;

/// The language of a corpus, and the parser that it is held against.
#[derive(Clone, Copy)]
struct Language {
    extension: &'static str,
    accepts: fn(&[u8]) -> bool,
    dictionary: &'static str,
}

const XML: Language =
    Language { extension: "xml", accepts: oracle::xml, dictionary: include_str!("xml.dict") };
const JSON: Language =
    Language { extension: "json", accepts: oracle::json, dictionary: include_str!("json.dict") };

impl Language {
    /// The texts in a folder of the corpus, by path.
    fn texts(self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
        let files = fs::read_dir(&folder).expect("the corpus is there");
        let files = files.map(|file| file.expect("the folder is readable").path());
        let mut files: Vec<_> =
            files.filter(|path| path.extension() == Some(OsStr::new(self.extension))).collect();
        files.sort();
        let read = |path: PathBuf| {
            let text = fs::read(&path).expect("the corpus is readable");
            (path, text)
        };
        files.into_iter().map(read).collect()
    }

    fn corpus(self) -> Vec<(PathBuf, Vec<u8>)> {
        let folders =
            ["accepted", "refused", "odd"].map(|f| format!("fuzz/{}/{f}", self.extension));
        let folders = folders.iter().map(String::as_str).chain(["rules"]);
        folders.flat_map(|folder| self.texts(folder)).collect()
    }

    fn survives_changes(self) {
        let corpus: Vec<Vec<u8>> = self.corpus().into_iter().map(|(_, text)| text).collect();
        assert!(corpus.len() > 60, "the corpus is gone");
        let pieces = pieces(self.dictionary);
        let mut chance = Rng::with_seed(SEED);
        for text in &corpus {
            let mutants = MUTANTS.min(BYTES_PER_TEXT / text.len().max(1));
            for _ in 0..mutants {
                let other = chance.choice(&corpus).expect("there are some");
                let mut mutant = text.clone();
                for _ in 0..chance.usize(1..4) {
                    change(&mut mutant, other, &pieces, &mut chance);
                }
                (self.accepts)(&mutant);
            }
        }
    }
}

/// The quoted texts of a libFuzzer dictionary.
fn pieces(dictionary: &str) -> Vec<Vec<u8>> {
    let lines = dictionary.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    lines.map(unescape).collect()
}

fn unescape(quoted: &str) -> Vec<u8> {
    let mut parts = quoted.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).expect("two hex digits follow"));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

/// One change: a part goes, is doubled, or makes room for a byte, a piece, or a part of another.
fn change(text: &mut Vec<u8>, other: &[u8], pieces: &[Vec<u8>], chance: &mut Rng) {
    let at = part(text, chance);
    let with = match chance.u8(0..5) {
        0 => Vec::new(),
        1 => text[at.clone()].repeat(2),
        2 => vec![chance.u8(..)],
        3 => chance.choice(pieces).expect("there are some").clone(),
        _ => other[part(other, chance)].to_vec(),
    };
    text.splice(at, with);
}

/// Any part, short ones more often than long ones.
fn part(text: &[u8], chance: &mut Rng) -> std::ops::Range<usize> {
    let begin = chance.usize(..=text.len());
    let longest = (text.len() - begin).min(1 << chance.u32(0..12));
    begin..begin + chance.usize(..=longest)
}

#[test]
fn what_clients_send_is_accepted() {
    for language in [XML, JSON] {
        let texts = language.texts(&format!("fuzz/{}/accepted", language.extension));
        assert!(texts.len() > 10, "the corpus is gone");
        for (path, text) in texts {
            assert!((language.accepts)(&text), "{}", path.display());
        }
    }
}

#[test]
fn what_attackers_send_is_refused() {
    for language in [XML, JSON] {
        let texts = language.texts(&format!("fuzz/{}/refused", language.extension));
        assert!(texts.len() > 30, "the corpus is gone");
        for (path, text) in texts {
            assert!(!(language.accepts)(&text), "{}", path.display());
        }
    }
}

#[test]
fn neither_parser_minds_a_text_for_the_other() {
    for (_, text) in XML.corpus().into_iter().chain(JSON.corpus()) {
        oracle::xml(&text);
        oracle::json(&text);
    }
}

#[test]
fn changed_xml_is_refused_or_keeps_every_promise() {
    XML.survives_changes();
}

#[test]
fn changed_json_is_refused_or_keeps_every_promise() {
    JSON.survives_changes();
}

#[test]
fn a_mebibyte_of_anything_is_read_or_refused() {
    const LEN: usize = 1 << 20;
    let whole = |open: &str, unit: &str, close: &str| {
        let units = (LEN - open.len() - close.len()) / unit.len();
        [open, &unit.repeat(units), close].concat().into_bytes()
    };
    let in_id = ("<a><QueueConfiguration><Id>", "</Id></QueueConfiguration></a>");
    for (open, unit, close) in [
        ("<a>", "<!---->", "</a>"),
        ("<a>", "<?a?>", "</a>"),
        ("<a>", "<EventBridgeConfiguration/>", "</a>"),
        ("<a>", "<QueueConfiguration><Queue/><Event/></QueueConfiguration>", "</a>"),
        ("<a ", "b='' ", "/>"),
        ("<", "a", "/>"),
        ("<a>", " ", "</a>"),
        (in_id.0, "x", in_id.1),
        (in_id.0, "&amp;", in_id.1),
        (in_id.0, "<![CDATA[]]>", in_id.1),
        (in_id.0, "\u{7}", in_id.1),
    ] {
        (XML.accepts)(&whole(open, unit, close));
    }
    for (open, unit, close) in [
        ("{", " ", "}"),
        ("", "[", ""),
        ("{\"a\":", "1", "}"),
        ("{\"", "\\u0000", "\":1}"),
        ("{\"QueueConfigurations\":[", "{},", "{}]}"),
        ("{\"ResponseMetadata\":[", "{},", "{}]}"),
        ("{\"QueueConfigurations\":[{\"Id\":\"", "ü", "\"}]}"),
    ] {
        (JSON.accepts)(&whole(open, unit, close));
    }
}

#[test]
fn the_rules_of_the_corpus_are_found_as_by_a_scan() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz/matcher");
    let files: Vec<_> = fs::read_dir(folder).expect("the corpus is there").collect();
    assert!(files.len() >= 16, "the corpus is gone");
    for file in files {
        let path = file.expect("the folder is readable").path();
        matcher::finds_what_a_scan_finds(&fs::read(path).expect("the corpus is readable"));
    }
}

#[test]
fn rules_at_random_are_found_as_by_a_scan() {
    let mut chance = Rng::with_seed(SEED);
    for _ in 0..SETS {
        let length = 1 << chance.u32(4..12);
        // Small bytes make few pieces, and many that are alike.
        let most = chance.choice([4, 16, 255]).expect("there are some");
        let bytes: Vec<u8> = (0..length).map(|_| chance.u8(..=most)).collect();
        matcher::finds_what_a_scan_finds(&bytes);
    }
}
