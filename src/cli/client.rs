//! Asks a running daemon through its admin port.

use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode},
    tls::TlsConfig,
};

use crate::serve::Token;

/// A port of this machine or of one near by is reached at once, or not at all.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(3);
/// What the daemon knows it answers from memory; what takes longer is no answer.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(10);
/// The same after a thousand writes, on a disk that is busy.
const WORK_WAIT_MAX: Duration = Duration::from_mins(1);
/// How much of an unexpected answer is shown, in characters.
const SHOWN_MAX: usize = 200;
/// The largest answer, in bytes: a message in a dead letter may have a MiB, and JSON may write
/// each byte of it as six.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Why a daemon did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("nobody listens at {url}; start the daemon, or correct --admin to its listen.admin")]
    Nobody {
        /// The admin port.
        url: Box<str>,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// Nothing comes from there.
    #[error(
        "{url} does not answer; correct --admin to the daemon's listen.admin, or see in its log \
         why it hangs"
    )]
    Silent {
        /// The admin port.
        url: Box<str>,
        /// What took too long.
        source: Box<ureq::Error>,
    },
    /// What answers is no HTTP.
    #[error(
        "{url} speaks no plain HTTP; write https:// if the daemon's listen.admin speaks TLS, or \
         correct --admin"
    )]
    NotHttp {
        /// The admin port.
        url: Box<str>,
        /// What came instead.
        source: Box<ureq::Error>,
    },
    /// The daemon was there and is gone.
    #[error("the daemon at {url} ended before it answered; its log says why")]
    Gone {
        /// The admin port.
        url: Box<str>,
        /// What came instead.
        source: Box<ureq::Error>,
    },
    /// There is no way there.
    #[error("cannot ask the daemon at {url}; correct --admin to its listen.admin")]
    Unreachable {
        /// The admin port.
        url: Box<str>,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// Somebody answers whom nobody vouches for.
    #[error(
        "the certificate of {url} cannot be trusted; name the authority that signed it with \
         --ca-file, and with --admin a name that it is for"
    )]
    Untrusted {
        /// The admin port.
        url: Box<str>,
        /// Why not.
        source: Box<ureq::Error>,
    },
    /// What answers speaks something else.
    #[error("{url} speaks no TLS; write http:// in place of https://")]
    NotTls {
        /// The admin port.
        url: Box<str>,
        /// What came instead.
        source: Box<ureq::Error>,
    },
    /// The daemon lets in who has a token, and none was sent.
    #[error(
        "the daemon at {url} asks for a token; name the file that holds it with --token-file, or, \
         in place of --admin, the daemon's settings with --config"
    )]
    NoToken {
        /// The admin port.
        url: Box<str>,
    },
    /// The daemon lets in who has another token.
    #[error(
        "the daemon at {url} does not take the token; name the file that its admin.token_file \
         names, and have it reload if what is in there has changed"
    )]
    WrongToken {
        /// The admin port.
        url: Box<str>,
    },
    /// The daemon says why it does not do it.
    #[error(
        "the daemon at {url} refuses: {}{problem}",
        parameter.as_ref().map_or(String::new(), |parameter| format!("{parameter}: "))
    )]
    Refused {
        /// The admin port.
        url: Box<str>,
        /// What it is about, if it is about a part of the question.
        parameter: Option<Box<str>>,
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

impl AskError {
    /// Whether who does not answer now may answer later: a daemon that restarts, or hangs.
    pub(super) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Nobody { .. }
                | Self::Silent { .. }
                | Self::Gone { .. }
                | Self::Unreachable { .. }
        )
    }
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Client {
    url: String,
    token: Option<Token>,
    agent: Agent,
}

/// What the daemon says when it does not do something.
#[derive(Deserialize)]
struct Refusal {
    parameter: Option<String>,
    problem: String,
}

impl Client {
    /// The token goes to this URL and nowhere else.
    pub(super) fn new(url: String, token: Option<Token>, tls: TlsConfig) -> Self {
        // What is in the environment is for the way to AWS, not for a port beside this process.
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(WORK_WAIT_MAX))
            .timeout_connect(Some(CONNECT_WAIT_MAX))
            .proxy(None)
            .max_redirects(0)
            .tls_config(tls)
            .build()
            .into();
        Self { url, token, agent }
    }

    /// Asks for a path with these parameters.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, AskError> {
        let get = self.agent.get(self.url_of(path, parameters));
        let get = get.config().timeout_global(Some(LOOK_WAIT_MAX)).build();
        self.read(self.as_myself(get).call())
    }

    /// Asks for what has no end; it may be silent for as long as it likes.
    pub(super) fn follow(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<impl Read + Send + use<>, AskError> {
        let request = self.agent.get(self.url_of(path, parameters)).config();
        let request =
            request.timeout_global(None).timeout_recv_response(Some(LOOK_WAIT_MAX)).build();
        let mut answer = self.answer(self.as_myself(request).call())?;
        if answer.status().is_success() {
            return Ok(answer.into_body().into_reader());
        }
        let text = self.text(&mut answer)?;
        Err(self.refusal(answer.status(), &text))
    }

    fn url_of(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let parameters =
            parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let query = parameters.collect::<Vec<_>>().join("&");
        format!("{}/{path}?{query}", self.url)
    }

    /// Asks to do something.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, AskError> {
        let body = serde_json::to_string(body).expect("a request has string keys only");
        let post = self.as_myself(self.agent.post(format!("{}/{path}", self.url)));
        self.read(post.content_type("application/json").send(body))
    }

    /// Asks to end something.
    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.read(self.as_myself(self.agent.delete(format!("{}/{path}", self.url))).call())
    }

    fn as_myself<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", token.authorization()),
            None => request,
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        answered: Result<Response<Body>, ureq::Error>,
    ) -> Result<T, AskError> {
        let mut answer = self.answer(answered)?;
        let text = self.text(&mut answer)?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer.status(), &text));
        }
        serde_json::from_str(&text)
            .map_err(|source| AskError::NoAnswer { url: self.url.as_str().into(), source })
    }

    fn answer(
        &self,
        answered: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, AskError> {
        answered.map_err(|source| no_answer(self.url.as_str().into(), source))
    }

    fn text(&self, answer: &mut Response<Body>) -> Result<String, AskError> {
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        text.map_err(|source| no_answer(self.url.as_str().into(), source))
    }

    /// Why the daemon does not do it, from what it answered instead.
    fn refusal(&self, status: StatusCode, text: &str) -> AskError {
        let url: Box<str> = self.url.as_str().into();
        if status == StatusCode::UNAUTHORIZED {
            return match self.token {
                Some(_) => AskError::WrongToken { url },
                None => AskError::NoToken { url },
            };
        }
        let Ok(Refusal { parameter, problem }) = serde_json::from_str(text) else {
            let said = text.trim().chars().take(SHOWN_MAX).collect::<String>().into();
            return AskError::Foreign { url, status: status.as_u16(), said };
        };
        let (parameter, problem) = (parameter.map(String::into), problem.into());
        AskError::Refused { url, parameter, problem }
    }
}

/// Who is there and cannot be talked to is told apart from who is not there.
fn no_answer(url: Box<str>, source: ureq::Error) -> AskError {
    let is_tls = url.starts_with("https://");
    let kind = match &source {
        ureq::Error::Io(cause) => Some(cause.kind()),
        _ => None,
    };
    let tls = tls_cause(&source).cloned();
    let is_foreign = matches!(source, ureq::Error::Protocol(_) | ureq::Error::Http(_));
    let is_silent = matches!(source, ureq::Error::Timeout(_));
    let source = Box::new(source);
    match (tls, kind) {
        (Some(rustls::Error::InvalidCertificate(_)), _) => AskError::Untrusted { url, source },
        (Some(rustls::Error::InvalidMessage(_)), _) => AskError::NotTls { url, source },
        (_, Some(ErrorKind::ConnectionRefused)) => AskError::Nobody { url, source },
        (_, Some(ErrorKind::TimedOut | ErrorKind::WouldBlock)) => AskError::Silent { url, source },
        (
            _,
            Some(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe),
        ) => AskError::Gone { url, source },
        _ if is_silent => AskError::Silent { url, source },
        _ if is_foreign && !is_tls => AskError::NotHttp { url, source },
        _ => AskError::Unreachable { url, source },
    }
}

/// What was wrong with TLS, if that is the cause.
pub(super) fn tls_cause(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(cause) => Some(cause),
        ureq::Error::Io(cause) => cause.get_ref().and_then(|cause| cause.downcast_ref()),
        _ => None,
    }
}

/// A text as a part of a URL.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
