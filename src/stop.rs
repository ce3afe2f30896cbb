//! The two moments of a shutdown.
//!
//! *Requested*: take nothing new, finish the attempt on the wire, start no wait. *Expired*, after
//! the grace: let go of the wire too. Nothing needs draining: what is not acknowledged is in the
//! journal. There is no third moment.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Running,
    Requested,
    Expired,
}

/// The owner's end: says when.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Moment>);

/// A stage's end: hears when. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Moment>);

/// Makes the two ends. A dropped [`Stopper`] is an expired stop.
pub fn stopper() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Moment::Running);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Take nothing new.
    pub fn request(&self) {
        self.0.send_replace(Moment::Requested);
    }

    /// Let go of everything.
    pub fn expire(&self) {
        self.0.send_replace(Moment::Expired);
    }
}

impl Stop {
    /// Waits for the first moment. Cancel-safe.
    pub async fn requested(&self) {
        self.reached(Moment::Requested).await;
    }

    /// Waits for the second moment. Cancel-safe.
    pub async fn expired(&self) {
        self.reached(Moment::Expired).await;
    }

    async fn reached(&self, wanted: Moment) {
        let mut moments = self.0.clone();
        // An error means that the stopper is gone, which is a stop too.
        drop(moments.wait_for(|moment| *moment >= wanted).await);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_second_moment_implies_the_first() {
        let (stopper, stop) = stopper();
        assert!(stop.requested().now_or_never().is_none());
        stopper.request();
        stop.requested().await;
        assert!(stop.expired().now_or_never().is_none());
        stopper.expire();
        stop.expired().await;
        stop.requested().await;
    }

    #[tokio::test]
    async fn a_stopper_that_is_gone_stops_everything() {
        let (stopper, stop) = stopper();
        drop(stopper);
        stop.expired().await;
    }
}
