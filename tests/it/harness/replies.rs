//! A service that says the same to every request, or nothing at all.

use std::{
    net::{Ipv4Addr, SocketAddr},
    thread::{self, JoinHandle},
};

use axum::{Router, http::StatusCode};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// A listening service; it refuses connections as soon as it is dropped.
#[derive(Debug)]
pub(crate) struct Replies {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One answer: its status, a header, its body.
#[derive(Clone, Copy)]
struct Reply {
    status: StatusCode,
    header: (&'static str, &'static str),
    body: &'static str,
}

impl Replies {
    /// SQS, whose queue's policy lets nobody send.
    pub(crate) fn sqs_denied() -> Self {
        Self::always(Some(Reply {
            status: StatusCode::FORBIDDEN,
            header: ("x-amzn-query-error", "AccessDenied;Sender"),
            body: r#"{"__type":"com.amazon.coral.service#AccessDeniedException",
                      "message":"Access to the resource is denied."}"#,
        }))
    }

    /// SNS, whose topic's policy lets nobody publish.
    pub(crate) fn sns_denied() -> Self {
        Self::always(Some(Reply {
            status: StatusCode::FORBIDDEN,
            header: ("content-type", "text/xml"),
            body: "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
                   <Type>Sender</Type><Code>AuthorizationError</Code>\
                   <Message>User is not authorized to perform: SNS:Publish</Message>\
                   </Error><RequestId>1</RequestId></ErrorResponse>",
        }))
    }

    /// Lambda, whose function lets nobody invoke it.
    pub(crate) fn lambda_denied() -> Self {
        Self::always(Some(Reply {
            status: StatusCode::FORBIDDEN,
            header: ("x-amzn-errortype", "AccessDeniedException"),
            body: r#"{"Message":"User is not authorized to perform: lambda:InvokeFunction"}"#,
        }))
    }

    /// Lambda, which has no such function.
    pub(crate) fn lambda_missing() -> Self {
        Self::always(Some(Reply {
            status: StatusCode::NOT_FOUND,
            header: ("x-amzn-errortype", "ResourceNotFoundException"),
            body: r#"{"Type":"User","Message":"Function not found"}"#,
        }))
    }

    /// A service that takes every request and never answers.
    pub(crate) fn never() -> Self {
        Self::always(None)
    }

    /// Where it listens, as an endpoint of the settings.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn always(reply: Option<Reply>) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the machine has threads");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("loopback has a port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().fallback(async move || match reply {
            Some(Reply { status, header, body }) => (status, [header], body),
            None => std::future::pending().await,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("the listener works"),
                    // An error says that the service was dropped without a word: the same.
                    _ = stopped => {}
                }
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the service does not panic");
        }
    }
}
