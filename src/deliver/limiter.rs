//! How many requests a lane may have on the wire.
//!
//! Additive increase, multiplicative decrease, as in TCP: a lane begins with a few requests, doubles
//! them once a round trip until the first congestion, and adds one a round trip from then on, while
//! it has more to send than it may. A throttle halves the limit; a round trip clearly longer than
//! usual, or a failure of the service, takes a tenth of it.

use std::time::Duration;

use tokio::time::Instant;

/// The first limit: enough for bursts, not enough to hurt.
const FIRST: usize = 4;

/// The weight of the newest round trip in the moving average.
const WEIGHT: f64 = 0.4;

/// So many standard deviations above the average are congestion.
const DEVIATIONS: f64 = 2.5;

/// Seconds above the average that are noise of a machine, and no congestion of a service.
const NOISE: f64 = 0.010;

/// Seconds above the average up to which the limit still grows.
const STILL: f64 = 0.002;

/// The shortest time over which round trips are averaged and the limit changes.
const WINDOW_MIN: Duration = Duration::from_millis(20);

/// The limit of one lane. Pure: the time is an argument.
#[derive(Debug)]
pub(super) struct Limiter {
    min: usize,
    max: usize,
    limit: usize,
    growth: Growth,
    epoch: Epoch,
    window: Option<Window>,
    usual: Option<Average>,
}

/// When a request was started, in reductions until then. A failure says something new only if its
/// request was started after the last one: 64 requests that are throttled together are one throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Double,
    One,
}

/// The round trips since the limit was last looked at.
#[derive(Debug)]
struct Window {
    began: Instant,
    sum: Duration,
    answers: u32,
    demand: Demand,
}

/// How much there is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    WithinLimit,
    /// The limit keeps something back.
    AboveLimit,
}

/// The moving average of the windows' means and its variance, in seconds.
#[derive(Clone, Copy, Debug)]
struct Average {
    mean: f64,
    variance: f64,
}

impl Limiter {
    /// A limit between these bounds.
    pub(super) fn new(min: usize, max: usize) -> Self {
        let min = min.min(max);
        Self {
            min,
            max,
            limit: FIRST.clamp(min, max),
            growth: Growth::Double,
            epoch: Epoch(0),
            window: None,
            usual: None,
        }
    }

    /// How many requests may be on the wire.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// What a request that is started now has to bring back.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// More could be sent than the limit allows.
    pub(super) fn reached(&mut self, now: Instant) {
        self.window(now).demand = Demand::AboveLimit;
    }

    /// A request was answered after this time, in which it did not wait for us.
    pub(super) fn answered(&mut self, round_trip: Duration, now: Instant) {
        let window = self.window(now);
        window.sum += round_trip;
        window.answers += 1;
        let mean = window.sum / window.answers;
        if now.duration_since(window.began) < mean.max(WINDOW_MIN) {
            return;
        }
        let demand = window.demand;
        self.window = None;
        self.look(mean.as_secs_f64(), demand);
    }

    fn window(&mut self, now: Instant) -> &mut Window {
        let demand = Demand::WithinLimit;
        let empty = || Window { began: now, sum: Duration::ZERO, answers: 0, demand };
        self.window.get_or_insert_with(empty)
    }

    fn look(&mut self, mean: f64, demand: Demand) {
        let usual = self.usual.unwrap_or(Average { mean, variance: 0.0 });
        let above = mean - usual.mean;
        if above > NOISE.max(DEVIATIONS * usual.variance.sqrt()) {
            self.reduce_to(self.limit * 9 / 10);
        } else if demand == Demand::AboveLimit && above <= STILL {
            self.grow();
        }
        self.usual = Some(usual.with(mean));
    }

    fn grow(&mut self) {
        let grown = match self.growth {
            Growth::Double => self.limit.saturating_mul(2),
            Growth::One => self.limit.saturating_add(1),
        };
        self.limit = grown.min(self.max);
    }

    /// The destination said that it is too much.
    pub(super) fn throttled(&mut self, started: Epoch) {
        if started == self.epoch {
            self.reduce_to(self.limit / 2);
        }
    }

    /// The destination failed, which may be because it is too much.
    pub(super) fn failed(&mut self, started: Epoch) {
        if started == self.epoch {
            self.reduce_to(self.limit * 9 / 10);
        }
    }

    /// The destination was away: it is met as a new one, and what was usual holds no more.
    pub(super) fn restart(&mut self) {
        self.reduce_to(FIRST);
        self.growth = Growth::Double;
        (self.window, self.usual) = (None, None);
    }

    fn reduce_to(&mut self, limit: usize) {
        self.limit = limit.clamp(self.min, self.max);
        self.growth = Growth::One;
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
    }
}

impl Average {
    fn with(self, mean: f64) -> Self {
        let difference = mean - self.mean;
        let step = WEIGHT * difference;
        let variance = (1.0 - WEIGHT) * (self.variance + difference * step);
        Self { mean: self.mean + step, variance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A destination and a lane that always has more to send.
    struct Busy {
        limiter: Limiter,
        now: Instant,
    }

    impl Busy {
        fn new(max: usize) -> Self {
            Self { limiter: Limiter::new(1, max), now: Instant::now() }
        }

        /// Every request on the wire takes so long.
        fn round_trips(&mut self, count: usize, each: Duration) -> usize {
            for _ in 0..count {
                self.limiter.reached(self.now);
                self.now += each;
                for _ in 0..self.limiter.limit() {
                    self.limiter.answered(each, self.now);
                }
            }
            self.limiter.limit()
        }
    }

    #[test]
    fn sixty_four_requests_are_reached_after_four_round_trips_of_20_ms() {
        let mut busy = Busy::new(64);
        assert_eq!(busy.round_trips(4, 20 * MILLISECOND), 64);
    }

    #[test]
    fn nothing_grows_while_there_is_no_more_to_send() {
        let (mut limiter, now) = (Limiter::new(1, 64), Instant::now());
        for n in 0..100 {
            limiter.answered(MILLISECOND, now + n * 10 * MILLISECOND);
        }
        assert_eq!(limiter.limit(), FIRST);
    }

    #[test]
    fn requests_that_are_throttled_together_halve_the_limit_once() {
        let mut busy = Busy::new(64);
        busy.round_trips(4, 20 * MILLISECOND);
        let started = busy.limiter.epoch();
        busy.limiter.throttled(started);
        busy.limiter.throttled(started);
        assert_eq!(busy.limiter.limit(), 32);
        assert_eq!(busy.round_trips(3, 20 * MILLISECOND), 35, "one a round trip from now on");
    }

    #[test]
    fn the_limit_never_leaves_its_bounds() {
        let mut limiter = Limiter::new(3, 8);
        for _ in 0..10 {
            limiter.throttled(limiter.epoch());
        }
        assert_eq!(limiter.limit(), 3);
        assert_eq!(Busy::new(10).round_trips(50, 20 * MILLISECOND), 10);
        assert_eq!(Limiter::new(9, 2).limit(), 2);
    }

    #[test]
    fn a_round_trip_clearly_longer_than_usual_takes_a_tenth() {
        let mut busy = Busy::new(64);
        busy.round_trips(20, 20 * MILLISECOND);
        // The first window is half of the time before.
        assert_eq!(busy.round_trips(2, 40 * MILLISECOND), 57);
    }

    /// A machine that is busy with something else answers a local request in 1 to 9 ms.
    #[test]
    fn the_noise_of_a_local_machine_costs_nothing() {
        let mut busy = Busy::new(64);
        for n in 0..500_u32 {
            busy.round_trips(1, (1 + n * 7 % 9) * MILLISECOND);
        }
        assert_eq!(busy.limiter.limit(), 64);
    }

    #[test]
    fn a_destination_that_was_away_is_met_as_a_new_one() {
        let mut busy = Busy::new(64);
        busy.round_trips(4, 20 * MILLISECOND);
        busy.limiter.restart();
        assert_eq!(busy.limiter.limit(), FIRST);
        assert_eq!(busy.round_trips(4, 80 * MILLISECOND), 64);
    }
}
