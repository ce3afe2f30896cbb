//! The beginning of a connection: the handshake, within its limits.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use ::metrics::Counter;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, warn};

use super::metrics;

/// How long a client may take for its part of the handshake.
const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How much of a request in plain HTTP is read, so that its client gets to read the answer.
const PLAIN_BYTES_MAX: u64 = 64 << 10;
/// What a record of a handshake begins with (RFC 8446, 5.1).
const HANDSHAKE: u8 = 0x16;

const ANSWER_IN_PLAIN: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 57\r\n\
    Connection: close\r\n\r\n\
    This port speaks TLS; write https:// in place of http://\n";

/// Accepts the connections of one listener, each with the certificate of its moment.
#[derive(Clone, Debug)]
pub struct Acceptor {
    listener: &'static str,
    current: watch::Receiver<Arc<ServerConfig>>,
    failed: Counter,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("it speaks plain HTTP; correct its address to https://")]
    Plain,
    #[error("it did not finish the handshake in {HANDSHAKE_WAIT_MAX:?}")]
    Slow,
    #[error("it went away during the handshake")]
    Gone(#[source] io::Error),
    /// The words of rustls, or those of the client's alert.
    #[error("no handshake is possible")]
    Refused(#[source] io::Error),
}

impl Acceptor {
    pub(super) fn new(listener: &'static str, current: watch::Receiver<Arc<ServerConfig>>) -> Self {
        Self { listener, current, failed: metrics::handshakes_failed(listener) }
    }

    /// The connection once the handshake is done; none if there is no way, which is counted and
    /// logged. Dropping the future closes the connection.
    pub async fn open(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let client = stream.peer_addr().ok();
        let opened = timeout(HANDSHAKE_WAIT_MAX, self.shake_hands(stream)).await;
        let cause = match opened {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(cause)) => cause,
            Err(_) => HandshakeError::Slow,
        };
        self.failed.increment(1);
        self.report(client, cause);
        None
    }

    async fn shake_hands(
        &self,
        mut stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, HandshakeError> {
        let mut first = [0];
        stream.peek(&mut first).await.map_err(HandshakeError::Gone)?;
        if first.iter().all(u8::is_ascii_alphabetic) {
            // A client that leaves before it has read the answer loses nothing but that.
            if let Err(cause) = answer_in_plain(&mut stream).await {
                debug!(%cause, "plain HTTP not answered");
            }
            return Err(HandshakeError::Plain);
        }
        let current = Arc::clone(&self.current.borrow());
        TlsAcceptor::from(current).accept(stream).await.map_err(|cause| {
            if cause.get_ref().is_some() && first == [HANDSHAKE] {
                HandshakeError::Refused(cause)
            } else {
                HandshakeError::Gone(cause)
            }
        })
    }

    /// Who has the wrong settings is told apart from who only looked whether the port is open.
    fn report(&self, client: Option<SocketAddr>, cause: HandshakeError) {
        let listener = self.listener;
        let client = client.map(tracing::field::display);
        match cause {
            HandshakeError::Plain => warn!(listener, client, %cause, "client refused"),
            HandshakeError::Refused(cause) => warn!(listener, client, %cause, "client refused"),
            HandshakeError::Slow => debug!(listener, client, %cause, "client not served"),
            HandshakeError::Gone(cause) => debug!(listener, client, %cause, "client not served"),
        }
    }
}

/// Answers what is surely no TLS in the words of its own protocol.
async fn answer_in_plain(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(ANSWER_IN_PLAIN.as_bytes()).await?;
    stream.shutdown().await?;
    // Closed with something unread, the connection would be reset, and the answer with it.
    tokio::io::copy(&mut stream.take(PLAIN_BYTES_MAX), &mut tokio::io::sink()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_in_plain_is_as_long_as_it_says() {
        let (head, body) = ANSWER_IN_PLAIN.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
