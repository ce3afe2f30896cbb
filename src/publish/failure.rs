//! What an SDK error means.

use std::{borrow::Cow, error::Error, iter, time::Duration};

use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::{
    client::result::{ConnectorError, DispatchFailure, SdkError},
    http::Response as HttpResponse,
};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::ErrorKind};

use super::{
    Cause, Class, EndpointUrl, Verdict,
    verdict::{CAUSE_BYTES_MAX, short},
};

/// Our code for a request that nobody could sign.
const NO_CREDENTIALS: &str = "NoCredentials";
/// Our code for a connection that was not made, or broke.
const CONNECTION: &str = "Connection";
/// Our code for an answer that did not come in time.
const TIMEOUT: &str = "Timeout";

/// What a failed request means for each of its messages.
pub(super) fn failed_request<E>(error: &SdkError<E, HttpResponse>, messages: usize) -> Vec<Verdict>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    Verdict::of_request(messages, error.raw_response().and_then(retry_after), cause_of(error))
}

/// Says where nobody answered: the SDK does not, and it may be a mistake in the settings.
pub(super) fn name_endpoint(verdicts: &mut [Verdict], endpoint: &EndpointUrl) {
    for verdict in verdicts {
        if let Verdict::Retry { cause, .. } = verdict
            && matches!(&*cause.code, CONNECTION | TIMEOUT)
        {
            cause.message = cut(&format!("{}: {}", endpoint.as_str(), cause.message)).into();
        }
    }
}

/// Why a request failed.
pub(super) fn cause_of<E>(error: &SdkError<E, HttpResponse>) -> Cause
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let ours = |class, code: &str| Cause { class, code: code.into(), message: chain(error).into() };
    match error {
        // The SDK takes an answer that it cannot read for an error of the service.
        SdkError::ServiceError(context)
            if context.err().code().is_none() && matches!(status, Some(200..300)) =>
        {
            ours(Class::Transient, "UnreadableAnswer")
        }
        SdkError::ServiceError(context) => {
            let code = context.err().code().map_or_else(|| status_code(status), Cow::Borrowed);
            let message = context.err().message().map_or_else(|| chain(context.err()), cut);
            Cause::from_code(&code, status, &message)
        }
        SdkError::TimeoutError(_) => ours(Class::Transient, TIMEOUT),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            ours(Class::Transient, TIMEOUT)
        }
        SdkError::DispatchFailure(failure) if is_of_the_connection(failure) => {
            ours(Class::Transient, CONNECTION)
        }
        // What is left never reached a socket.
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            let cause = ours(Class::Broken, "NotSent");
            match refused_role(error) {
                Some(cause) => cause,
                None if cause.message.contains("credential") => no_credentials(),
                None => cause,
            }
        }
        _ => ours(Class::Transient, "UnreadableAnswer"),
    }
}

/// Why the destination's role could not be assumed, if that is what failed. Whatever the cause, the
/// messages have no part in it, and there is nobody to send them.
fn refused_role(error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut causes = iter::successors(error.source(), |&error| error.source());
    let refusal: &SdkError<AssumeRoleError, HttpResponse> =
        causes.find_map(|cause| cause.downcast_ref())?;
    let Cause { code, message, .. } = cause_of(refusal);
    if &*code == NO_CREDENTIALS {
        return Some(no_credentials());
    }
    let message =
        cut(&format!("the role_arn of this destination cannot be assumed: {code}: {message}"));
    Some(Cause { class: Class::Broken, code: "AssumeRole".into(), message: message.into() })
}

/// The SDK's own words are several lines, one for each place where it looked.
fn no_credentials() -> Cause {
    let message = "no usable AWS credentials in environment, profile, web identity, container or \
                   instance; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine \
                   a role";
    Cause { class: Class::Broken, code: NO_CREDENTIALS.into(), message: message.into() }
}

/// Whether the connection broke. A server that closes one that is kept alive is, to the SDK, an
/// error of another kind that is transient.
fn is_of_the_connection(failure: &DispatchFailure) -> bool {
    let kind = failure.as_connector_error().and_then(ConnectorError::as_other);
    failure.is_io() || kind == Some(ErrorKind::TransientError)
}

fn status_code(status: Option<u16>) -> Cow<'static, str> {
    status.map_or(Cow::Borrowed("NoStatus"), |status| Cow::Owned(format!("Http{status}")))
}

/// How long the service asks to wait: Amazon's own header counts milliseconds, the common one
/// seconds. Its form with a date is not used by AWS.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let number = |header| response.headers().get(header)?.trim().parse().ok();
    let exact = number("x-amz-retry-after").map(Duration::from_millis);
    exact.or_else(|| number("retry-after").map(Duration::from_secs))
}

/// The error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    let texts: Vec<_> = causes.map(|cause| without_request(&cause.to_string())).collect();
    cut(&texts.join(": "))
}

/// The SDK prints the whole request into some errors, the events in its body included.
fn without_request(text: &str) -> String {
    text.split_once("Request {").map_or(text, |(before, _)| before).to_owned()
}

fn cut(text: &str) -> String {
    short(text, CAUSE_BYTES_MAX).to_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;

    use super::*;

    fn cause(error: ConnectorError) -> Cause {
        let error = SdkError::<SendMessageBatchError, _>::dispatch_failure(error);
        cause_of(&error)
    }

    #[test]
    fn where_nobody_answers_is_named_and_nothing_else_is() {
        let retry = |code: &str| {
            let cause = Cause { class: Class::Transient, code: code.into(), message: "no".into() };
            Verdict::Retry { after: None, cause }
        };
        let codes = [CONNECTION, TIMEOUT, "Http500"];
        let mut verdicts: Vec<_> = codes.map(retry).into();
        verdicts.push(Verdict::Delivered);
        let endpoint = EndpointUrl::try_from("http://127.0.0.1:1".to_owned()).unwrap();
        name_endpoint(&mut verdicts, &endpoint);
        let told: Vec<_> = verdicts.iter().filter_map(Verdict::cause).collect();
        let told: Vec<_> = told.iter().map(|cause| &*cause.message).collect();
        assert_eq!(told, ["http://127.0.0.1:1: no", "http://127.0.0.1:1: no", "no"]);
    }

    #[test]
    fn a_broken_connection_passes_and_missing_credentials_do_not() {
        let source = || io::Error::other("connection closed before message completed").into();
        for broken in [
            ConnectorError::io(source()),
            ConnectorError::other(source(), Some(ErrorKind::TransientError)),
        ] {
            let cause = cause(broken);
            assert_eq!((cause.class, &*cause.code), (Class::Transient, "Connection"));
        }
        let cause = cause(ConnectorError::other(source(), None));
        assert_eq!((cause.class, &*cause.code), (Class::Broken, "NotSent"));
        let missing = io::Error::other("an error occurred while loading credentials:\n- a\n- b");
        let error = ConnectorError::other(missing.into(), None);
        let cause = self::cause(error);
        assert_eq!((cause.class, &*cause.code), (Class::Broken, "NoCredentials"));
        assert!(!cause.message.contains('\n'));
    }

    #[test]
    fn a_cause_is_short_and_holds_no_request() {
        let text = "failed to apply endpoint `x` to request `Request { body: SdkBody { SECRET";
        let told = cause(ConnectorError::user(io::Error::other(text).into())).message;
        assert!(told.contains("failed to apply endpoint `x`"), "{told}");
        assert!(!told.contains("SECRET"), "{told}");
        let long = cause(ConnectorError::io(io::Error::other("ü".repeat(1000)).into())).message;
        assert!((CAUSE_BYTES_MAX - 1..=CAUSE_BYTES_MAX).contains(&long.len()), "{}", long.len());
    }
}
