//! Who may ask: whoever has the token, or else whoever is on this machine and is no web page.
//!
//! A browser runs pages of others on this machine. One could reach a loopback port by a name of its
//! own that resolves to loopback, and read the answers as its own; or send a request without
//! reading the answer. The first has a foreign `Host`, the second an `Origin`.

use std::{io, net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::warn;

use super::{Refusal, config::Exposed};
use crate::serve::Token;

/// What a service manager or a load balancer asks, which has no token.
const FOR_ALL: [&str; 2] = ["/healthz", "/readyz"];

/// A path is logged up to so many bytes: whoever is not let in may ask for a long one.
const PATH_SHOWN_MAX: usize = 300;

/// Lets requests in.
#[derive(Debug)]
pub struct Guard(Option<Token>);

/// Why a port would have no guard.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Others reach the port, and there is no token.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// The port does not say where it is.
    #[error("cannot find out the address of listen.admin")]
    Address(#[source] io::Error),
}

/// Who is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Outsider {
    #[error("the token is missing or wrong; send `Authorization: Bearer <token>`")]
    Unauthorized,
    #[error(
        "the Host is a name, which any web page may give this machine; ask for localhost or an \
         address, or set admin.token_file"
    )]
    ForeignHost,
    #[error("a web page asks; without admin.token_file none may")]
    WebPage,
}

impl Guard {
    pub(super) fn new(token: Option<Token>) -> Self {
        Self(token)
    }

    fn check(&self, path: &str, host: Option<&str>, headers: &HeaderMap) -> Result<(), Outsider> {
        let Some(token) = &self.0 else { return check_local(host, headers) };
        let sent = headers.get(header::AUTHORIZATION);
        let is_sent = || sent.is_some_and(|authorization| token.is_in(authorization.as_bytes()));
        if FOR_ALL.contains(&path) || is_sent() { Ok(()) } else { Err(Outsider::Unauthorized) }
    }
}

/// Only HTTP/1.0 sends no `Host`, and no browser speaks that.
fn check_local(host: Option<&str>, headers: &HeaderMap) -> Result<(), Outsider> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Outsider::WebPage);
    }
    if host.is_none_or(is_local) { Ok(()) } else { Err(Outsider::ForeignHost) }
}

/// An address or `localhost`, with or without a port: nobody can give those to another machine.
fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

/// Stands before every route.
pub(super) async fn admit(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    // A header that is no text names no machine.
    let host = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    let path = request.uri().path();
    match guard.check(path, host, headers) {
        Ok(()) => next.run(request).await,
        Err(outsider) => {
            let path = path.get(..path.floor_char_boundary(PATH_SHOWN_MAX));
            warn!(path, refusal = %outsider, "admin request refused");
            refuse(outsider)
        }
    }
}

fn refuse(outsider: Outsider) -> Response {
    match outsider {
        Outsider::Unauthorized => {
            let ask = [(header::WWW_AUTHENTICATE, "Bearer")];
            (ask, Refusal::of(StatusCode::UNAUTHORIZED, &outsider)).into_response()
        }
        Outsider::ForeignHost | Outsider::WebPage => {
            Refusal::of(StatusCode::FORBIDDEN, &outsider).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn without_a_token_only_an_address_or_localhost_is_asked_for() {
        let guard = Guard(None);
        let asked = |host| guard.check("/metrics", host, &HeaderMap::new());
        for host in ["127.0.0.1:9712", "[::1]:9712", "[::1]", "localhost:9712", "LOCALHOST"] {
            assert_eq!(asked(Some(host)), Ok(()), "{host}");
        }
        assert_eq!(asked(None), Ok(()));
        for host in ["evil.example:9712", "127.0.0.1.evil.example", "localhost.evil.example", ""] {
            assert_eq!(asked(Some(host)), Err(Outsider::ForeignHost), "{host}");
        }
    }

    #[test]
    fn without_a_token_no_web_page_is_let_in() {
        let headers =
            HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static("http://localhost"))]);
        let asked = Guard(None).check("/readyz", Some("localhost"), &headers);
        assert_eq!(asked, Err(Outsider::WebPage));
    }
}
