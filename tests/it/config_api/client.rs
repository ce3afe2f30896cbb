//! boto3, and requests of any kind that botocore signs: one Python process a test, kept for the
//! next one.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Home, Process, python, root};

/// A bucket's notification configuration, as a query.
pub(super) const NOTIFICATION: &str = "notification";
/// The secret of every key in [`home`].
pub(super) const SECRET: &str = "correct horse battery staple";

/// A home with moto behind it and two keys: `all` for everything, and `logs` to read the buckets
/// that begin with `logs-`.
pub(super) fn home() -> Home {
    with_keys(Home::new())
}

/// Gives a home the two keys, and buckets their own host names.
pub(super) fn with_keys(home: Home) -> Home {
    let all = toml::toml! { access_key_id = "all" secret_access_key = SECRET };
    let logs = toml::toml! {
        access_key_id = "logs"
        secret_access_key = SECRET
        buckets = ["logs-*"]
        actions = ["s3:GetBucketNotification"]
    };
    let keys = [all, logs].map(toml::Value::from).to_vec();
    home.set_top("credentials", keys).set("s3", "domain", "s3.fanfare.test")
}

/// A client of one daemon. The process behind it goes back to the others when it is dropped.
#[derive(Debug)]
pub(super) struct Client {
    process: Option<Python>,
    url: String,
    port: String,
    /// The file of the authority that it trusts, if the daemon speaks TLS.
    authority: Option<PathBuf>,
}

/// A running `client.py`.
#[derive(Debug)]
struct Python {
    calls: PipeWriter,
    answers: BufReader<PipeReader>,
    _process: Process,
}

/// Processes that no test has at the moment.
static IDLE: Mutex<Vec<Python>> = Mutex::new(Vec::new());

/// Where the bucket's name is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Addressing {
    /// In the path.
    Path,
    /// In the host, below `s3.domain`.
    Virtual,
}

/// A request that no client library would send, or sends only in a mood.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
    /// The body that goes out, if it is another than was signed.
    pub(super) sent_body: Option<&'a str>,
    pub(super) key: [&'a str; 2],
    /// `header`, `query` or `no`.
    pub(super) signed: &'a str,
    /// `signed` or `unsigned`.
    pub(super) payload: &'a str,
    /// By how many seconds the client's clock is wrong.
    pub(super) clock: i64,
    /// The name that the request goes to; this machine, if it ends in `.test`.
    pub(super) host: &'a str,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self {
            method: "PUT",
            path: "/photos",
            query: NOTIFICATION,
            headers: &[],
            body: "",
            sent_body: None,
            key: ["all", SECRET],
            signed: "header",
            payload: "signed",
            clock: 0,
            host: "127.0.0.1",
        }
    }
}

/// What `client.py` says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answered {
    /// The traceback.
    Failed {
        failed: String,
    },
    Answer(Answer),
}

/// What came back.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
    /// The elements of an error document, in order.
    error: Vec<(String, String)>,
    /// What boto3 made of it.
    result: Option<Value>,
}

impl Client {
    pub(super) fn of(home: &Home) -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let address = home.address("s3");
        let (_, port) = address.rsplit_once(':').expect("an address has a port");
        Self {
            process: Some(idle.unwrap_or_else(Python::start)),
            url: home.url("s3"),
            port: port.to_owned(),
            authority: Some(home.path("ca.crt")).filter(|file| file.exists()),
        }
    }

    /// Puts a configuration as boto3 does.
    pub(super) fn put(&mut self, bucket: &str, configuration: &Value) -> Answer {
        self.put_with(bucket, configuration, &json!({}))
    }

    /// Puts a configuration whose destinations nobody is to look for.
    pub(super) fn put_unvalidated(&mut self, bucket: &str, configuration: &Value) -> Answer {
        self.put_with(bucket, configuration, &json!({ "SkipDestinationValidation": true }))
    }

    /// Puts a configuration as boto3 does, with these arguments besides.
    pub(super) fn put_with(&mut self, bucket: &str, configuration: &Value, more: &Value) -> Answer {
        let mut arguments = json!({ "NotificationConfiguration": configuration });
        let more = more.as_object().expect("arguments have names").clone();
        arguments.as_object_mut().expect("it is one").extend(more);
        self.boto3("put_bucket_notification_configuration", bucket, arguments)
    }

    /// Asks for the configuration, which has to come.
    #[track_caller]
    pub(super) fn get(&mut self, bucket: &str) -> Value {
        let get = "get_bucket_notification_configuration";
        self.boto3(get, bucket, json!({})).accepted()
    }

    /// Calls boto3 with the key for everything, path style.
    pub(super) fn boto3(&mut self, call: &str, bucket: &str, arguments: Value) -> Answer {
        self.boto3_as(["all", SECRET], Addressing::Path, bucket, (call, arguments))
    }

    /// Calls boto3 as whom and in whichever style.
    pub(super) fn boto3_as(
        &mut self,
        [access_key, secret_key]: [&str; 2],
        addressing: Addressing,
        bucket: &str,
        (call, mut arguments): (&str, Value),
    ) -> Answer {
        arguments["Bucket"] = bucket.into();
        let (addressing, url) = match addressing {
            Addressing::Path => ("path", self.url.clone()),
            Addressing::Virtual => ("virtual", format!("http://s3.fanfare.test:{}", self.port)),
        };
        let answered = self.call(&json!({
            "call": call,
            "arguments": arguments,
            "addressing": addressing,
            "url": url,
            "authority": self.authority,
            "access_key": access_key,
            "secret_key": secret_key,
        }));
        answered.unwrap_or_else(|failed| panic!("{call}: {failed}"))
    }

    /// Sends any request.
    #[track_caller]
    pub(super) fn send(&mut self, request: &Request<'_>) -> Answer {
        self.try_send(request).unwrap_or_else(|failed| panic!("{request:?}: {failed}"))
    }

    /// Sends any request to a daemon that may be gone.
    pub(super) fn try_send(&mut self, request: &Request<'_>) -> Result<Answer, String> {
        let [access_key, secret_key] = request.key;
        let headers: BTreeMap<_, _> = request.headers.iter().copied().collect();
        self.call(&json!({
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": headers,
            "body": request.body,
            "sent_body": request.sent_body.unwrap_or(request.body),
            "signed": request.signed,
            "payload": request.payload,
            "clock": request.clock,
            "url": format!("http://{}:{}", request.host, self.port),
            "access_key": access_key,
            "secret_key": secret_key,
        }))
    }

    fn call(&mut self, call: &Value) -> Result<Answer, String> {
        let python = self.process.as_mut().expect("it is there until the end");
        writeln!(python.calls, "{call}").expect("the client reads");
        let mut line = String::new();
        python.answers.read_line(&mut line).expect("the client answers");
        match serde_json::from_str(&line).expect("the client answers JSON") {
            Answered::Failed { failed } => Err(failed),
            Answered::Answer(answer) => Ok(answer),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // What a failed test leaves may have half an answer in it.
        if thread::panicking() {
            return;
        }
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).extend(self.process.take());
    }
}

impl Python {
    fn start() -> Self {
        let (stdin, calls) = pipe().expect("the system has pipes");
        let (answers, stdout) = pipe().expect("the system has pipes");
        let process = Process::start(python(), |command| {
            command.arg(root().join("tests/it/config_api/client.py")).stdin(stdin).stdout(stdout);
            // No configuration of whoever runs the tests.
            command.env("AWS_CONFIG_FILE", "/dev/null");
        });
        Self { calls, answers: BufReader::new(answers), _process: process }
    }
}

impl Answer {
    /// What boto3 returned, of a call that succeeded.
    #[track_caller]
    pub(super) fn accepted(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.result.unwrap_or_default()
    }

    /// The status, and the elements of the error document but for its two ids, which are there.
    #[track_caller]
    pub(super) fn refused(&self) -> (u16, Vec<(&str, &str)>) {
        let elements = self.error.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let elements: Vec<_> = elements.collect();
        let [rest @ .., ("RequestId", request_id), ("HostId", host_id)] = elements.as_slice()
        else {
            panic!("it ends with its ids: {elements:?} {}", self.body);
        };
        assert_eq!(self.headers.get("x-amz-request-id").map(String::as_str), Some(*request_id));
        assert!(!host_id.is_empty() && self.headers["content-type"] == "application/xml");
        (self.status, rest.to_vec())
    }

    /// The code alone, for where the words are told elsewhere.
    #[track_caller]
    pub(super) fn code(&self) -> (u16, &str) {
        let (status, elements) = self.refused();
        let code = elements.first().filter(|(name, _)| *name == "Code");
        (status, code.expect("a refusal begins with its code").1)
    }

    /// What boto3 raised.
    pub(super) fn raised(&self) -> &Value {
        self.result.as_ref().map_or(&Value::Null, |result| &result["raised"])
    }
}
