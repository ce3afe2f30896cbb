//! Hides credentials in what a store sent, before a person sees it.
//!
//! Stores write their clients' request headers into events (RustFS: `authorization`), and what is
//! no event is kept whole. Too much hidden does no harm, so a name need only sound confidential.
//!
//! The text need not be JSON: whatever is no string in quotes stays as it is.

/// What stands in the place of a value.
const HIDDEN: &str = "\"(hidden)\"";
/// What the name of a confidential value has in it, in lower case.
const NAMES: [&str; 8] = [
    "authorization",
    "cookie",
    "credential",
    "customer-key",
    "password",
    "secret",
    "signature",
    "token",
];
/// How a credential begins that has no name.
const SCHEMES: [&str; 3] = ["aws4-", "basic ", "bearer "];
/// So many documents may lie in each other as strings, each escaped once more: SNS and SQS wrap
/// what they carry.
const NESTED_MAX: usize = 3;

/// The same JSON, without the credentials in it.
pub(super) fn hide_credentials(json: &str) -> String {
    hide(json, NESTED_MAX)
}

fn hide(json: &str, nested_max: usize) -> String {
    let (mut shown, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(quote) = rest.find('"') {
        let (before, string) = rest.split_at(quote);
        let (string, after) = split_string(string);
        shown.push_str(before);
        rest = after;
        match split_colon(after) {
            None => shown.push_str(&hide_in_value(string, nested_max)),
            Some((colon, value)) => {
                shown.push_str(string);
                if sounds_confidential(string) {
                    shown.push_str(colon);
                    shown.push_str(HIDDEN);
                    rest = after_value(value);
                }
            }
        }
    }
    shown + rest
}

fn hide_in_value(string: &str, nested_max: usize) -> String {
    // Half a character, or no end: often why the text is no event, so that a person has to see it.
    let as_it_is = |_| string.trim_start_matches('"').to_owned();
    let text: String = serde_json::from_str(string).unwrap_or_else(as_it_is);
    let begins = |scheme: &&str| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if SCHEMES.iter().any(begins) {
        return HIDDEN.into();
    }
    if !text.trim_ascii_start().starts_with(['{', '[']) {
        return string.into();
    }
    let Some(nested_max) = nested_max.checked_sub(1) else { return HIDDEN.into() };
    let shown = hide(&text, nested_max);
    if shown == text { string.into() } else { serde_json::Value::from(shown).to_string() }
}

/// A name that cannot be read may be any.
fn sounds_confidential(name: &str) -> bool {
    let Ok(name) = serde_json::from_str::<String>(name) else { return true };
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

/// A string in its quotes, and what comes after it; all, if it has no end.
fn split_string(text: &str) -> (&str, &str) {
    let mut is_escaped = true;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    text.split_at(end.map_or(text.len(), |quote| quote + 1))
}

/// The colon with the space around it, and what comes after that; none if there is no colon.
fn split_colon(text: &str) -> Option<(&str, &str)> {
    let value = text.trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
    text.split_at_checked(text.len() - value.len())
}

/// What comes after the value that this begins with.
fn after_value(text: &str) -> &str {
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(at) = rest.find(['"', '{', '[', '}', ']', ',']) {
        let (_, found) = rest.split_at(at);
        let is_value_end = depth == 0 && found.starts_with(['}', ']', ',']);
        if is_value_end {
            return found;
        }
        if found.starts_with('"') {
            rest = split_string(found).1;
            continue;
        }
        if found.starts_with(['{', '[']) {
            depth += 1;
        } else if found.starts_with(['}', ']']) {
            depth -= 1;
        }
        rest = found.split_at(1).1;
    }
    ""
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn shows(json: &str, expected: &str) {
        assert_eq!(hide_credentials(json), expected);
    }

    #[test]
    fn values_whose_name_sounds_confidential_are_hidden_whatever_they_are() {
        shows(r#"{"Authorization" : "x", "a":1}"#, r#"{"Authorization" : "(hidden)", "a":1}"#);
        shows(r#"{"set-cookie":["a\"]","b"],"a":[]}"#, r#"{"set-cookie":"(hidden)","a":[]}"#);
        shows(r#"{"secrets":{"a":{"b":"}"}}}"#, r#"{"secrets":"(hidden)"}"#);
        shows(r#"[{"x-amz-security-token":17},2]"#, r#"[{"x-amz-security-token":"(hidden)"},2]"#);
        shows(r#"{"\u0061uthorization":"x"}"#, r#"{"\u0061uthorization":"(hidden)"}"#);
        shows(
            r#"{"x-amz-server-side-encryption-customer-key":"x"}"#,
            r#"{"x-amz-server-side-encryption-customer-key":"(hidden)"}"#,
        );
    }

    #[test]
    fn a_credential_is_known_by_its_scheme_where_it_has_no_name() {
        shows(r#"["authorization","AWS4-HMAC-SHA256 Cr"]"#, r#"["authorization","(hidden)"]"#);
        shows(r#"["bearer s3cr3t", "basics"]"#, r#"["(hidden)", "basics"]"#);
    }

    #[test]
    fn a_document_inside_a_string_is_looked_into() {
        let wrap = |inner: String| json!({ "Message": inner }).to_string();
        let secret = r#"{"cookie": "s3cr3t", "key": "k"}"#.to_owned();
        let hidden = r#"{"cookie": "(hidden)", "key": "k"}"#.to_owned();
        shows(&wrap(wrap(secret.clone())), &wrap(wrap(hidden)));
        let deep = (0..6).fold(secret, |inner, _| wrap(inner));
        assert!(!hide_credentials(&deep).contains("s3cr3t"));
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        for text in [
            "",
            "null",
            "{\"a\": [1, \"\\\"\", {\"k\":\"v\\\\\"}],\n \"key\":\"token\"}\n{\"b\":\"\u{e9}\"}",
            r#"{"Message":"{\"a\" : \"b\"}","user-agent":"aws-sdk"}"#,
            r#"{"key":"half \ud800"}"#,
            r#"{"key":"a 5\" disk"}"#,
            "no JSON",
        ] {
            shows(text, text);
        }
    }

    #[test]
    fn what_breaks_off_shows_no_credential() {
        for text in [r#"{"token":"s3cr3t"#, r#"{"token":["s3cr3t""#, r#"{"token":{"a":"s3cr3t"}"#] {
            assert!(!hide_credentials(text).contains("s3cr3t"), "{text}");
        }
    }
}
