//! The port of the S3 API.
//!
//! Until the notification calls arrive here, every request is answered as S3 answers what it does
//! not implement, so that an SDK fails with a clear code instead of a time-out.

use std::{convert::Infallible, io, net::SocketAddr};

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

use crate::{serve::serve, stop::Stop};

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
}

impl Server {
    /// Opens the port.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| BindError { address, source })?;
        Ok(Self { listener })
    }

    /// The address it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the stop.
    pub async fn run(self, stop: Stop) -> Result<(), Infallible> {
        let router = Router::new().fallback(not_implemented);
        serve(self.listener, router, stop).await;
        Ok(())
    }
}

async fn not_implemented() -> Response {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NotImplemented</Code>\
        <Message>A header you provided implies functionality that is not implemented</Message></Error>";
    let kind = [(header::CONTENT_TYPE, "application/xml")];
    (StatusCode::NOT_IMPLEMENTED, kind, body).into_response()
}
