//! AWS, played by one moto server that all tests share; each has queues and topics of its own.
//!
//! What reached a service is read in the most honest way that moto has:
//! - SQS and SNS: from a queue, which is subscribed to the topic;
//! - EventBridge: a rule sends to a queue what moto's bus made of the entry;
//! - Lambda: moto runs functions in Docker only. Without it, it takes an invocation and throws it
//!   away, so the request itself is read back from moto's recorder;
//! - `AWSTraceHeader`: moto's `SendMessageBatch` forgets it, so that too is read from the recorder.

use std::{fs::File, path::Path, sync::OnceLock, time::Duration};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::{primitives::Blob, types::FunctionCode};
use aws_sdk_sqs::{
    config::{Credentials, SharedCredentialsProvider},
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Process, SOON, free_port, python, until};

/// The account that moto plays.
const ACCOUNT: &str = "123456789012";

/// A running moto server, and the clients that look into it.
#[derive(Debug)]
pub(crate) struct Moto {
    url: String,
    runtime: Runtime,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
    lambda: aws_sdk_lambda::Client,
    events: aws_sdk_eventbridge::Client,
    _process: Process,
}

/// An SQS queue in moto.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Its ARN.
    pub(crate) arn: String,
    url: String,
}

/// The moto server of this test process.
pub(crate) fn moto() -> &'static Moto {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    MOTO.get_or_init(Moto::start)
}

impl Moto {
    fn start() -> Self {
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let file = |kind: &str| {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("moto-{port}.{kind}"));
            // Emptied: an earlier run may have had the same port.
            (File::create(&path).expect("target is writable"), path)
        };
        let ((log, _), (_, recording)) = (file("log"), file("requests"));
        let process = Process::start(python(), |command| {
            command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
            command.env("MOTO_ENABLE_RECORDING", "true");
            command.env("MOTO_RECORDER_FILEPATH", recording);
            command.stderr(log.try_clone().expect("a file can be shared")).stdout(log);
        });
        until("moto answers", SOON, || ureq::get(format!("{url}/moto-api/")).call().ok());
        ureq::post(format!("{url}/moto-api/config"))
            .send_json(json!({ "lambda": { "use_docker": false } }))
            .expect("moto takes its configuration");
        make_role(&url);
        let runtime = Runtime::new().expect("the machine has threads");
        let credentials = Credentials::new("test", "test", None, None, "moto");
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&url);
        let config = runtime.block_on(config.load());
        Self {
            sqs: aws_sdk_sqs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            url,
            runtime,
            _process: process,
        }
    }

    /// Where every service is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Makes a queue. Names are the tests' own, so none sees what another caused.
    pub(crate) fn queue(&self, name: &str) -> Queue {
        let created = self.sqs.create_queue().queue_name(name).send();
        let created = self.runtime.block_on(created).expect("moto makes a queue");
        let url = created.queue_url.expect("a queue has a URL");
        Queue { arn: format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"), url }
    }

    /// Makes a FIFO queue.
    pub(crate) fn fifo_queue(&self, name: &str) -> Queue {
        let create = self.sqs.create_queue().queue_name(name);
        let create = create.attributes(QueueAttributeName::FifoQueue, "true").send();
        let created = self.runtime.block_on(create).expect("moto makes a queue");
        let url = created.queue_url.expect("a queue has a URL");
        Queue { arn: format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"), url }
    }

    /// Makes a topic that this queue is subscribed to; its ARN.
    pub(crate) fn topic(&self, name: &str, subscriber: &Queue) -> String {
        let mut create = self.sns.create_topic().name(name);
        if name.strip_suffix(".fifo").is_some() {
            create = create.attributes("FifoTopic", "true");
        }
        let created = self.runtime.block_on(create.send());
        let arn = created.expect("moto makes a topic").topic_arn.expect("a topic has an ARN");
        let subscribe = self.sns.subscribe().topic_arn(&arn).protocol("sqs");
        let subscribe = subscribe.endpoint(&subscriber.arn).send();
        self.runtime.block_on(subscribe).expect("moto subscribes a queue");
        arn
    }

    /// Makes a Lambda function; its ARN.
    pub(crate) fn function(&self, name: &str) -> String {
        let code = FunctionCode::builder().zip_file(Blob::new(EMPTY_ZIP)).build();
        let create = self.lambda.create_function().function_name(name).code(code);
        let create = create.runtime("python3.13".into()).handler("main.handler");
        let create = create.role(format!("arn:aws:iam::{ACCOUNT}:role/lambda")).send();
        let created = self.runtime.block_on(create).expect("moto makes a function");
        created.function_arn.expect("a function has an ARN")
    }

    /// Sends what the default bus gets about a bucket to this queue.
    pub(crate) fn forward_bus(&self, bucket: &str, to: &Queue) {
        let pattern =
            json!({ "source": ["fanfare.s3"], "detail": { "bucket": { "name": [bucket] } } });
        let rule = self.events.put_rule().name(bucket).event_pattern(pattern.to_string()).send();
        self.runtime.block_on(rule).expect("moto makes a rule");
        let target = aws_sdk_eventbridge::types::Target::builder().id("queue").arn(&to.arn);
        let target = target.build().expect("id and ARN are set");
        let targets = self.events.put_targets().rule(bucket).targets(target).send();
        self.runtime.block_on(targets).expect("moto takes a target");
    }

    /// The payloads of all asynchronous invocations of the function.
    pub(crate) fn invocations(&self, function_arn: &str) -> Vec<Value> {
        let path = format!("/functions/{}/invocations", function_arn.replace(':', "%3A"));
        let of_function = |request: &Value| {
            request["url"].as_str().is_some_and(|url| url.contains(&path))
                && request["headers"]["X-Amz-Invocation-Type"] == "Event"
        };
        self.recorded().iter().filter(|request| of_function(request)).map(body_of).collect()
    }

    /// The entries of all `SendMessageBatch` requests to the queue.
    pub(crate) fn batch_entries(&self, queue: &Queue) -> Vec<Value> {
        let recorded = self.recorded();
        let batches = recorded
            .iter()
            .filter(|request| request["headers"]["X-Amz-Target"] == "AmazonSQS.SendMessageBatch");
        let to_queue = batches.map(body_of).filter(|body| body["QueueUrl"] == queue.url.as_str());
        to_queue
            .flat_map(|body| body["Entries"].as_array().expect("a batch has entries").clone())
            .collect()
    }

    /// The access keys that signed the `SendMessageBatch` requests to the queue.
    pub(crate) fn senders(&self, queue: &Queue) -> Vec<String> {
        let to_queue = |request: &&Value| {
            request["headers"]["X-Amz-Target"] == "AmazonSQS.SendMessageBatch"
                && body_of(request)["QueueUrl"] == queue.url.as_str()
        };
        let key = |request: &Value| {
            let signature = request["headers"]["Authorization"].as_str().expect("it is signed");
            let (_, rest) = signature.split_once("Credential=").expect("it names a key");
            rest.split('/').next().unwrap_or_default().to_owned()
        };
        self.recorded().iter().filter(to_queue).map(key).collect()
    }

    /// The `X-Amzn-Trace-Id` of all requests that send to this topic or function.
    pub(crate) fn trace_headers(&self, arn: &str) -> Vec<String> {
        let escaped = arn.replace(':', "%3A");
        let recorded = self.recorded();
        let sends = recorded.iter().filter(|request| {
            let body = request["body"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
            let body = String::from_utf8(body.unwrap_or_default()).unwrap_or_default();
            let is_batch = body.contains("Action=PublishBatch") && body.contains(&escaped);
            let url = request["url"].as_str().expect("the recorder keeps URLs");
            is_batch || url.contains(&format!("/functions/{escaped}/invocations"))
        });
        let header =
            |request: &Value| request["headers"]["X-Amzn-Trace-Id"].as_str().map(str::to_owned);
        sends.filter_map(header).collect()
    }

    /// Every request that moto has recorded.
    fn recorded(&self) -> Vec<Value> {
        let url = format!("{}/moto-api/recorder/download-recording", self.url);
        let mut answer = ureq::get(url).call().expect("moto records");
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string();
        let text = text.expect("moto records UTF-8");
        // Not line by line: two threads of moto may write their line ends after both their lines.
        serde_json::Deserializer::from_str(&text).into_iter().map_while(Result::ok).collect()
    }
}

impl Queue {
    /// The bodies of all that arrives until there are `count`; fails the test after the deadline.
    #[track_caller]
    pub(crate) fn receive_until(&self, count: usize, deadline: Duration) -> Vec<Value> {
        let mut received = Vec::new();
        let what = format!("{count} messages in {}", self.arn);
        until(&what, deadline, || {
            received.extend(self.receive());
            (received.len() >= count).then_some(())
        });
        received
    }

    /// The one message that arrives.
    #[track_caller]
    pub(crate) fn receive_one(&self) -> Value {
        let received = self.receive_until(1, SOON);
        assert_eq!(received.len(), 1, "one event, one message: {received:?}");
        received.into_iter().next().expect("there is one")
    }

    /// The group, the deduplication id and the body of each message, until there are `count`.
    #[track_caller]
    pub(crate) fn receive_in_groups(&self, count: usize) -> Vec<(String, String, Value)> {
        let mut received = Vec::new();
        until(&format!("{count} messages in {}", self.arn), SOON, || {
            received.extend(self.take());
            (received.len() >= count).then_some(())
        });
        let told = |message: &Message| {
            let attribute = |name| {
                let attributes = message.attributes().expect("they were asked for");
                attributes.get(&name).cloned().unwrap_or_default()
            };
            let body = message.body().expect("it has a body");
            let body = serde_json::from_str(body).expect("the body is JSON");
            let group = attribute(MessageSystemAttributeName::MessageGroupId);
            (group, attribute(MessageSystemAttributeName::MessageDeduplicationId), body)
        };
        received.iter().map(told).collect()
    }

    fn take(&self) -> Vec<Message> {
        let moto = moto();
        let receive = moto.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = moto.runtime.block_on(receive.send()).expect("moto answers");
        let messages = received.messages.unwrap_or_default();
        for message in &messages {
            let receipt = message.receipt_handle().expect("a message has a receipt");
            let delete = moto.sqs.delete_message().queue_url(&self.url).receipt_handle(receipt);
            moto.runtime.block_on(delete.send()).expect("moto answers");
        }
        messages
    }

    /// Takes what is there now.
    pub(crate) fn receive(&self) -> Vec<Value> {
        let messages = self.take();
        let bodies = messages.iter().map(|message| message.body().expect("it has a body"));
        bodies.map(|body| serde_json::from_str(body).expect("the body is JSON")).collect()
    }
}

/// Makes the role that the functions have. No client here speaks IAM, for the one request.
fn make_role(url: &str) {
    let iam = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request";
    ureq::post(format!("{url}/"))
        .header("authorization", iam)
        .content_type("application/x-www-form-urlencoded")
        .send("Action=CreateRole&RoleName=lambda&AssumeRolePolicyDocument=%7B%7D")
        .expect("moto makes a role");
}

/// What moto's recorder keeps of a body: base64.
fn body_of(request: &Value) -> Value {
    let text = request["body"].as_str().expect("the recorder keeps bodies");
    let bytes = BASE64_STANDARD.decode(text).expect("the recorder writes base64");
    serde_json::from_slice(&bytes).expect("the body is JSON")
}

/// A zip archive with nothing in it: its end record.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
