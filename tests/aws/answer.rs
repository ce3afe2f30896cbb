//! What the four services answer, in their four protocols.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{Response, StatusCode, header::CONTENT_TYPE},
};

use super::{
    Entry,
    request::{Request, Service},
    script::{Fault, Slip},
};

/// An entry, and what became of it.
pub(super) type Judged<'a, 'b> = (&'b Entry<'a>, Option<Slip>);

/// Of a batch that was taken, or of most of it.
pub(super) fn batch(service: Service, judged: &[Judged<'_, '_>]) -> Response<Body> {
    match service {
        Service::Sqs => told(200, service, sqs_batch(judged)),
        Service::Sns => told(200, service, sns_batch(judged)),
        Service::EventBridge => told(200, service, event_bridge_batch(judged)),
        Service::Lambda => match judged.iter().find_map(|(_, slip)| *slip) {
            None => told(202, service, String::new()),
            Some(slip) => {
                let (code, _) = slip_code(service, slip);
                refusal_of(service, lambda_status(code), code)
            }
        },
    }
}

/// Of a message that only tries.
pub(super) fn probe(request: &Request<'_>) -> Response<Body> {
    let service = request.service;
    match service {
        Service::Sqs => told(200, service, r#"{"MessageId":"m","MD5OfMessageBody":"m"}"#.into()),
        Service::Sns => told(200, service, sns_answer("Publish", "<MessageId>m</MessageId>")),
        Service::EventBridge => told(200, service, event_bridge_batch(&[])),
        Service::Lambda => told(204, service, String::new()),
    }
}

/// Of a request that failed as a whole. Silence and reset have no answer.
pub(super) fn refusal(service: Service, fault: Fault) -> Response<Body> {
    use Service::{EventBridge, Lambda, Sns, Sqs};
    let (status, code) = match (fault, service) {
        (Fault::Silence | Fault::Reset | Fault::Garbage, _) => {
            return told(200, service, "<html>It works!</html>".into());
        }
        (Fault::Throttled, Sqs) => (400, "RequestThrottled"),
        (Fault::Throttled, Sns) => (400, "Throttling"),
        (Fault::Throttled, EventBridge) => (400, "ThrottlingException"),
        (Fault::Throttled, Lambda) => (429, "TooManyRequestsException"),
        (Fault::Unavailable, Lambda) => (503, "ServiceException"),
        (Fault::Unavailable, _) => (503, "ServiceUnavailable"),
        (Fault::Denied, Sqs) => (403, "AccessDenied"),
        (Fault::Denied, Sns) => (403, "AuthorizationError"),
        (Fault::Denied, EventBridge) => (400, "AccessDeniedException"),
        (Fault::Denied, Lambda) => (403, "AccessDeniedException"),
        (Fault::Missing, Sqs) => (400, "AWS.SimpleQueueService.NonExistentQueue"),
        (Fault::Missing, Sns) => (404, "NotFound"),
        (Fault::Missing, EventBridge) => (400, "ResourceNotFoundException"),
        (Fault::Missing, Lambda) => (404, "ResourceNotFoundException"),
        (Fault::TooLong, Sqs) => (400, "AWS.SimpleQueueService.BatchRequestTooLong"),
        (Fault::TooLong, Sns) => (400, "BatchRequestTooLong"),
        (Fault::TooLong, EventBridge) => (413, "RequestEntityTooLarge"),
        (Fault::TooLong, Lambda) => (413, "RequestTooLargeException"),
        (Fault::Unheard, _) => (400, "NeverHeardOfThis"),
    };
    refusal_of(service, status, code)
}

/// SQS says the old name of an error in a header and a new one in the body; the SDK goes by the
/// header.
fn refusal_of(service: Service, status: u16, code: &str) -> Response<Body> {
    let words = format!("the script says {code}");
    let (name, value, body) = match service {
        Service::Sqs => {
            let last = code.rsplit('.').next().unwrap_or(code);
            let body = format!(r#"{{"__type":"com.amazonaws.sqs#{last}","message":"{words}"}}"#);
            ("x-amzn-query-error", format!("{code};Sender"), body)
        }
        Service::Sns => {
            let body = format!(
                "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
                 <Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>\
                 <RequestId>r</RequestId></ErrorResponse>"
            );
            ("x-amzn-requestid", "r".to_owned(), body)
        }
        Service::EventBridge => {
            let body = format!(r#"{{"__type":"{code}","message":"{words}"}}"#);
            ("x-amzn-requestid", "r".to_owned(), body)
        }
        Service::Lambda => {
            let body = format!(r#"{{"Type":"User","Message":"{words}"}}"#);
            ("x-amzn-errortype", code.to_owned(), body)
        }
    };
    let mut response = told(status, service, body);
    let value = value.parse().expect("a code is ASCII");
    response.headers_mut().insert(name, value);
    response
}

fn sqs_batch(judged: &[Judged<'_, '_>]) -> String {
    let (mut successful, mut failed) = (String::new(), String::new());
    for (entry, slip) in judged {
        let id = &entry.id;
        match slip {
            None => separated(
                &mut successful,
                &format!(r#"{{"Id":"{id}","MessageId":"m","MD5OfMessageBody":"m"}}"#),
            ),
            Some(Slip::Unmentioned) => {}
            Some(slip) => {
                let (code, ours) = slip_code(Service::Sqs, *slip);
                let sender = !ours;
                separated(
                    &mut failed,
                    &format!(
                        r#"{{"Id":"{id}","Code":"{code}","SenderFault":{sender},"Message":"the script says so"}}"#
                    ),
                );
            }
        }
    }
    format!(r#"{{"Successful":[{successful}],"Failed":[{failed}]}}"#)
}

fn sns_batch(judged: &[Judged<'_, '_>]) -> String {
    let (mut successful, mut failed) = (String::new(), String::new());
    for (entry, slip) in judged {
        let id = &entry.id;
        let written = match slip {
            None => {
                write!(successful, "<member><Id>{id}</Id><MessageId>m</MessageId></member>")
            }
            Some(Slip::Unmentioned) => Ok(()),
            Some(slip) => {
                let (code, ours) = slip_code(Service::Sns, *slip);
                let sender = !ours;
                write!(
                    failed,
                    "<member><Id>{id}</Id><Code>{code}</Code><Message>the script says so</Message>\
                     <SenderFault>{sender}</SenderFault></member>"
                )
            }
        };
        written.expect("a text takes everything");
    }
    let result = format!("<Successful>{successful}</Successful><Failed>{failed}</Failed>");
    sns_answer("PublishBatch", &result)
}

fn sns_answer(action: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>\
         {result}</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
         </{action}Response>"
    )
}

/// Entries stand in the order of the request; those that are left out are the last ones' places.
fn event_bridge_batch(judged: &[Judged<'_, '_>]) -> String {
    let (mut entries, mut failed) = (String::new(), 0_u32);
    for (_, slip) in judged {
        match slip {
            None => separated(&mut entries, r#"{"EventId":"e"}"#),
            Some(slip) => {
                let (code, _) = slip_code(Service::EventBridge, *slip);
                failed += 1;
                separated(
                    &mut entries,
                    &format!(r#"{{"ErrorCode":"{code}","ErrorMessage":"the script says so"}}"#),
                );
            }
        }
    }
    format!(r#"{{"FailedEntryCount":{failed},"Entries":[{entries}]}}"#)
}

/// The code of a failed entry, and whether the service takes the blame.
fn slip_code(service: Service, slip: Slip) -> (&'static str, bool) {
    use Service::{EventBridge, Lambda, Sns, Sqs};
    match (slip, service) {
        (Slip::Throttled, Sqs) => ("RequestThrottled", true),
        (Slip::Throttled, Sns) => ("Throttled", true),
        (Slip::Throttled, EventBridge) => ("ThrottlingException", true),
        (Slip::Throttled, Lambda) => ("TooManyRequestsException", true),
        (Slip::Refused, Sqs) => ("InvalidMessageContents", false),
        (Slip::Refused, Sns) => ("InvalidParameter", false),
        (Slip::Refused, EventBridge) => ("MalformedDetail", false),
        (Slip::Refused, Lambda) => ("InvalidRequestContentException", false),
        // Lambda has one message a request, and so none to leave out; EventBridge goes by places.
        (Slip::Failed | Slip::Unmentioned, EventBridge) => ("InternalFailure", true),
        (Slip::Failed | Slip::Unmentioned, Lambda) => ("ServiceException", true),
        (Slip::Failed | Slip::Unmentioned, Sqs | Sns) => ("InternalError", true),
    }
}

fn lambda_status(code: &str) -> u16 {
    match code {
        "TooManyRequestsException" => 429,
        "InvalidRequestContentException" => 400,
        _ => 500,
    }
}

fn separated(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(item);
}

fn told(status: u16, service: Service, body: String) -> Response<Body> {
    let kind = match service {
        Service::Sqs => "application/x-amz-json-1.0",
        Service::Sns => "text/xml",
        Service::EventBridge => "application/x-amz-json-1.1",
        Service::Lambda => "application/json",
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("it is a status");
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("it is ASCII"));
    response
}
