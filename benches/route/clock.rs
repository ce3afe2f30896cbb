//! Measuring on a machine that others use too.
//!
//! The processor time of this thread, in windows of a fraction of a millisecond; of some passes
//! over the same keys, each window counts with its best. A neighbour then costs a window, not the
//! figure.

use std::{hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Keys of one window.
const WINDOW: usize = 1 << 10;

/// The processor time that this thread has used.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).expect("time used is not negative");
    Duration::new(seconds, u32::try_from(now.tv_nsec).expect("less than a second"))
}

/// How long this takes, and what it makes.
pub(crate) fn time<T>(make: impl FnOnce() -> T) -> (Duration, T) {
    let begin = thread_time();
    let made = make();
    (thread_time().saturating_sub(begin), made)
}

/// Nanoseconds a query.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
pub(crate) fn nanoseconds<Q>(
    queries: &[Q],
    passes: usize,
    mut ask: impl FnMut(&Q) -> usize,
) -> f64 {
    let mut best = vec![Duration::MAX; queries.len().div_ceil(WINDOW)];
    for _ in 0..passes {
        for (best, window) in best.iter_mut().zip(queries.chunks(WINDOW)) {
            let (taken, ()) = time(|| {
                for query in window {
                    black_box(ask(black_box(query)));
                }
            });
            *best = taken.min(*best);
        }
    }
    best.iter().sum::<Duration>().as_secs_f64() * 1e9 / queries.len() as f64
}
