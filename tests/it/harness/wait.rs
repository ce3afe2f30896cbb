//! Waiting: for a condition, with a deadline, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Long enough for anything that should happen at once, on a machine that is busy with a build.
pub(crate) const SOON: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks until there is an answer, and fails the test when there is none by the deadline.
#[track_caller]
pub(crate) fn until<T>(
    what: &str,
    deadline: Duration,
    mut attempt: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = attempt() {
            return answer;
        }
        assert!(start.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that polls another process")]
fn pause() {
    thread::sleep(PAUSE);
}
