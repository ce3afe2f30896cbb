//! What the daemon is held against, in the same run on the same machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_sdk_sqs::{
    Client,
    config::{Credentials, SharedCredentialsProvider},
    types::SendMessageBatchRequestEntry,
};
use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, serve::ListenerExt};
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    task::JoinSet,
};

/// As many as a lane has on the wire.
const IN_FLIGHT: usize = 64;

/// An HTTP server that reads a body and answers 200.
#[derive(Debug)]
pub(crate) struct NullServer {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<io::Result<()>>,
    _runtime: Runtime,
}

impl NullServer {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = two_threads()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|connection| {
            connection.set_nodelay(true).expect("loopback has the option");
        });
        let router = Router::new().fallback(async |_: Bytes| {
            ([(CONTENT_TYPE, "application/json")], r#"{"received":1,"matched":1}"#)
        });
        let mut serving = JoinSet::new();
        serving.spawn_on(async { axum::serve(listener, router).await }, runtime.handle());
        Ok(Self { address, _serving: serving, _runtime: runtime })
    }
}

/// Sends a body again and again through the SDK: no daemon, no journal, no HTTP on the way in.
/// Answers messages a second.
pub(crate) fn sdk_loop(endpoint: &str, body: &str, time: Duration) -> anyhow::Result<f64> {
    let runtime = two_threads()?;
    let credentials = Credentials::new("bench", "bench", None, None, "bench");
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    let url = format!("{endpoint}/123456789012/queue");
    let (begin, mut messages) = (Instant::now(), 0);
    runtime.block_on(async {
        let client = Client::new(&config.load().await);
        let mut senders = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            senders.spawn(send(client.clone(), url.clone(), body.to_owned(), begin + time));
        }
        while let Some(sent) = senders.join_next().await {
            messages += sent??;
        }
        anyhow::Ok(())
    })?;
    Ok(f64::from(messages) / begin.elapsed().as_secs_f64())
}

async fn send(client: Client, url: String, body: String, end: Instant) -> anyhow::Result<u32> {
    let mut messages = 0;
    while messages == 0 || Instant::now() < end {
        let entry = |id: u32| {
            SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(&body).build()
        };
        let entries = (0..10).map(entry).collect::<Result<Vec<_>, _>>()?;
        client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send().await?;
        messages += 10;
    }
    Ok(messages)
}

/// What the daemon has on two cores.
fn two_threads() -> io::Result<Runtime> {
    runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
