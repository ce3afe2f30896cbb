//! How files are cut, what is sent, and what is said of it.

use std::{fs, io::Read, iter};

use serde_json::json;

use super::{
    input::{Input, InputError},
    part::{Part, Place},
};
use crate::cli::{Ended, tests::daemon::sent};

/// The parts of a text, each with the lines that it says it is.
fn parts(reader: impl Read, lines_max: usize) -> Vec<(String, Option<(u64, u64)>)> {
    let mut input = Input::new("f", reader, lines_max);
    let parts = iter::from_fn(|| input.next().unwrap());
    parts.map(|Part { body, place }| (String::from_utf8(body).unwrap(), place.lines)).collect()
}

fn lines(first: u64, last: u64, text: &str) -> Part {
    Part { body: text.into(), place: Place { file: "f".into(), lines: Some((first, last)) } }
}

#[test]
fn lines_go_together_up_to_a_count() {
    let text = "{\"a\":1}\n\n{}\n[]\n{}";
    let expected = [("{\"a\":1}\n\n{}\n", (1, 3)), ("[]\n", (4, 4)), ("{}", (5, 5))];
    let expected = expected.map(|(text, lines)| (text.to_owned(), Some(lines)));
    assert_eq!(parts(text.as_bytes(), 2), expected, "what has no end yet is no whole line");
}

#[test]
fn lines_go_together_up_to_a_mebibyte_and_a_longer_one_alone() {
    let line = |bytes: usize| format!("\"{}\"\n", "x".repeat(bytes - 3));
    let text = [line(600_000), line(600_000), line(2_000_000), line(100), line(100)].concat();
    let sizes: Vec<_> = parts(text.as_bytes(), 500).iter().map(|(text, _)| text.len()).collect();
    assert_eq!(sizes[..3], [600_000, 600_000, 2_000_000]);
    assert_eq!(sizes[3..].iter().sum::<usize>(), 200);
}

#[test]
fn what_a_pipe_has_so_far_goes_at_once() {
    /// Hands out a chunk a read.
    struct Chunks(Vec<&'static [u8]>);
    impl Read for Chunks {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() { Ok(0) } else { self.0.remove(0).read(buffer) }
        }
    }
    let texts: Vec<_> = parts(Chunks(vec![b"{}\n{}\n{", b"}\n"]), 500).into_iter().collect();
    let expected = [("{}\n{}\n", (1, 2)), ("{}\n", (3, 3))];
    assert_eq!(texts, expected.map(|(text, lines)| (text.to_owned(), Some(lines))));
}

#[test]
fn a_document_over_several_lines_is_one_part_and_nothing_is_none() {
    let text = "\n{\n  \"Records\": []\n}\n";
    assert_eq!(parts(text.as_bytes(), 1), [(text.to_owned(), None)]);
    assert_eq!(parts("\n \n".as_bytes(), 1), []);
    assert_eq!(parts(&b""[..], 1), []);
}

#[test]
fn what_a_windows_editor_wrote_is_the_same() {
    let text = "\u{feff}{}\r\n[]\r\n";
    assert_eq!(parts(text.as_bytes(), 500), [("{}\r\n[]\r\n".to_owned(), Some((1, 2)))]);
    let document = "\u{feff}{\r\n}\r\n";
    assert_eq!(parts(document.as_bytes(), 500), [("{\r\n}\r\n".to_owned(), None)]);
}

#[test]
fn what_is_neither_lines_nor_a_document_is_not_read_to_its_end() {
    let endless = "no json\n".as_bytes().chain(iter_reader());
    let refused = Input::new("f", endless, 500).next().unwrap_err();
    assert!(matches!(refused, InputError::Document { .. }), "{refused}");
    let refused = Input::new("f", iter_reader(), 500).next().unwrap_err();
    assert!(matches!(refused, InputError::Line { line: 1, .. }), "{refused}");
}

fn iter_reader() -> impl Read {
    std::io::repeat(b'x')
}

#[test]
fn the_bad_line_is_found_and_halves_are_whole_lines() {
    let part = lines(7, 9, "{}\n{\n{}\n");
    assert_eq!(part.bad_line(), Some(8));
    assert_eq!(lines(7, 8, "{}\n\n").bad_line(), None);
    assert_eq!(part.halves(), Some([lines(7, 7, "{}\n"), lines(8, 9, "{\n{}\n")]));
    assert_eq!(lines(1, 1, "{}\n").halves(), None);
}

#[test]
fn what_is_sent_is_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, "{}\n".repeat(501)).unwrap();
    fs::write(&two, "{\n}").unwrap();
    let files = [one.to_str().unwrap(), two.to_str().unwrap()];
    let (ended, out, asked) = sent(&[&["send"], &files[..]].concat(), |_| {
        (200, json!({ "received": 3, "matched": 2, "duplicates": 1 }))
    });
    assert_eq!(ended.unwrap(), Ended::Done);
    assert!(out.starts_with("9 events in 3 requests, 0."), "{out}");
    assert!(out.ends_with(" events/s: 6 matched, 3 of them duplicates\n"), "{out}");
    let kinds: Vec<_> = asked.iter().map(|(kind, body)| (kind.as_str(), body.len())).collect();
    let lines = "application/x-ndjson";
    assert_eq!(kinds, [(lines, 1500), (lines, 3), ("application/json", 3)]);
}

#[test]
fn what_is_refused_for_now_is_sent_again_and_what_is_too_large_in_halves() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events");
    fs::write(&file, "{}\n".repeat(3)).unwrap();
    let mut answers = vec![
        (503, json!({ "error": "full" })),
        (413, json!({ "error": "large" })),
        (200, json!({ "received": 1, "matched": 0 })),
        (200, json!({ "received": 2, "matched": 0 })),
    ];
    let (ended, out, asked) =
        sent(&["send", file.to_str().unwrap(), "--json"], move |_| answers.remove(0));
    assert_eq!(ended.unwrap(), Ended::Done);
    assert!(out.starts_with(r#"{"received":3,"matched":0,"#), "{out}");
    let sizes: Vec<_> = asked.iter().map(|(_, body)| body.len()).collect();
    assert_eq!(sizes, [9, 9, 3, 6]);
}

#[test]
fn a_refusal_names_the_file_and_the_line_and_what_was_sent_before_is_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events");
    fs::write(&file, "{}\n".repeat(501) + "{\n{}\n").unwrap();
    let mut count = 0;
    let (ended, out, _) = sent(&["send", file.to_str().unwrap()], move |_| {
        count += 1;
        match count {
            1 => (200, json!({ "received": 500, "matched": 500 })),
            _ => (400, json!({ "error": "the body is not JSON at line 2, column 1" })),
        }
    });
    assert!(out.starts_with("stopped: 500 events in 1 request, "), "{out}");
    let said = format!("{:#}", ended.unwrap_err());
    let place = format!("{}, lines 501 to 503: refused by http://", file.display());
    assert!(said.starts_with(&place), "{said}");
    let words = "with 400: the body is not JSON at line 2, column 1 (that is line 502 of the file)";
    assert!(said.ends_with(words), "{said}");
}
