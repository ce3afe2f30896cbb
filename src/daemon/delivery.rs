//! What reaches the destinations: a lane's publisher, and the S3 API's question whether one is there.

use jiff::Timestamp;
use tracing::warn;

use crate::{
    config, control, deliver, journal,
    model::{Destination, Service},
    payload::{Form, Renderer},
    publish::{self, Aws, Publisher, Traced},
    route, trace,
};

pub(super) fn lanes(
    (aws, spans): (Aws, trace::Spans),
    renderer: Renderer,
    journal: journal::Journal,
    destinations: config::Destinations,
    routes: route::Shared,
) -> deliver::Lanes<impl Fn(&Destination) -> deliver::Connection<Traced<Publisher>> + Send + use<>>
{
    let connect = move |destination: &Destination| {
        let form = match destination.service() {
            Service::Sqs | Service::Sns | Service::Lambda => Form::S3Event,
            Service::EventBridge => Form::EventBridge,
        };
        let publisher = aws.publisher(destination, &destinations.publish(destination));
        let publisher = Traced::new(publisher, destination, spans.clone());
        deliver::Connection { publisher, form, config: destinations.deliver(destination) }
    };
    deliver::Lanes::new(journal, renderer, connect, still_wanted(routes))
}

/// Whether the rules in force still ask for an event that waits. Of a bucket whose document was
/// never readable nobody can say, so what it once asked for stays.
pub(super) fn still_wanted(routes: route::Shared) -> deliver::StillWanted {
    deliver::StillWanted::new(move |event, rule, destination| {
        match routes.reader().bucket(&event.bucket) {
            Some(route::Standing::Rules(bucket)) => bucket.names(rule, destination),
            Some(route::Standing::Undecided) => true,
            None => false,
        }
    })
}

/// How the S3 API asks a destination whether it would take events.
pub(super) fn probe(
    aws: Aws,
    renderer: Renderer,
    destinations: config::Destinations,
) -> control::Probe {
    control::Probe::new(move |destination, event| {
        let (aws, renderer) = (aws.clone(), renderer.clone());
        let settings = destinations.publish(&destination);
        async move {
            let control::TestEvent { bucket, request_id, host_id } = &*event;
            let test = renderer.test_event(bucket, Timestamp::now(), request_id, host_id);
            aws.probe(&destination, &settings, &test).await.map_err(|unfit| {
                warn!(%bucket, %destination, request_id, cause = %unfit, "a destination is unfit for a new configuration");
                match unfit {
                    publish::Unfit::Missing(_) => control::Unfit::Missing,
                    publish::Unfit::Forbidden(_) => control::Unfit::Forbidden,
                    publish::Unfit::Unanswered(cause) => {
                        control::Unfit::Unanswered(cause.to_string())
                    }
                }
            })
        }
    })
}
