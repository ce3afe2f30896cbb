//! In whose name and where a destination is sent to.

use super::service::{Answer, Received, Service, clients_at, message, role};
use crate::publish::{Aws, Class, DestinationConfig, EndpointUrl, Publish as _, RoleArn, Verdict};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";
const OTHER_QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:others";
const XML: (&str, &str) = ("content-type", "text/xml");

fn with_role(role: RoleArn) -> DestinationConfig {
    DestinationConfig { role_arn: Some(role), ..DestinationConfig::default() }
}

async fn publish(clients: &Aws, arn: &str, config: &DestinationConfig) -> Verdict {
    let publisher = clients.publisher(&arn.parse().unwrap(), config);
    publisher.publish(&[message()]).await.remove(0)
}

/// Who signed each request, and `STS` for those that asked for a role.
fn signers(requests: &[Received]) -> Vec<String> {
    let signer = |request: &Received| {
        if request.body.starts_with("Action=AssumeRole") {
            return "STS".to_owned();
        }
        let signature = request.headers["authorization"].to_str().unwrap();
        let (_, rest) = signature.split_once("Credential=").unwrap();
        rest.split('/').next().unwrap().to_owned()
    };
    requests.iter().map(signer).collect()
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_who_send_in_its_name() {
    let service = Service::answering(Answer::Roles).await;
    let clients = service.clients().await;
    for (arn, config) in [
        (QUEUE, with_role(role("sender"))),
        (OTHER_QUEUE, with_role(role("sender"))),
        (QUEUE, with_role(role("other"))),
        (QUEUE, DestinationConfig::default()),
    ] {
        assert_eq!(publish(&clients, arn, &config).await, Verdict::Delivered);
    }
    let elsewhere = DestinationConfig {
        endpoint_url: Some(EndpointUrl::try_from(service.url().to_owned()).unwrap()),
        ..with_role(role("sender"))
    };
    assert_eq!(publish(&clients, QUEUE, &elsewhere).await, Verdict::Delivered);
    let requests = service.received();
    assert_eq!(
        signers(&requests),
        [
            "STS",
            "KEY-OF-sender",
            "KEY-OF-sender",
            "STS",
            "KEY-OF-other",
            "AKIDEXAMPLE",
            "KEY-OF-sender"
        ]
    );
    assert_eq!(requests[1].headers["x-amz-security-token"], "TOKEN-OF-sender");
    assert!(requests[0].body.contains("RoleSessionName=fanfare"), "{}", requests[0].body);
}

#[tokio::test]
async fn a_role_that_is_refused_breaks_the_destination_and_says_why() {
    let answer = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>\
                  User: u is not authorized to perform: sts:AssumeRole</Message></Error>\
                  </ErrorResponse>";
    let service = Service::answering(Answer::Told(403, XML, answer)).await;
    let verdict = publish(&service.clients().await, QUEUE, &with_role(role("sender"))).await;
    let cause = verdict.cause().unwrap();
    assert!(matches!(verdict, Verdict::Retry { .. }));
    assert_eq!(cause.class, Class::Broken);
    assert_eq!(
        cause.to_string(),
        "AssumeRole: the role_arn of this destination cannot be assumed: AccessDenied: User: u is \
         not authorized to perform: sts:AssumeRole"
    );
}

#[tokio::test]
async fn a_role_that_nobody_answers_for_breaks_the_destination_too() {
    let clients = clients_at("http://127.0.0.1:1").await;
    let verdict = publish(&clients, QUEUE, &with_role(role("sender"))).await;
    let cause = verdict.cause().unwrap();
    assert_eq!((cause.class, &*cause.code), (Class::Broken, "AssumeRole"));
    let service = Service::answering(Answer::Silence).await;
    let verdict = service.clients_without_credentials().await;
    let verdict = publish(&verdict, QUEUE, &with_role(role("sender"))).await;
    assert_eq!(&*verdict.cause().unwrap().code, "NoCredentials");
}

#[tokio::test]
async fn a_destination_may_be_reached_where_no_other_is() {
    let (everyone, own) =
        (Service::answering(Answer::Roles).await, Service::answering(Answer::Roles).await);
    let config = DestinationConfig {
        endpoint_url: Some(EndpointUrl::try_from(own.url().to_owned()).unwrap()),
        ..DestinationConfig::default()
    };
    let clients = everyone.clients().await;
    assert_eq!(publish(&clients, QUEUE, &config).await, Verdict::Delivered);
    assert_eq!(
        publish(&clients, OTHER_QUEUE, &DestinationConfig::default()).await,
        Verdict::Delivered
    );
    let [request] = &*own.received() else { panic!("{:?}", own.received()) };
    let sent: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(sent["QueueUrl"], format!("{}/123456789012/orders", own.url()));
    assert_eq!(everyone.received().len(), 1);
}
