//! Lambda: `Invoke` with `InvocationType=Event`, one message a request.

use aws_sdk_lambda::{Client, primitives::Blob, types::InvocationType};

use super::{
    Cause, Class, Limits, Publish, Verdict,
    failure::{cause_of, failed_request},
    trace_header,
};
use crate::model::{FunctionArn, Message};

/// One function, version or alias.
#[derive(Debug)]
pub(super) struct Function {
    client: Client,
    arn: String,
}

impl Function {
    pub(super) fn new(client: Client, function: &FunctionArn) -> Self {
        Self { client, arn: function.to_string() }
    }

    /// Asks whether we may invoke the function. Nothing runs.
    pub(super) async fn dry_run(&self) -> Result<(), Cause> {
        let request = self.client.invoke().function_name(&self.arn);
        let request = request.invocation_type(InvocationType::DryRun);
        request.send().await.map(drop).map_err(|error| cause_of(&error))
    }
}

impl Publish for Function {
    fn limits(&self) -> Limits {
        Limits { entries: 1, bytes: 1_000_000 }
    }

    fn weight(&self, message: &Message) -> usize {
        message.body.len()
    }

    async fn publish(&self, batch: &[Message]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(batch.len());
        for message in batch {
            let request = self
                .client
                .invoke()
                .function_name(&self.arn)
                .invocation_type(InvocationType::Event)
                .payload(Blob::new(message.body.as_bytes()));
            let trace = message.trace_id.clone();
            let request = request.customize().mutate_request(move |request| {
                trace_header::add(request, trace.as_ref());
            });
            match request.send().await {
                Ok(answer) => verdicts.push(verdict(answer.status_code())),
                Err(error) => verdicts.extend(failed_request(&error, 1)),
            }
        }
        verdicts
    }
}

/// Only 202 says that the event is queued; any other answer is that of somebody on the way.
fn verdict(status: i32) -> Verdict {
    if status == 202 {
        return Verdict::Delivered;
    }
    let message = format!("Lambda answers 202 when it has an event, not {status}").into();
    let cause = Cause { class: Class::Transient, code: "UnreadableAnswer".into(), message };
    Verdict::failed(None, cause)
}
