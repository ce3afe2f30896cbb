//! Every path of the admin port, in one list. The router is made of it, and a test holds it equal
//! to `docs/openapi.yaml`, so nothing is served that is not documented.

use std::sync::Arc;

use axum::{Router, routing::MethodRouter};

use super::{buckets, dead_letters, quarantine, replays, server, server::Sources, tail};

/// A path, and what answers each of its methods.
pub(super) type Route = (&'static str, MethodRouter<Arc<Sources>>);

pub(super) fn all() -> Vec<Route> {
    let files = [
        server::routes(),
        buckets::routes(),
        dead_letters::routes(),
        quarantine::routes(),
        replays::routes(),
        tail::routes(),
    ];
    files.into_iter().flatten().collect()
}

/// Serves all of them.
pub(super) fn router() -> Router<Arc<Sources>> {
    all().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods))
}
