//! `/tail`: what happens to events now, a line of JSON each, without an end.
//!
//! A reader that does not keep up is told how many lines it missed. A line that is blank says that
//! nothing happened and that the connection is alive.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use serde_json::json;
use tokio::time::sleep;

use super::{Refusal, parameters::Parameters, routes::Route, server::Sources};
use crate::{
    serve::Endless,
    stop::Stop,
    tail::{Filter, Seen, Watcher},
};

/// How long the line may be silent: less than what stands between a client and a server waits.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Lines that go out together have so many bytes or a little more.
const CHUNK_BYTES: usize = 16 << 10;

const KNOWN: [&str; 3] = ["bucket", "prefix", "destination"];

pub(super) fn routes() -> Vec<Route> {
    vec![("/tail", get(tail))]
}

async fn tail(
    State(sources): State<Arc<Sources>>,
    Extension(stop): Extension<Stop>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut given = Parameters::read(&query.unwrap_or_default(), &KNOWN)?;
    let filter = Filter {
        bucket: given.value("bucket")?,
        prefix: given.text("prefix"),
        destination: given.text("destination"),
    };
    let watcher = sources.hub.watch(filter).map_err(|cause| Refusal::failed(&cause))?;
    let lines = stream::unfold((watcher, stop), |(mut watcher, stop)| async {
        let chunk = next_chunk(&mut watcher, &stop).await?;
        Some((Ok::<_, Infallible>(chunk), (watcher, stop)))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Extension(Endless), Body::from_stream(lines)).into_response())
}

/// What there is to say next; none at the stop.
async fn next_chunk(watcher: &mut Watcher, stop: &Stop) -> Option<Bytes> {
    let seen = tokio::select! {
        biased;
        () = stop.requested() => return None,
        seen = watcher.next() => seen,
        () = sleep(SILENCE_MAX) => return Some(Bytes::from_static(b"\n")),
    };
    let mut chunk = Vec::new();
    write_line(&seen, &mut chunk);
    while chunk.len() < CHUNK_BYTES
        && let Some(seen) = watcher.try_next()
    {
        write_line(&seen, &mut chunk);
    }
    Some(chunk.into())
}

fn write_line(seen: &Seen, chunk: &mut Vec<u8>) {
    let line = match seen {
        Seen::Sighting(sighting) => serde_json::to_string(&**sighting),
        Seen::Skipped(skipped) => serde_json::to_string(&json!({ "skipped": skipped })),
    };
    chunk.extend_from_slice(line.expect("a line has string keys only").as_bytes());
    chunk.push(b'\n');
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        stop::stopper,
        tail::{Hub, Sighting, Stage},
    };

    #[tokio::test(start_paused = true)]
    async fn a_quiet_tail_says_that_it_is_alive_and_a_stop_ends_it() {
        let hub = Hub::default();
        let mut watcher = hub.watch(Filter::default()).unwrap();
        let (stopper, stop) = stopper();
        let blank = next_chunk(&mut watcher, &stop).await;
        assert_eq!(blank.as_deref(), Some(&b"\n"[..]));
        stopper.request();
        hub.tell([Sighting::new(Timestamp::UNIX_EPOCH, Stage::Dead, None)]);
        assert_eq!(next_chunk(&mut watcher, &stop).await, None);
    }

    #[tokio::test]
    async fn what_is_there_goes_out_together_and_what_was_missed_is_said() {
        let hub = Hub::default();
        let mut watcher = hub.watch(Filter::default()).unwrap();
        let (_stopper, stop) = stopper();
        let seen = Sighting::new(Timestamp::UNIX_EPOCH, Stage::Dead, None);
        hub.tell(std::iter::repeat_n(seen, 1030));
        let (mut text, mut chunks) = (String::new(), 0);
        while !text.contains("skipped") {
            let chunk = next_chunk(&mut watcher, &stop).await.unwrap();
            text.push_str(str::from_utf8(&chunk).unwrap());
            chunks += 1;
        }
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), chunks), (1025, 3));
        assert_eq!(lines[0], r#"{"time":"1970-01-01T00:00:00Z","stage":"dead"}"#);
        assert_eq!(lines[1024], r#"{"skipped":6}"#);
    }
}
