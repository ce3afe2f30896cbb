//! Why events were not sent, and what may have become of them.

use super::part::Place;

/// Why a part was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// Nobody is there.
    #[error("cannot reach {url}; start the daemon, or correct --to to its listen.events")]
    Unreachable { url: Box<str>, source: Box<ureq::Error> },
    /// Somebody is there whom nobody vouches for.
    #[error(
        "the certificate of {url} cannot be trusted; name the authority that signed it with \
         --ca-file, and with --to a name that it is for"
    )]
    Untrusted { url: Box<str>, source: Box<ureq::Error> },
    /// What is there speaks something else.
    #[error("{url} speaks no TLS; write http:// in place of https://")]
    NotTls { url: Box<str>, source: Box<ureq::Error> },
    /// Somebody is there and does not answer. Who refuses a client's certificate does so, too.
    #[error(
        "{url} closes the connection before it answers; if it asks its clients for certificates, \
         name one that its tls.events.client_ca_file signed with --certificate-file, and its key \
         with --key-file"
    )]
    Closed { url: Box<str>, source: Box<ureq::Error> },
    /// Whoever sends events there has to have a token, and none was sent.
    #[error(
        "{url} asks for a token; name the file that holds it with --token-file, or, in place of \
         --to, the daemon's settings with --config"
    )]
    NoToken { url: Box<str> },
    /// It has to be another token.
    #[error(
        "{url} does not take the token; name the file that its events.auth_token_file names, and \
         have the daemon reload if what is in there has changed"
    )]
    WrongToken { url: Box<str> },
    /// It does not take the part, now or later.
    #[error("{place}: refused by {url} with {status}: {words}{}", of_the_file(*line))]
    Refused {
        place: Place,
        url: Box<str>,
        status: u16,
        words: Box<str>,
        /// The line that is no JSON, as the file counts.
        line: Option<u64>,
    },
    /// What answers is not fanfare.
    #[error("{url} answers as no fanfare does; correct --to to the listen.events of one")]
    Foreign { url: Box<str>, source: serde_json::Error },
    /// The end came between the question and its answer.
    #[error(
        "{place}: the connection to {url} broke before the answer came; these events may have \
         been accepted, and are not sent again"
    )]
    Broken { place: Place, url: Box<str>, source: Box<ureq::Error> },
    /// Nobody waits any longer.
    #[error("{place}: stopped before the answer came; these events may have been accepted")]
    Unanswered { place: Place },
}

fn of_the_file(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(" (that is line {line} of the file)"))
}
