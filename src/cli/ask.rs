//! Asks a running daemon through its admin port.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::Agent;

use crate::rules::{Explanation, Question};

/// The daemon answers from memory; what takes longer is no answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// How much of an unexpected answer is shown, in characters.
const SHOWN_MAX: usize = 200;

/// Why a daemon did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers there.
    #[error("cannot ask the daemon at {url}; start it, or correct --admin to its listen.admin")]
    Unreachable {
        /// The admin port.
        url: Box<str>,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// Somebody answers, but not that.
    #[error(
        "{url} answers {status} `{said}`; correct --admin to the listen.admin of a fanfare of \
         this version"
    )]
    Refused {
        /// The admin port.
        url: Box<str>,
        /// The status of the answer.
        status: u16,
        /// The beginning of the answer.
        said: Box<str>,
    },
    /// Somebody answers, but what is no explanation.
    #[error(
        "{url} does not answer with an explanation; correct --admin to the listen.admin of a \
         fanfare of this version"
    )]
    NoExplanation {
        /// The admin port.
        url: Box<str>,
        /// Where it is none.
        source: serde_json::Error,
    },
}

/// Asks the daemon with this admin port what is in force.
pub(super) fn ask(url: &str, question: &Question) -> Result<Explanation, AskError> {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (bucket, key) = (escaped(question.bucket.as_str()), escaped(question.key.as_str()));
    let event = escaped(question.event_type.name());
    let unreachable = |source| AskError::Unreachable { url: url.into(), source: Box::new(source) };
    // What is in the environment is for the way to AWS, not for a port beside this process.
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_WAIT_MAX))
        .proxy(None)
        .max_redirects(0)
        .build()
        .into();
    let asked = agent.get(format!("{url}/explain?bucket={bucket}&event={event}&key={key}")).call();
    let mut answer = asked.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().map_err(unreachable)?;
    if status != 200 {
        let said = text.trim().chars().take(SHOWN_MAX).collect::<String>().into();
        return Err(AskError::Refused { url: url.into(), status, said });
    }
    serde_json::from_str(&text)
        .map_err(|source| AskError::NoExplanation { url: url.into(), source })
}
