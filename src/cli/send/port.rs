//! Where a daemon takes events, and what it answers.

use std::{io::ErrorKind, path::PathBuf, time::Duration};

use serde::Deserialize;
use ureq::{
    Agent, Body, Timeout,
    http::{Response, StatusCode, header},
    tls::TlsConfig,
};

use super::{error::SendError, part::Part};
use crate::{
    cli::{admin_port::reachable, client::tls_cause},
    config::Config,
    model::OneLine,
    serve::Token,
    tls::{Identity, trust_as},
};

/// An answer waits for a disk; what takes longer is none.
const ANSWER_WAIT_MAX: Duration = Duration::from_mins(2);
/// What is waited where the daemon asks to come back later and does not say when.
const RETRY_AFTER: u64 = 5;
/// And at the most.
const RETRY_AFTER_MAX: u64 = 60;
/// How much of an unexpected answer is shown, in characters.
const SHOWN_MAX: usize = 200;

/// Where to send, and what it takes to be let in.
#[derive(Debug, clap::Args)]
pub struct EventsPort {
    /// Where the daemon takes events, such as `http://127.0.0.1:9710`; without it, listen.events
    /// of the settings.
    #[arg(long, value_name = "URL", value_parser = read_url)]
    to: Option<String>,
    /// The settings file, not read with --to; without both, the daemon is where it is by default.
    #[arg(long, env = "FANFARE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The authority that signed the certificate of an https:// port, in PEM; without it, those
    /// that the machine trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The file with the token that the port asks for; without it, `events.auth_token_file` of the
    /// settings, if they are read.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A certificate to show a port that asks its clients for one, in PEM.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    key_file: Option<PathBuf>,
}

/// Why a text is no URL to send to.
#[derive(Debug, thiserror::Error)]
#[error("write it as http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:9710")]
struct UrlError;

/// Posts to one URL.
#[derive(Debug)]
pub(super) struct Port {
    url: Box<str>,
    token: Option<Token>,
    agent: Agent,
}

/// What the daemon said.
#[derive(Debug)]
pub(super) enum Answer {
    Accepted(Accepted),
    /// It takes nothing now.
    Later {
        wait: Duration,
        words: String,
    },
    /// It takes less at once.
    TooLarge(SendError),
}

/// What became of the events of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Accepted {
    pub(super) received: u64,
    pub(super) matched: u64,
    #[serde(default)]
    pub(super) duplicates: u64,
    #[serde(default)]
    pub(super) quarantined: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

fn read_url(url: &str) -> Result<String, UrlError> {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    host.filter(|host| !host.is_empty()).map(|_| url.to_owned()).ok_or(UrlError)
}

impl EventsPort {
    /// Who posts there.
    pub(super) fn open(&self) -> anyhow::Result<Port> {
        let (url, token) = self.daemon()?;
        let token = match &self.token_file {
            Some(path) => Some(Token::load("--token-file", path.clone())?),
            None => token,
        };
        let identity = self.certificate_file.as_deref().zip(self.key_file.as_deref());
        let identity = identity.map(|(certificate, key)| Identity { certificate, key });
        let tls = if url.starts_with("https://") {
            trust_as(self.ca_file.as_deref(), identity)?
        } else {
            TlsConfig::default()
        };
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WAIT_MAX))
            .proxy(None)
            .max_redirects(0)
            .tls_config(tls)
            .build()
            .into();
        Ok(Port { url: url.into(), token, agent })
    }

    /// The URL to post to, and the token of the settings, if they are read and it is asked for.
    fn daemon(&self) -> anyhow::Result<(String, Option<Token>)> {
        if let Some(url) = &self.to {
            return Ok((url.clone(), None));
        }
        let config = self.config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
        let token = if self.token_file.is_some() { None } else { config.events.token()? };
        let scheme = if config.tls.is_for_events() { "https" } else { "http" };
        Ok((format!("{scheme}://{}", reachable(config.listen.events)), token))
    }
}

impl Port {
    /// Finds out whether somebody is there, before there is anything that may get lost.
    pub(super) fn probe(&self) -> Result<(), SendError> {
        self.agent.head(&*self.url).call().map(drop).map_err(|cause| self.unreachable(cause))
    }

    pub(super) fn post(&self, part: &Part) -> anyhow::Result<Answer> {
        let mut post = self.agent.post(&*self.url).content_type(part.content_type());
        if let Some(token) = &self.token {
            post = post.header(header::AUTHORIZATION, token.authorization());
        }
        let answered = post.send(&part.body[..]);
        let mut answer = answered.map_err(|cause| self.unanswered(cause, part))?;
        let text = answer.body_mut().read_to_string();
        let text = text.map_err(|source| self.broken(source, part))?;
        self.read(&answer, &text, part)
    }

    fn read(&self, answer: &Response<Body>, text: &str, part: &Part) -> anyhow::Result<Answer> {
        let url = self.url.clone();
        match answer.status() {
            StatusCode::OK => {
                let accepted = serde_json::from_str(text);
                Ok(Answer::Accepted(accepted.map_err(|source| SendError::Foreign { url, source })?))
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let after = answer.headers().get(header::RETRY_AFTER);
                let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
                let after = after.unwrap_or(RETRY_AFTER).clamp(1, RETRY_AFTER_MAX);
                Ok(Answer::Later { wait: Duration::from_secs(after), words: words(text) })
            }
            StatusCode::UNAUTHORIZED if self.token.is_some() => {
                Err(SendError::WrongToken { url }.into())
            }
            StatusCode::UNAUTHORIZED => Err(SendError::NoToken { url }.into()),
            status => {
                let (place, words) = (part.place.clone(), words(text).into());
                let line = part.bad_line().filter(|_| status == StatusCode::BAD_REQUEST);
                let refused =
                    SendError::Refused { place, url, status: status.as_u16(), words, line };
                match status {
                    StatusCode::PAYLOAD_TOO_LARGE => Ok(Answer::TooLarge(refused)),
                    _ => Err(refused.into()),
                }
            }
        }
    }

    fn unreachable(&self, cause: ureq::Error) -> SendError {
        use rustls::Error::{InvalidCertificate, InvalidMessage};
        let (is_unconnected, url) = (is_unconnected(&cause), self.url.clone());
        let tls = tls_cause(&cause).cloned();
        let source = Box::new(cause);
        match tls {
            Some(InvalidCertificate(_)) => SendError::Untrusted { url, source },
            Some(InvalidMessage(_)) => SendError::NotTls { url, source },
            _ if is_unconnected => SendError::Unreachable { url, source },
            _ => SendError::Closed { url, source },
        }
    }

    /// Who was not connected has sent nothing; of anything else nobody can know.
    fn unanswered(&self, cause: ureq::Error, part: &Part) -> SendError {
        if is_unconnected(&cause) { self.unreachable(cause) } else { self.broken(cause, part) }
    }

    fn broken(&self, source: ureq::Error, part: &Part) -> SendError {
        let (place, url) = (part.place.clone(), self.url.clone());
        SendError::Broken { place, url, source: Box::new(source) }
    }
}

fn is_unconnected(cause: &ureq::Error) -> bool {
    use ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable,
    };
    match cause {
        ureq::Error::Io(cause) => matches!(
            cause.kind(),
            AddrNotAvailable
                | ConnectionRefused
                | HostUnreachable
                | NetworkDown
                | NetworkUnreachable
        ),
        ureq::Error::ConnectionFailed
        | ureq::Error::HostNotFound
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        _ => false,
    }
}

/// What the daemon says, or the beginning of what somebody else says.
fn words(text: &str) -> String {
    match serde_json::from_str::<Refusal>(text) {
        Ok(Refusal { error }) => OneLine(error).to_string(),
        Err(_) => OneLine(text.trim().chars().take(SHOWN_MAX).collect::<String>()).to_string(),
    }
}
