//! What fanfare asks of the four services, in their four protocols.

use std::borrow::Cow;

use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A request, read.
pub(super) struct Request<'a> {
    pub(super) service: Service,
    /// The name in the ARN: of the queue, the topic, the bus or the function.
    pub(super) destination: Cow<'a, str>,
    pub(super) asks: Asks<'a>,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Sqs,
    Sns,
    EventBridge,
    Lambda,
}

/// For what.
pub(super) enum Asks<'a> {
    /// To take these messages.
    Batch(Vec<Entry<'a>>),
    /// To take a message of its own, which only tries whether it would.
    Probe,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// What the answer calls it; empty where its place says which it is.
    pub(super) id: Cow<'a, str>,
    text: Text<'a>,
    /// `MessageGroupId`, for a FIFO queue or topic.
    pub(crate) group: Option<Cow<'a, str>>,
}

/// A body as it stood in the request.
#[derive(Debug)]
enum Text<'a> {
    /// A string of JSON, in its quotes.
    Json(&'a RawValue),
    Plain(Cow<'a, str>),
}

impl Entry<'_> {
    /// The message's body.
    pub(crate) fn body(&self) -> Cow<'_, str> {
        match &self.text {
            Text::Json(quoted) => {
                Cow::Owned(serde_json::from_str(quoted.get()).expect("the body is a string"))
            }
            Text::Plain(text) => Cow::Borrowed(text),
        }
    }

    /// The body as it stood in the request: for those who look for a word and are in a hurry.
    pub(crate) fn raw(&self) -> &str {
        match &self.text {
            Text::Json(quoted) => quoted.get(),
            Text::Plain(text) => text,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SqsBatch<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    entries: Option<Vec<SqsEntry<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SqsEntry<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    message_body: &'a RawValue,
    #[serde(borrow)]
    message_group_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents<'a> {
    #[serde(borrow)]
    entries: Vec<BusEntry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BusEntry<'a> {
    #[serde(borrow)]
    event_bus_name: Cow<'a, str>,
    #[serde(borrow)]
    detail: &'a RawValue,
}

impl<'a> Request<'a> {
    /// Reads a request, or tells that it is none of the few that are known here.
    pub(super) fn read(head: &'a Parts, body: &'a [u8]) -> Option<Self> {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        match header("x-amz-target") {
            Some("AmazonSQS.SendMessageBatch" | "AmazonSQS.SendMessage") => sqs(body),
            Some("AWSEvents.PutEvents") => event_bridge(body),
            Some(_) => None,
            None => match header("x-amz-invocation-type") {
                Some(kind) => lambda(head.uri.path(), kind, body),
                None => sns(body),
            },
        }
    }
}

fn sqs(body: &[u8]) -> Option<Request<'_>> {
    let batch: SqsBatch<'_> = serde_json::from_slice(body).ok()?;
    let destination = last(batch.queue_url, '/');
    let asks = batch.entries.map_or(Asks::Probe, |entries| {
        let entry = |SqsEntry { id, message_body, message_group_id }| Entry {
            id,
            text: Text::Json(message_body),
            group: message_group_id,
        };
        Asks::Batch(entries.into_iter().map(entry).collect())
    });
    Some(Request { service: Service::Sqs, destination, asks })
}

fn event_bridge(body: &[u8]) -> Option<Request<'_>> {
    let batch: PutEvents<'_> = serde_json::from_slice(body).ok()?;
    let destination = last(batch.entries.first()?.event_bus_name.clone(), '/');
    let details = batch.entries.into_iter().map(|entry| Text::Json(entry.detail));
    let entries = details.map(|text| Entry { id: "".into(), text, group: None });
    let asks = Asks::Batch(entries.collect());
    Some(Request { service: Service::EventBridge, destination, asks })
}

/// The ARN stands in the path, percent-encoded.
fn lambda<'a>(path: &str, kind: &str, body: &'a [u8]) -> Option<Request<'a>> {
    let arn = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    let arn = percent_decode_str(arn).decode_utf8().ok()?;
    let name = arn.split(':').nth(6).unwrap_or(&arn).to_owned();
    let text = Text::Plain(std::str::from_utf8(body).ok()?.into());
    let asks = match kind {
        "Event" => Asks::Batch(vec![Entry { id: "".into(), text, group: None }]),
        _ => Asks::Probe,
    };
    Some(Request { service: Service::Lambda, destination: name.into(), asks })
}

/// A form: `PublishBatchRequestEntries.member.1.Id=0&…`, members in order.
fn sns(body: &[u8]) -> Option<Request<'_>> {
    let form = std::str::from_utf8(body).ok()?;
    let (mut action, mut topic, mut entries) = (None, None, Vec::<Entry<'_>>::new());
    for (name, value) in form.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "Action" => action = Some(value),
            "TopicArn" => topic = Some(decoded(value)?),
            _ => {
                let Some(member) = name.strip_prefix("PublishBatchRequestEntries.member.") else {
                    continue;
                };
                let (number, field) = member.split_once('.')?;
                let place = number.parse::<usize>().ok()?.checked_sub(1)?;
                let empty = || Entry { id: "".into(), text: Text::Plain("".into()), group: None };
                if entries.len() <= place {
                    entries.resize_with(place + 1, empty);
                }
                let entry = entries.get_mut(place)?;
                match field {
                    "Id" => entry.id = decoded(value)?,
                    "Message" => entry.text = Text::Plain(decoded(value)?),
                    "MessageGroupId" => entry.group = Some(decoded(value)?),
                    _ => {}
                }
            }
        }
    }
    let asks = match action? {
        "PublishBatch" => Asks::Batch(entries),
        "Publish" => Asks::Probe,
        _ => return None,
    };
    Some(Request { service: Service::Sns, destination: last(topic?, ':'), asks })
}

/// The SDK encodes a space as `%20`, so a `+` is never one.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(value).decode_utf8().ok()
}

fn last(text: Cow<'_, str>, separator: char) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text.rsplit(separator).next().unwrap_or(text).into(),
        Cow::Owned(text) => text.rsplit(separator).next().unwrap_or(&text).to_owned().into(),
    }
}
