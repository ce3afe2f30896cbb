//! What a destination is asked, and what its answers mean.

use std::net::TcpListener;

use super::service::{Answer, Received, Service, clients_at, message};
use crate::{
    model::Destination,
    publish::{Cause, Class, DestinationConfig, Unfit},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:resize";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/default";

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const XML: (&str, &str) = ("content-type", "text/xml");

fn destination(arn: &str) -> Destination {
    arn.parse().unwrap()
}

/// Asks once, and answers what came of it and what the service got.
async fn asked(arn: &str, answer: Answer) -> (Result<Option<String>, Unfit>, Vec<Received>) {
    let service = Service::answering(answer).await;
    let outcome = service
        .clients()
        .await
        .probe(&destination(arn), &DestinationConfig::default(), &message())
        .await;
    (outcome, service.received())
}

async fn refused(arn: &str, answer: Answer) -> Unfit {
    let (outcome, requests) = asked(arn, answer).await;
    assert_eq!(requests.len(), 1, "asked once and never again");
    outcome.unwrap_err()
}

#[tokio::test]
async fn a_queue_gets_the_body_and_nothing_else() {
    let answer = r#"{"MessageId":"1","MD5OfMessageBody":"f9d9c1a1c1b86a37d4b1a4d4a1d3a2b1"}"#;
    let (outcome, requests) = asked(QUEUE, Answer::Told(200, JSON, answer)).await;
    assert_eq!(outcome, Ok(None));
    let [request] = &*requests else { panic!("{requests:?}") };
    assert_eq!(request.headers["x-amz-target"], "AmazonSQS.SendMessage");
    let sent: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    let url = format!("http://{}/123456789012/orders", request.headers["host"].to_str().unwrap());
    assert_eq!(sent, serde_json::json!({ "QueueUrl": url, "MessageBody": message().body }));
}

#[tokio::test]
async fn a_topic_gets_subject_and_body_and_its_answer_the_message_s_id() {
    let answer = "<PublishResponse><PublishResult><MessageId>567910cd-659e-55d4</MessageId>\
                  </PublishResult></PublishResponse>";
    let (outcome, requests) = asked(TOPIC, Answer::Told(200, XML, answer)).await;
    assert_eq!(outcome, Ok(Some("567910cd-659e-55d4".into())));
    let [request] = &*requests else { panic!("{requests:?}") };
    let sent: Vec<_> = request.body.split('&').collect();
    assert_eq!(
        sent,
        [
            "Action=Publish",
            "Version=2010-03-31",
            "TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Aorders",
            "Message=%7B%22Event%22%3A%22s3%3ATestEvent%22%7D",
            "Subject=Amazon%20S3%20Notification",
        ]
    );
}

#[tokio::test]
async fn a_function_its_version_or_its_alias_is_asked_without_running_it() {
    for qualifier in ["", ":7", ":live"] {
        let arn = format!("{FUNCTION}{qualifier}");
        let (outcome, requests) = asked(&arn, Answer::Told(204, JSON, "")).await;
        assert_eq!(outcome, Ok(None));
        let [request] = &*requests else { panic!("{requests:?}") };
        assert_eq!(request.headers["x-amz-invocation-type"], "DryRun");
        let name = arn.replace(':', "%3A");
        assert_eq!(request.path, format!("/2015-03-31/functions/{name}/invocations"));
        assert_eq!(request.body, "");
    }
}

#[tokio::test]
async fn a_bus_is_asked_nothing() {
    let (outcome, requests) = asked(BUS, Answer::Silence).await;
    assert_eq!(outcome, Ok(None));
    assert!(requests.is_empty(), "{requests:?}");
}

#[tokio::test]
async fn a_destination_that_its_service_does_not_know_is_missing() {
    for (arn, answer) in [
        (
            QUEUE,
            Answer::Told(
                400,
                ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"),
                r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"…"}"#,
            ),
        ),
        (QUEUE, Answer::Told(400, JSON, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#)),
        (
            TOPIC,
            Answer::Told(
                404,
                XML,
                "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code>\
                 <Message>Topic does not exist</Message></Error></ErrorResponse>",
            ),
        ),
        (
            FUNCTION,
            Answer::Told(
                404,
                ("x-amzn-errortype", "ResourceNotFoundException"),
                r#"{"Type":"User","Message":"Function not found"}"#,
            ),
        ),
    ] {
        let unfit = refused(arn, answer).await;
        assert!(matches!(unfit, Unfit::Missing(_)), "{arn}: {unfit:?}");
    }
}

#[tokio::test]
async fn a_destination_that_refuses_us_or_its_key_is_forbidden() {
    for (arn, answer) in [
        (QUEUE, Answer::Told(403, JSON, r#"{"__type":"AccessDeniedException"}"#)),
        (
            QUEUE,
            Answer::Told(
                400,
                ("x-amzn-query-error", "KMS.NotFoundException;Sender"),
                r#"{"__type":"com.amazonaws.sqs#KmsNotFound","message":"…"}"#,
            ),
        ),
        (
            TOPIC,
            Answer::Told(
                403,
                XML,
                "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>\
                 <Message>…</Message></Error></ErrorResponse>",
            ),
        ),
        (
            FUNCTION,
            Answer::Told(403, ("x-amzn-errortype", "AccessDeniedException"), r#"{"Message":"…"}"#),
        ),
    ] {
        let unfit = refused(arn, answer).await;
        assert!(matches!(unfit, Unfit::Forbidden(_)), "{arn}: {unfit:?}");
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_the_destination_is_none() {
    for (answer, code) in [
        (Answer::Told(503, JSON, ""), "Http503"),
        (Answer::Told(403, ("content-type", "text/html"), "<html>a proxy</html>"), "Http403"),
        (Answer::Told(400, JSON, r#"{"__type":"ThrottlingException"}"#), "ThrottlingException"),
        (Answer::Silence, "Timeout"),
    ] {
        assert_unanswered(&refused(QUEUE, answer).await, code);
    }
    let vacated = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let clients = clients_at(&format!("http://{vacated}")).await;
    let unfit = clients
        .probe(&destination(QUEUE), &DestinationConfig::default(), &message())
        .await
        .unwrap_err();
    assert_unanswered(&unfit, "Connection");
}

#[track_caller]
fn assert_unanswered(unfit: &Unfit, code: &str) {
    match unfit {
        Unfit::Unanswered(cause) => assert_eq!(&*cause.code, code, "{cause}"),
        Unfit::Missing(_) | Unfit::Forbidden(_) => panic!("{unfit:?}"),
    }
}

/// Every code that breaks a destination, by what it tells of the destination itself.
#[test]
fn each_code_of_a_broken_destination_says_what_is_wrong_with_it() {
    #[rustfmt::skip]
    let missing = [
        "NonExistentQueue", "QueueDoesNotExist", "QueueDeletedRecently", "InvalidAddress",
        "NotFound", "NotFoundException", "ResourceNotFoundException",
        "AWS.SimpleQueueService.NonExistentQueue", "com.amazonaws.sqs#QueueDoesNotExist",
    ];
    #[rustfmt::skip]
    let forbidden = [
        "AccessDenied", "AccessDeniedException", "AuthorizationError",
        "AuthorizationErrorException", "NotAuthorizedForSourceException",
        "NotAuthorizedForDetailTypeException", "KMS.AccessDeniedException", "KMSAccessDenied",
        "KMSAccessDeniedException", "KmsAccessDenied", "KMS.DisabledException", "KMSDisabled",
        "KMSDisabledException", "KmsDisabled", "KMS.InvalidKeyUsageException",
        "KmsInvalidKeyUsage", "KMS.InvalidStateException", "KMSInvalidState",
        "KMSInvalidStateException", "KmsInvalidState", "KMS.NotFoundException", "KMSNotFound",
        "KMSNotFoundException", "KmsNotFound", "KMS.OptInRequired", "KMSOptInRequired",
        "KmsOptInRequired",
    ];
    // Our own credentials, or a state that no permission mends.
    #[rustfmt::skip]
    let unanswered = [
        "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
        "MissingAuthenticationToken", "IncompleteSignature", "SignatureDoesNotMatch",
        "InvalidSignatureException", "ExpiredToken", "ExpiredTokenException", "RequestExpired",
        "OptInRequired", "InvalidSecurity", "InvalidAccountIdException", "EndpointDisabled",
        "EndpointDisabledException", "InvalidRuntimeException", "NoPublishedVersionException",
        "RecursiveInvocationException", "CodeArtifactUserDeletedException",
        "CodeArtifactUserFailedException",
    ];
    let unfit = |code: &str| {
        let cause = Cause::from_code(code, Some(400), "");
        assert_eq!(cause.class, Class::Broken, "{code}");
        Unfit::from(cause)
    };
    for code in missing {
        assert!(matches!(unfit(code), Unfit::Missing(_)), "{code}");
    }
    for code in forbidden {
        assert!(matches!(unfit(code), Unfit::Forbidden(_)), "{code}");
    }
    for code in unanswered {
        assert!(matches!(unfit(code), Unfit::Unanswered(_)), "{code}");
    }
    for code in ["NoCredentials", "NotSent"] {
        let ours = Cause { class: Class::Broken, code: code.into(), message: "".into() };
        assert!(matches!(Unfit::from(ours), Unfit::Unanswered(_)), "{code}");
    }
}
