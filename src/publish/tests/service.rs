//! An AWS service that says what a test tells it to, and the clients that believe it.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    model::{EventId, GroupId, Message, Region},
    publish::{Aws, Config, EndpointUrl, EventBridgeConfig, RoleArn, aws::loader},
};

/// What the service answers every request.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// This status, header and body.
    Told(u16, (&'static str, &'static str), &'static str),
    /// Nothing, ever.
    Silence,
    /// Credentials to whoever asks for a role, those of a role to the key of its name; and to all
    /// else that it was delivered.
    Roles,
}

/// A request as the service got it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// The service, which ends with the test.
pub(super) struct Service {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
    _server: JoinSet<()>,
}

impl Service {
    /// Answers every request alike.
    pub(super) async fn answering(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let log = Arc::clone(&received);
        let app = Router::new().fallback(async move |request: Request| {
            let request = receive(request).await;
            log.lock().unwrap().push(request.clone());
            tell(answer, &request).await
        });
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { url, received, _server: server }
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Clients that take it for all of AWS, and are soon out of patience.
    pub(super) async fn clients(&self) -> Aws {
        clients_at(&self.url).await
    }

    /// The same, without anyone to sign for them.
    pub(super) async fn clients_without_credentials(&self) -> Aws {
        let nobody = ProfileFileCredentialsProvider::builder().profile_name("no such profile");
        clients_with(&self.url, SharedCredentialsProvider::new(nobody.build())).await
    }
}

/// A message like any other.
pub(super) fn message() -> Message {
    Message {
        subject: "Amazon S3 Notification",
        body: r#"{"Event":"s3:TestEvent"}"#.into(),
        time: "2026-09-20T07:44:33Z".parse().unwrap(),
        bucket_arn: "arn:aws:s3:::photos".into(),
        event_id: EventId::of_test(&"photos".parse().unwrap(), "1"),
        rule: None,
        group: GroupId::of_bucket(&"photos".parse().unwrap()),
        again: None,
        trace_id: Some("Root=1-5f84c7a9-0123456789abcdef01234567".into()),
    }
}

/// Clients of whatever is at this URL.
pub(super) async fn clients_at(url: &str) -> Aws {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    clients_with(url, SharedCredentialsProvider::new(credentials)).await
}

/// One of the roles that the clients know.
pub(super) fn role(name: &str) -> RoleArn {
    RoleArn::try_from(format!("arn:aws:iam::123456789012:role/{name}")).unwrap()
}

async fn clients_with(url: &str, credentials: SharedCredentialsProvider) -> Aws {
    let config = Config {
        endpoint_url: Some(EndpointUrl::try_from(url.to_owned()).unwrap()),
        attempt_timeout: Duration::from_millis(500),
        ..Config::default()
    };
    let shared = loader(&Region::default(), &config).credentials_provider(credentials);
    let roles = [role("sender"), role("other")];
    Aws::with(shared.load().await, &config, &EventBridgeConfig::default(), roles).await
}

async fn receive(request: Request) -> Received {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn tell(answer: Answer, request: &Received) -> Response<Body> {
    match answer {
        Answer::Told(status, header, body) => {
            (StatusCode::from_u16(status).unwrap(), [header], body).into_response()
        }
        Answer::Silence => future::pending().await,
        Answer::Roles => match request.body.split_once("%3Arole%2F") {
            Some((_, rest)) => assumed(rest.split('&').next().unwrap()).into_response(),
            None => r#"{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"d"}]}"#
                .into_response(),
        },
    }
}

fn assumed(role: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>KEY-OF-{role}\
         </AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>TOKEN-OF-{role}\
         </SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>\
         <AssumedRoleUser><AssumedRoleId>A:fanfare</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/{role}/fanfare</Arn></AssumedRoleUser>\
         </AssumeRoleResult></AssumeRoleResponse>"
    )
}
