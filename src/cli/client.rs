//! Asks a running daemon through its admin port.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ureq::{Agent, Body, http::Response};

/// The daemon answers from memory, or after some writes; what takes longer is no answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_mins(1);
/// How much of an unexpected answer is shown, in characters.
const SHOWN_MAX: usize = 200;
/// The largest answer, in bytes: a message in a dead letter may have a MiB, and JSON may write
/// each byte of it as six.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

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
    /// The daemon says why it does not do it.
    #[error("the daemon at {url} refuses: {problem}")]
    Refused {
        /// The admin port.
        url: Box<str>,
        /// What it says.
        problem: Box<str>,
    },
    /// Somebody answers, but not that.
    #[error(
        "{url} answers {status} `{said}`; correct --admin to the listen.admin of a fanfare of \
         this version"
    )]
    Foreign {
        /// The admin port.
        url: Box<str>,
        /// The status of the answer.
        status: u16,
        /// The beginning of the answer.
        said: Box<str>,
    },
    /// Somebody answers, but what is no answer to the question.
    #[error(
        "{url} does not answer what it was asked; correct --admin to the listen.admin of a fanfare \
         of this version"
    )]
    NoAnswer {
        /// The admin port.
        url: Box<str>,
        /// Where it is none.
        source: serde_json::Error,
    },
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Client {
    url: String,
    agent: Agent,
}

/// What the daemon says when it does not do something.
#[derive(Deserialize)]
struct Refusal {
    parameter: Option<String>,
    problem: String,
}

impl Client {
    pub(super) fn new(url: String) -> Self {
        // What is in the environment is for the way to AWS, not for a port beside this process.
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WAIT_MAX))
            .proxy(None)
            .max_redirects(0)
            .build()
            .into();
        Self { url, agent }
    }

    /// Asks for a path with these parameters.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, AskError> {
        let parameters =
            parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let query = parameters.collect::<Vec<_>>().join("&");
        self.read(self.agent.get(format!("{}/{path}?{query}", self.url)).call())
    }

    /// Asks to do something.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, AskError> {
        let body = serde_json::to_string(body).expect("a request has string keys only");
        let post = self.agent.post(format!("{}/{path}", self.url));
        self.read(post.content_type("application/json").send(body))
    }

    /// Asks to end something.
    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.read(self.agent.delete(format!("{}/{path}", self.url)).call())
    }

    fn read<T: DeserializeOwned>(
        &self,
        answered: Result<Response<Body>, ureq::Error>,
    ) -> Result<T, AskError> {
        let url: Box<str> = self.url.as_str().into();
        let unreachable =
            |source| AskError::Unreachable { url: url.clone(), source: Box::new(source) };
        let mut answer = answered.map_err(unreachable)?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let (text, status) = (text.map_err(unreachable)?, answer.status());
        if status.is_success() {
            return serde_json::from_str(&text)
                .map_err(|source| AskError::NoAnswer { url, source });
        }
        Err(match serde_json::from_str::<Refusal>(&text) {
            Ok(Refusal { parameter: None, problem }) => {
                AskError::Refused { url, problem: problem.into() }
            }
            Ok(Refusal { parameter: Some(parameter), problem }) => {
                AskError::Refused { url, problem: format!("{parameter}: {problem}").into() }
            }
            Err(_) => {
                let said = text.trim().chars().take(SHOWN_MAX).collect::<String>().into();
                AskError::Foreign { url, status: status.as_u16(), said }
            }
        })
    }
}

/// A text as a part of a URL.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
