//! A service that says the same to every request, or nothing at all.

use axum::{Router, http::StatusCode};

use super::service::Service;

/// A listening service; it refuses connections as soon as it is dropped.
#[derive(Debug)]
pub(crate) struct Replies(Service);

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
        self.0.url()
    }

    fn always(reply: Option<Reply>) -> Self {
        let router = Router::new().fallback(async move || match reply {
            Some(Reply { status, header, body }) => (status, [header], body),
            None => std::future::pending().await,
        });
        Self(Service::start(0, router).expect("loopback has a port"))
    }
}
