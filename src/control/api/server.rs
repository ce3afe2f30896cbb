//! The port of the S3 API: `PUT` and `GET /{bucket}?notification`.
//!
//! The order of the checks is Amazon's: who signed, what for, whether the bucket exists, whose it
//! is, whether the signer may, and only then the body. Whatever else is asked gets S3's
//! `NotImplemented`.

use std::{convert::Infallible, io, mem, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::{net::TcpListener, sync::watch, time::timeout};
use tracing::{error, info};

use super::{
    Action, ApiConfig, AuthError, Buckets, Credentials, Principal, Probe, TestEvent,
    addressing::{Operation, amz_header},
    checksum,
    error_document::ErrorDocument,
    ids::Ids,
    refusals,
    sigv4::SignedBody,
};
use crate::{
    control::{GetError, PutError, Requests, Scope, metrics},
    model::{BucketName, Owners},
    rules::{Context, Document, EventBridge},
    serve::{Port, serve},
    stop::Stop,
    tls,
};

/// What a body may have besides its rules, in bytes.
const BODY_BYTES: usize = 1 << 20;
/// What a body may have for each rule: two filters of 1,024 bytes with every character escaped, an
/// id, an ARN, every event.
const RULE_BYTES: usize = 16 << 10;
/// No body is larger, however many rules the settings allow.
const BODY_BYTES_MAX: usize = 256 << 20;
/// How long a body may take.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long what is left of the body of a refused request may take.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// A path is logged up to so many bytes.
const PATH_SHOWN_MAX: usize = 300;

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
    api: Arc<Api>,
}

/// What every request needs.
#[derive(Debug)]
pub struct Api {
    /// The `[s3]` section.
    pub config: ApiConfig,
    /// Who may sign; a reload replaces them.
    pub credentials: watch::Receiver<Arc<Credentials>>,
    /// Which buckets there are.
    pub buckets: Buckets,
    /// Whose they are.
    pub owners: Owners,
    /// What a configuration is checked against.
    pub scope: Scope,
    /// Where the configurations are.
    pub documents: Requests,
    /// How their destinations are asked.
    pub probe: Probe,
}

impl Server {
    /// Opens the port.
    pub async fn bind(port: Port, api: Api) -> Result<Self, BindError> {
        let address = port.address();
        let listener = port.open().await.map_err(|source| BindError { address, source })?;
        Ok(Self { listener, api: Arc::new(api) })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the stop.
    pub async fn run(self, tls: Option<tls::Acceptor>, stop: Stop) -> Result<(), Infallible> {
        let router = Router::new().fallback(answer).with_state(self.api);
        serve(self.listener, tls, router, stop).await;
        Ok(())
    }
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let ids = Ids::new();
    let (head, mut body) = request.into_parts();
    let action = Operation::of(&head, api.config.domain.as_ref()).map(|it| it.action);
    let credentials = Arc::clone(&api.credentials.borrow());
    let verified = credentials.verify(&head, Timestamp::now());
    let signer = verified.as_ref().ok().map(|(signer, _)| signer.clone());
    let answer = match verified {
        Ok((signer, signed)) => api.answer(&head, &mut body, (&signer, signed), &ids).await,
        Err(refusal) => Err(refusal.into()),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(refusal) => {
            log(&refusal, &head, signer.as_ref(), &ids);
            // Whoever asked first whether to send has not sent.
            if !head.headers.contains_key(header::EXPECT) {
                drain(body).await;
            }
            refusal.into_response(&ids)
        }
    };
    metrics::answered(action, answer.status().as_u16());
    ids.stamp(answer)
}

/// The query is left out: it may hold a signature that is still good.
fn log(refusal: &ErrorDocument, head: &Parts, signer: Option<&Principal>, ids: &Ids) {
    let path = head.uri.path();
    info!(
        method = head.method.as_str(),
        host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
        path = path.get(..PATH_SHOWN_MAX).unwrap_or(path),
        access_key_id = signer.map(|signer| signer.access_key_id().as_str()),
        code = refusal.code,
        reason = refusal.reason.as_deref(),
        request_id = ids.request,
        "request refused"
    );
}

/// Takes what is left of a body: many a client hears no answer before it has sent everything.
async fn drain(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut left = BODY_BYTES;
    let drained = async {
        while let Some(Ok(chunk)) = chunks.next().await
            && chunk.len() < left
        {
            left -= chunk.len();
        }
    };
    // Whoever is slower than that has to do without the answer.
    drop(timeout(DRAIN_MAX, drained).await);
}

impl Api {
    async fn answer(
        &self,
        head: &Parts,
        body: &mut Body,
        (signer, signed): (&Principal, SignedBody),
        ids: &Ids,
    ) -> Result<Response, ErrorDocument> {
        let operation = Operation::of(head, self.config.domain.as_ref());
        let operation = operation.ok_or_else(refusals::not_implemented)?;
        let bucket = self.permit(&operation, signer, head)?;
        let body = self.read(mem::take(body)).await?;
        signed.refuse_other(&body)?;
        match operation.action {
            Action::GetBucketNotification => self.get(bucket).await,
            Action::PutBucketNotification => {
                checksum::refuse_other(&head.headers, &body)?;
                let accepted = self.accept(&bucket, &body, head, ids).await;
                let (document, message_id) = accepted.inspect_err(|_| metrics::rejected())?;
                let (rules, event_bridge) = (document.rules().len(), document.event_bridge());
                self.store(&bucket, document).await?;
                info!(
                    %bucket,
                    access_key_id = %signer.access_key_id(),
                    rules,
                    event_bridge = event_bridge == EventBridge::On,
                    request_id = ids.request,
                    "configuration set through the S3 API"
                );
                Ok(put_answer(message_id))
            }
        }
    }

    /// The bucket, if there is one and the signer may do that with it.
    fn permit(
        &self,
        operation: &Operation<'_>,
        signer: &Principal,
        head: &Parts,
    ) -> Result<BucketName, ErrorDocument> {
        let name = &*operation.bucket;
        let bucket: BucketName = name.parse().or(Err(refusals::invalid_name(name)))?;
        if !self.buckets.contain(&bucket) {
            return Err(refusals::no_such_bucket(&bucket));
        }
        let owner = self.owners.of(&bucket).as_str();
        let denied = |reason| ErrorDocument::from(AuthError::AccessDenied).because(reason);
        if let Some(expected) = amz_header(head, "x-amz-expected-bucket-owner")
            && expected != owner
        {
            return Err(denied(format!("the owner of {bucket} is {owner}, not the expected one")));
        }
        if !signer.may(operation.action, &bucket) {
            let action = operation.action.name();
            return Err(denied(format!("the access key is not for {action} on {bucket}")));
        }
        Ok(bucket)
    }

    async fn read(&self, body: Body) -> Result<Bytes, ErrorDocument> {
        let rules = self.scope.rules.per_bucket_max.get();
        let limit = rules.saturating_mul(RULE_BYTES).saturating_add(BODY_BYTES).min(BODY_BYTES_MAX);
        match timeout(BODY_WAIT_MAX, to_bytes(body, limit)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(refusals::too_large(limit)),
            Err(_) => Err(refusals::too_slow()),
        }
    }

    async fn get(&self, bucket: BucketName) -> Result<Response, ErrorDocument> {
        let document = self.documents.document(bucket).await.map_err(|cause| match &cause {
            GetError::Unreadable(_) => refusals::internal(cause.to_string()),
            GetError::Stopped(_) => refusals::unavailable(cause.to_string()),
        })?;
        let kind = [(header::CONTENT_TYPE, "application/xml")];
        Ok((kind, document.unwrap_or_default().to_xml()).into_response())
    }

    /// The configuration, once everything that Amazon checks is right with it, and the id of the
    /// test message that the answer has to show.
    async fn accept(
        &self,
        bucket: &BucketName,
        body: &[u8],
        head: &Parts,
        ids: &Ids,
    ) -> Result<(Document, Option<String>), ErrorDocument> {
        let (region, config) = (self.scope.region.as_str(), &self.scope.rules);
        let document = Document::from_xml(body, &Context { bucket, region, config })
            .map_err(|problems| ErrorDocument::from(&problems))?;
        if skips_validation(head) {
            return Ok((document, None));
        }
        let (request_id, host_id) = (ids.request.clone(), ids.host.clone());
        let event = TestEvent { bucket: bucket.clone(), request_id, host_id };
        let time = self.config.validation_timeout;
        let message_id = self.probe.validate(&document, event, time).await?;
        Ok((document, message_id))
    }

    async fn store(&self, bucket: &BucketName, document: Document) -> Result<(), ErrorDocument> {
        let stored = self.documents.put(bucket.clone(), document).await;
        stored.map_err(|refused| match &refused {
            PutError::Stopped(_) => refusals::unavailable(refused.to_string()),
            PutError::Directory { .. } => {
                error!(%bucket, %refused, "cannot store a configuration");
                refusals::internal(refused.to_string())
            }
            PutError::Write(cause) => {
                error!(%bucket, %refused, %cause, "cannot store a configuration");
                refusals::internal(refused.to_string())
            }
        })
    }
}

fn put_answer(message_id: Option<String>) -> Response {
    match message_id {
        Some(id) => ([("x-amz-sns-test-message-id", id)], ()).into_response(),
        None => ().into_response(),
    }
}

fn skips_validation(head: &Parts) -> bool {
    let skip = amz_header(head, "x-amz-skip-destination-validation");
    skip.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}
