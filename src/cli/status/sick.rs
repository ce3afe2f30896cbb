//! What is wrong with a destination, in words, and what helps. Pure.

use jiff::Timestamp;

use super::words::since;
use crate::{
    admin::{Destination, LastError},
    model::OneLine,
};

/// Said of everything that an operator has to mend.
const NOTHING_LOST: &str = "nothing is lost, and what is pending follows by itself";

/// The lines below the row of a destination that does not get its events: which it is, what it
/// said last, what helps. None if it does.
pub(super) fn remarks(destination: &Destination, now: Timestamp) -> Vec<String> {
    let Some(lane) = &destination.lane else { return Vec::new() };
    let error = lane.last_error.as_ref();
    let help = match (&*lane.state, error) {
        ("broken", error) => format!("{}; {NOTHING_LOST}", mending(error)),
        ("retrying", Some(LastError { class, .. })) if class == "throttled" => {
            "it asks for less at a time and gets it; nothing to do".into()
        }
        ("retrying", _) => {
            "it is tried again by itself; if this lasts, look at the service and the way there"
                .into()
        }
        ("paused", _) => {
            "take `paused = true` out of its [[destination]] table and restart".to_owned()
        }
        _ => return Vec::new(),
    };
    let error = error.filter(|_| lane.state != "paused").map(|error| {
        let LastError { code, message, time, .. } = error;
        let ago = since(*time, now);
        OneLine(format_args!("{code} ({ago} ago): {message}")).to_string()
    });
    let arn = OneLine(&destination.destination).to_string();
    [Some(arn), error, Some(format!("help: {help}"))].into_iter().flatten().collect()
}

/// What has to be done, as far as the code tells. A key of KMS that is not there is not ours to
/// make.
fn mending(error: Option<&LastError>) -> &'static str {
    let code = error.map_or("", |error| &error.code);
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if has(&["KMS", "Kms"]) {
        "let fanfare use the key that encrypts it"
    } else if has(&["NonExistent", "DoesNotExist", "NotFound", "QueueDeleted", "InvalidAddress"]) {
        "create it, or correct its ARN in the rules"
    } else if has(&["AccessDenied", "Authoriz"]) {
        "grant fanfare the right to send there"
    } else if has(&["Credentials", "Token", "AccessKey", "Signature", "UnrecognizedClient"]) {
        "correct the AWS credentials that fanfare has"
    } else if has(&["AssumeRole"]) {
        "let fanfare assume the role that its [[destination]] table names"
    } else {
        "create it, or mend the right to it"
    }
}
