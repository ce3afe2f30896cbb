//! Reads JSON into a type, and says where it does not fit.
//!
//! A problem names the place and what belongs there, never what is there: it is logged, and a
//! store may have put its client's credentials anywhere.

use serde::Deserialize;

use super::received::Rejection;

/// Reads JSON that is known to be JSON; only its shape can be wrong.
pub(super) fn read<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, Rejection> {
    serde_json::from_str(json).map_err(|error| malformed(&error, &path_to_error::<T>(json)))
}

/// Says what is wrong at a place: `.`, or the fields that lead there.
pub(super) fn malformed(error: &serde_json::Error, path: &str) -> Rejection {
    let at = match path {
        "." => String::new(),
        path => format!("`{path}`, "),
    };
    let (line, column) = (error.line(), error.column());
    Rejection::Malformed { at, line, column, problem: problem(&error.to_string()).into() }
}

/// Reads once more, since keeping the path makes every read slower.
fn path_to_error<'de, T: Deserialize<'de>>(json: &'de str) -> String {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => ".".to_owned(),
        Err(error) => error.path().to_string(),
    }
}

/// What was expected, of a message such as "invalid type: string "secret", expected a number at
/// line 1 column 9". What follows the last "expected" are our own words, as are the names of
/// duplicate fields.
fn problem(message: &str) -> &str {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    match message.rfind("expected ") {
        Some(expected) => message.get(expected..).unwrap_or_default(),
        None if message.contains(": ") => "of the wrong shape",
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer<'a> {
        #[serde(borrow, rename = "inner")]
        _inner: Inner<'a>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner<'a> {
        #[serde(rename = "text")]
        _text: &'a str,
    }

    #[track_caller]
    fn told(json: &str, expected: &str) {
        assert_eq!(read::<Outer<'_>>(json).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_problem_is_a_place_and_what_belongs_there() {
        told(
            r#"{"inner":{"text":7}}"#,
            "malformed at `inner.text`, line 1, column 18: expected a borrowed string",
        );
        told("[1]", "malformed at `[0]`, line 1, column 2: expected struct Inner");
        told("{}", "malformed at line 1, column 2: missing field `inner`");
    }

    #[test]
    fn a_value_is_never_told() {
        for value in [
            r#""SECRET""#,
            r#""SECRET, expected SECRET at line 7""#,
            r#"[["SECRET"]]"#,
            r#"{"text":["SECRET"]}"#,
            r#"{"text":{"SECRET":"SECRET"}}"#,
            r#"{"text":"SECRET \n"}"#,
            r#"{"text":"SECRET \ud800"}"#,
            "5318008",
        ] {
            let told = read::<Outer<'_>>(&format!(r#"{{"inner":{value}}}"#)).unwrap_err();
            let told = told.to_string();
            assert!(!told.contains("SECRET") && !told.contains("5318008"), "{told}");
        }
    }
}
