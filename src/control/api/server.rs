//! The port of the S3 API.
//!
//! Every request is verified first. `GET /{bucket}?notification` answers with the configuration in
//! force; whatever else is asked gets S3's `NotImplemented`.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use tokio::{net::TcpListener, time::timeout};

use super::{Action, AuthError, Credentials, error_document::ErrorDocument};
use crate::{
    control::Questions,
    model::{AccountId, BucketName},
    serve::serve,
    stop::Stop,
};

/// No configuration is larger: 100 rules with two filters of 1,024 bytes are 300 KB.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a body may take.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on listen.s3 {address}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// The S3-compatible listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// What every request needs.
#[derive(Debug)]
struct Desk {
    credentials: Credentials,
    owner: AccountId,
    documents: Questions,
}

impl Server {
    /// Opens the port. `owner` is who owns every bucket.
    pub async fn bind(
        address: SocketAddr,
        credentials: Credentials,
        owner: AccountId,
        documents: Questions,
    ) -> Result<Self, BindError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| BindError { address, source })?;
        Ok(Self { listener, desk: Arc::new(Desk { credentials, owner, documents }) })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the stop.
    pub async fn run(self, stop: Stop) -> Result<(), Infallible> {
        let router = Router::new().fallback(answer).with_state(self.desk);
        serve(self.listener, router, stop).await;
        Ok(())
    }
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(request).await.unwrap_or_else(IntoResponse::into_response)
}

impl Desk {
    async fn answer(&self, request: Request) -> Result<Response, ErrorDocument> {
        let (head, body) = request.into_parts();
        let body = match timeout(BODY_WAIT_MAX, to_bytes(body, BODY_BYTES_MAX)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(too_large()),
            Err(_) => return Err(too_slow()),
        };
        let principal = self.credentials.verify(&head, &body, Timestamp::now())?;
        let bucket = asked_for(&head).ok_or_else(ErrorDocument::not_implemented)?;
        let bucket: BucketName = bucket.parse().or(Err(invalid_name(bucket)))?;
        let owned =
            names_owner(&head.headers).is_none_or(|owner| owner == self.owner.as_str().as_bytes());
        if !owned || !principal.may(Action::GetBucketNotification, &bucket) {
            return Err(AuthError::AccessDenied.into());
        }
        let document = self.documents.document(bucket).await.unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/xml")];
        Ok((kind, document.to_xml()).into_response())
    }
}

/// The bucket whose notification configuration is asked for, if that is what is asked for.
fn asked_for(head: &Parts) -> Option<&str> {
    let is_get = head.method == Method::GET && has_subresource(&head.uri, "notification");
    let bucket = head.uri.path().strip_prefix('/')?;
    let bucket = bucket.strip_suffix('/').unwrap_or(bucket);
    (is_get && !bucket.is_empty() && !bucket.contains('/')).then_some(bucket)
}

fn has_subresource(uri: &Uri, name: &str) -> bool {
    let parameters = uri.query().unwrap_or_default().split('&');
    parameters.into_iter().any(|it| it.strip_suffix('=').unwrap_or(it) == name)
}

fn names_owner(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("x-amz-expected-bucket-owner").map(header::HeaderValue::as_bytes)
}

fn invalid_name(bucket: &str) -> ErrorDocument {
    ErrorDocument {
        status: StatusCode::BAD_REQUEST,
        code: "InvalidBucketName",
        message: "The specified bucket is not valid.".into(),
        details: vec![("BucketName", bucket.to_owned())],
    }
}

fn too_large() -> ErrorDocument {
    ErrorDocument {
        status: StatusCode::BAD_REQUEST,
        code: "MaxMessageLengthExceeded",
        message: "Your request was too big.".into(),
        details: vec![("MaxMessageLengthBytes", BODY_BYTES_MAX.to_string())],
    }
}

fn too_slow() -> ErrorDocument {
    ErrorDocument {
        status: StatusCode::BAD_REQUEST,
        code: "RequestTimeout",
        message: "Your socket connection to the server was not read from or written to within \
                  the timeout period. Idle connections will be closed."
            .into(),
        details: Vec::new(),
    }
}
