//! The body of a request, in memory: how much of all bodies there may be, and how long one may
//! take.
//!
//! Memory is taken as the bytes arrive, never for what a client only promises, so that clients
//! that stall hold next to nothing. A body that does not get on is given up.

use std::time::Duration;

use axum::body::{BodyDataStream, HttpBody};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

/// All bodies together hold at most this many times the limit of one.
const BODIES_MAX: usize = 4;
/// The unit of that memory.
const KIB: usize = 1024;
/// How long a body may stand still.
const STILL_MAX: Duration = Duration::from_secs(30);
/// How long a body waits for memory that others hold.
const MEMORY_WAIT_MAX: Duration = Duration::from_secs(1);
/// What is read of a body that is refused, and for how long, so that a client that sends all of
/// it before it reads gets the answer instead of a broken connection.
const DISCARD_BYTES_MAX: usize = 64 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);

/// The memory for all bodies.
#[derive(Debug)]
pub(super) struct Memory {
    body_limit: usize,
    still_max: Duration,
    wait_max: Duration,
    /// Permits of one KiB each.
    free: Semaphore,
}

/// A body and the memory that it takes up.
#[derive(Debug)]
pub(super) struct Held<'memory> {
    pub(super) bytes: Vec<u8>,
    memory: SemaphorePermit<'memory>,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than events.body_limit, {limit} bytes")]
    TooLarge { limit: usize },
    #[error("too many large requests at once; send it again")]
    NoMemory,
    #[error("the rest of the body does not come")]
    Still,
    #[error("the body could not be read")]
    Broken(#[source] axum::Error),
}

impl Memory {
    /// Memory for bodies of at most so many bytes each.
    pub(super) fn new(body_limit: usize) -> Self {
        let permits = body_limit.div_ceil(KIB).saturating_mul(BODIES_MAX);
        Self {
            body_limit,
            still_max: STILL_MAX,
            wait_max: MEMORY_WAIT_MAX,
            free: Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Reads a body whole. What is refused may be left half read.
    pub(super) async fn read(&self, body: &mut BodyDataStream) -> Result<Held<'_>, BodyError> {
        // Of `Content-Length` and `Transfer-Encoding`, hyper knows which one counts.
        let told = HttpBody::size_hint(body).exact();
        let told = told.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        self.check(told)?;
        let none = self.free.try_acquire_many(0).or(Err(BodyError::NoMemory))?;
        let mut held = Held { bytes: Vec::with_capacity(told), memory: none };
        while let Some(chunk) = self.next(body).await? {
            let bytes = held.bytes.len().saturating_add(chunk.len());
            self.check(bytes)?;
            self.hold(&mut held.memory, bytes).await?;
            held.bytes.extend_from_slice(&chunk);
        }
        Ok(held)
    }

    /// The next bytes, if any are left.
    async fn next(&self, body: &mut BodyDataStream) -> Result<Option<Bytes>, BodyError> {
        let chunk = timeout(self.still_max, body.next()).await.or(Err(BodyError::Still))?;
        chunk.transpose().map_err(BodyError::Broken)
    }

    fn check(&self, bytes: usize) -> Result<(), BodyError> {
        let limit = self.body_limit;
        if bytes > limit { Err(BodyError::TooLarge { limit }) } else { Ok(()) }
    }

    /// Takes what is missing for a body of so many bytes.
    async fn hold<'memory>(
        &'memory self,
        held: &mut SemaphorePermit<'memory>,
        bytes: usize,
    ) -> Result<(), BodyError> {
        let missing = bytes.div_ceil(KIB).saturating_sub(held.num_permits());
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let taken = timeout(self.wait_max, self.free.acquire_many(missing)).await;
        held.merge(taken.or(Err(BodyError::NoMemory))?.or(Err(BodyError::NoMemory))?);
        Ok(())
    }
}

/// Reads a part of what is left of a body that is refused.
pub(super) async fn discard(body: &mut BodyDataStream) {
    let (deadline, mut read) = (Instant::now() + DISCARD_TIME_MAX, 0);
    while read < DISCARD_BYTES_MAX
        && let Ok(Some(Ok(chunk))) = timeout_at(deadline, body.next()).await
    {
        read += chunk.len();
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::Body;
    use futures_util::{FutureExt, stream};

    use super::*;

    const LIMIT: usize = 8 * KIB;

    /// A body of these chunks, whose length nobody told.
    fn chunked(chunks: &[&'static [u8]]) -> BodyDataStream {
        let chunks: Vec<_> = chunks.iter().copied().map(Ok::<_, io::Error>).collect();
        Body::from_stream(stream::iter(chunks)).into_data_stream()
    }

    /// The same, and then nothing more, but no end either.
    fn stalling(chunks: &[&'static [u8]]) -> BodyDataStream {
        let chunks: Vec<_> = chunks.iter().copied().map(Ok::<_, io::Error>).collect();
        let stalled = stream::iter(chunks).chain(stream::pending());
        Body::from_stream(stalled).into_data_stream()
    }

    #[tokio::test]
    async fn a_body_is_read_whole_whatever_its_form() {
        let memory = Memory::new(LIMIT);
        let whole = Body::from("whole").into_data_stream();
        for mut body in [whole, chunked(&[b"wh", b"", b"ole"])] {
            assert_eq!(memory.read(&mut body).await.unwrap().bytes, b"whole");
        }
    }

    #[tokio::test]
    async fn one_byte_over_the_limit_is_too_large_told_or_not() {
        let memory = Memory::new(LIMIT);
        let told = Body::from(vec![b' '; LIMIT + 1]).into_data_stream();
        for mut body in [told, chunked(&[&[b' '; LIMIT], b" "])] {
            let refused = memory.read(&mut body).await.unwrap_err();
            assert!(matches!(refused, BodyError::TooLarge { limit: LIMIT }), "{refused}");
        }
        assert_eq!(memory.read(&mut chunked(&[&[b' '; LIMIT]])).await.unwrap().bytes.len(), LIMIT);
    }

    #[tokio::test]
    async fn bodies_that_stall_keep_nobody_else_out_and_are_given_up() {
        let memory = Memory { still_max: Duration::from_millis(50), ..Memory::new(LIMIT) };
        let mut bodies: Vec<_> = (0..20).map(|_| stalling(&[b"{\"Rec"])).collect();
        let mut reads: Vec<_> = bodies.iter_mut().map(|body| Box::pin(memory.read(body))).collect();
        for read in &mut reads {
            assert!(read.now_or_never().is_none(), "it stalls");
        }
        assert!(memory.read(&mut chunked(&[&[b' '; LIMIT]])).await.is_ok());
        for read in reads {
            assert!(matches!(read.await, Err(BodyError::Still)));
        }
    }

    #[tokio::test]
    async fn a_body_waits_a_moment_for_the_memory_of_others() {
        let memory = Memory { wait_max: Duration::from_millis(50), ..Memory::new(LIMIT) };
        let mut held = Vec::new();
        for _ in 0..BODIES_MAX {
            held.push(memory.read(&mut chunked(&[&[b' '; LIMIT]])).await.unwrap());
        }
        let refused = memory.read(&mut chunked(&[b"x"])).await.unwrap_err();
        assert!(matches!(refused, BodyError::NoMemory), "{refused}");
        let mut body = chunked(&[b"x"]);
        let mut waiting = Box::pin(memory.read(&mut body));
        assert!((&mut waiting).now_or_never().is_none());
        held.pop();
        assert_eq!(waiting.await.unwrap().bytes, b"x");
    }

    #[tokio::test]
    async fn a_body_is_discarded_to_its_end() {
        let mut body = chunked(&[b"a", b"b"]);
        discard(&mut body).await;
        assert!(body.next().await.is_none());
    }
}
