//! The pattern of a `regex` filter, which the whole key has to fit.
//!
//! It is what Ceph's is: it sees the raw key, whatever `key_match` says, and sees bytes, so that
//! `.` is one byte and `\w` and `(?i)` know ASCII only. An empty one is no condition.
//!
//! A pattern comes from whoever may write documents, so it cannot buy much. It is compiled once; what
//! grows large when compiled is refused, and so is Unicode, whose classes take milliseconds to fold.
//! Matching takes time that is linear in the key.
//!
//! Source: <https://docs.ceph.com/en/latest/radosgw/s3/bucketops/#create-notification>

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::{
    ast::{self, Ast, Flag, GroupKind},
    hir::{
        Hir,
        literal::{ExtractKind, Extractor, Seq},
        translate::TranslatorBuilder,
    },
};

use crate::model::ObjectKey;

/// What a compiled pattern may come to. It bounds the time of a match as well: in the worst case
/// each byte of a key visits all of it, and beyond this size such a key costs milliseconds.
const COMPILED_BYTES_MAX: usize = 12 << 10;
/// What each thread may keep to match faster.
const CACHE_BYTES_MAX: usize = 256 << 10;

/// Groups within groups.
const NESTED_MAX: u32 = 200;

/// A pattern that keys are held against, as a whole.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
    /// What each key that fits begins with.
    prefix: Box<[u8]>,
    /// What each key that fits ends with.
    suffix: Box<[u8]>,
}

/// Why a text is no pattern. Ends a sentence.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatternError {
    /// It is not written as patterns are, or with what they cannot have.
    #[error("{problem} at character {position}")]
    Syntax {
        /// What is wrong.
        problem: Box<str>,
        /// Where, from 1.
        position: usize,
    },
    /// It asks for Unicode.
    #[error("it has the flag `u`, but patterns see bytes")]
    Unicode,
    /// It has an operation between two sets of characters.
    #[error(
        "it has `&&`, `--` or `~~` in a class, which Ceph takes for characters; set them apart"
    )]
    ClassOperation,
    /// It is too much when compiled.
    #[error("it comes to more than {COMPILED_BYTES_MAX} bytes when compiled; repeat less in it")]
    TooLarge,
}

impl Pattern {
    /// Compiles a pattern; how long that takes is bounded.
    pub fn compile(text: &str) -> Result<Self, PatternError> {
        let (tree, plain) = tree(text)?;
        let literals = |kind| Extractor::new().kind(kind).extract(&tree);
        let (prefix, suffix) = match text {
            "" => (Seq::infinite(), Seq::infinite()),
            _ => (literals(ExtractKind::Prefix), literals(ExtractKind::Suffix)),
        };
        let regex = RegexBuilder::new(&format!(r"\A(?:{plain})\z"))
            .unicode(false)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(CACHE_BYTES_MAX)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
                other => syntax(&other, 1),
            })?;
        Ok(Self {
            text: text.into(),
            regex,
            prefix: prefix.longest_common_prefix().unwrap_or_default().into(),
            suffix: suffix.longest_common_suffix().unwrap_or_default().into(),
        })
    }

    /// Whether a key fits it, all of it.
    pub fn fits(&self, key: &ObjectKey) -> bool {
        self.text.is_empty() || self.regex.is_match(key.as_str().as_bytes())
    }

    /// The pattern, as sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What each key that fits begins with; often nothing.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// What each key that fits ends with; often nothing.
    pub fn suffix(&self) -> &[u8] {
        &self.suffix
    }
}

/// Patterns are equal if they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// Reads a pattern, without compiling it; and writes it again, with no comment that could take in
/// what follows, and with no group that is remembered.
fn tree(text: &str) -> Result<(Hir, String), PatternError> {
    let at = |span: &ast::Span| position(text, span.start.offset);
    let mut ast = ast::parse::ParserBuilder::new()
        .nest_limit(NESTED_MAX)
        .build()
        .parse(text)
        .map_err(|error| syntax(error.kind(), at(error.span())))?;
    ast::visit(&ast, Bytes)?;
    let tree = TranslatorBuilder::new()
        .utf8(false)
        .unicode(false)
        .build()
        .translate(text, &ast)
        .map_err(|error| syntax(error.kind(), at(error.span())))?;
    forget_groups(&mut ast);
    Ok((tree, ast.to_string()))
}

/// Nobody asks what a group matched, and remembering it costs memory for each of its steps.
fn forget_groups(ast: &mut Ast) {
    match ast {
        Ast::Group(group) => {
            if !matches!(group.kind, GroupKind::NonCapturing(_)) {
                let none = ast::Flags { span: group.span, items: Vec::new() };
                group.kind = GroupKind::NonCapturing(none);
            }
            forget_groups(&mut group.ast);
        }
        Ast::Repetition(repetition) => forget_groups(&mut repetition.ast),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(forget_groups),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(forget_groups),
        _ => {}
    }
}

fn syntax(problem: &impl fmt::Display, position: usize) -> PatternError {
    PatternError::Syntax { problem: problem.to_string().into(), position }
}

fn position(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).chars().count() + 1
}

/// Holds a pattern to bytes.
struct Bytes;

impl ast::Visitor for Bytes {
    type Output = ();
    type Err = PatternError;

    fn finish(self) -> Result<(), PatternError> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), PatternError> {
        let flags = match ast {
            Ast::Flags(set) => Some(&set.flags),
            Ast::Group(group) => group.flags(),
            _ => None,
        };
        match flags.and_then(|flags| flags.flag_state(Flag::Unicode)) {
            Some(true) => Err(PatternError::Unicode),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(
        &mut self,
        _: &ast::ClassSetBinaryOp,
    ) -> Result<(), PatternError> {
        Err(PatternError::ClassOperation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Pattern {
        Pattern::compile(text).unwrap()
    }

    fn fits(text: &str, key: &str) -> bool {
        compile(text).fits(&key.parse().unwrap())
    }

    #[test]
    fn a_pattern_is_held_against_the_whole_raw_key() {
        assert!(fits("[0-9]+", "17") && !fits("[0-9]+", "17x") && !fits("[0-9]+", "x17"));
        assert!(fits("a|ab", "ab"), "no alternative ends the search before the key ends");
        assert!(fits("^a$", "a") && !fits("a", "a\n") && !fits("(?m)a$", "a\nb"));
        assert!(fits("a=b .*", "a=b ü"), "raw, not encoded");
        assert!(fits("", "anything"), "as in Ceph");
        assert!(fits("(?x)a # b", "a") && fits("(?P<n>a)(b|c)+(?i:D)", "abcd"));
        assert!(fits(r"(?x)a\ \#", "a #") && fits(r"\x61[[:digit:]]\.", "a1."));
    }

    #[test]
    fn a_pattern_sees_bytes() {
        assert!(fits("..", "ü") && !fits(".", "ü"));
        assert!(fits("ü+", "ü") && fits(r"\xC3\xBC", "ü"));
        assert!(!fits(r"\w+", "ü") && !fits("(?i)Ü", "ü") && fits("(?i)A", "a"));
    }

    #[test]
    fn what_all_its_keys_begin_and_end_with_is_known() {
        for (text, prefix, suffix) in [
            ("logs/.*", "logs/", ""),
            (r"in/[0-9]+\.(jpg|png)", "in/", "g"),
            (r"a\.jpg|ab\.jpg", "a", ".jpg"),
            ("^a.*b$", "a", "b"),
            ("(?i)a.*", "", ""),
            ("a*", "", ""),
            ("", "", ""),
        ] {
            let pattern = compile(text);
            let ends = (pattern.prefix(), pattern.suffix());
            assert_eq!(ends, (prefix.as_bytes(), suffix.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_with_the_place() {
        let refused = |text: &str| Pattern::compile(text).unwrap_err().to_string();
        assert_eq!(refused("a(b"), "unclosed group at character 2");
        assert_eq!(refused("ü)|(a"), "unopened group at character 2");
        assert!(refused("a(?=b)").contains("look-around"), "{}", refused("a(?=b)"));
        assert!(refused(r"(a)\1").contains("backreferences"), "{}", refused(r"(a)\1"));
        assert!(refused("[äöü]").contains("Unicode not allowed"), "{}", refused("[äöü]"));
        assert!(refused(&format!("{}{}", "(".repeat(201), ")".repeat(201))).contains("nest"));
        assert_eq!(Pattern::compile("[a&&b]"), Err(PatternError::ClassOperation));
        for text in [r"(?u)\w", r"a(?u:\w)", "(?s-i)(?iu).", "(?-u:(?u:a))"] {
            assert_eq!(Pattern::compile(text), Err(PatternError::Unicode), "{text}");
        }
        for text in ["(a{1000}){1000}", "((a{30}){30}){30}", ".{0,1000}[^a]{0,1000}"] {
            assert_eq!(Pattern::compile(text), Err(PatternError::TooLarge), "{text}");
        }
    }
}
