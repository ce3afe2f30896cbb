//! The lanes together: opened, closed, and apart from each other.

use std::time::Duration;

use bytesize::ByteSize;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{sync::watch, time::timeout};

use super::{
    QUEUE, Scripted, append, denied, keys, named, open_journal, quick, record, renderer, try_append,
};
use crate::{
    deliver::{Config, Connection, Lanes, Statuses, StillWanted, WhenFull, observe},
    journal::{self, AppendError, Journal},
    model::Destination,
    payload::Form,
    stop::stopper,
};

/// Runs the lanes until the test has seen enough; it is given the destinations that rules name.
pub(super) async fn run(
    journal: &Journal,
    publisher: &Scripted,
    config: Config,
    enough: impl AsyncFnOnce(
        watch::Sender<std::collections::HashMap<std::sync::Arc<str>, Destination>>,
        Statuses,
    ),
) {
    let connect = |_: &Destination| Connection {
        publisher: publisher.clone(),
        form: Form::S3Event,
        config: config.clone(),
    };
    let still_wanted = StillWanted::new(|_, _, _| true);
    let lanes = Lanes::new(journal.clone(), renderer(), connect, still_wanted);
    let (statuses, (stopper, stop)) = (lanes.status(), stopper());
    let ((destinations, wanted), (_documents, changed)) =
        (watch::channel(named(&[])), watch::channel(()));
    let seen = async {
        enough(destinations, statuses).await;
        stopper.request();
    };
    let both = async { tokio::join!(lanes.run(wanted, changed, stop), seen) };
    timeout(Duration::from_hours(1), both).await.expect("it comes to an end").0.unwrap();
}

pub(super) async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn pending(journal: &Journal) -> u64 {
    journal.lanes().iter().map(|lane| lane.pending).sum()
}

/// The rule was put and removed again while the lanes looked elsewhere.
#[tokio::test(start_paused = true)]
async fn events_for_a_destination_that_was_named_for_a_moment_are_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, publisher) =
        (open_journal(&directory, &journal::Config::default()), Scripted::healthy());
    run(&journal, &publisher, quick(), async |_, _| {
        // After the lanes looked the first time.
        tokio::time::sleep(Duration::from_secs(1)).await;
        append(&journal, &["late"]).await;
        until(|| pending(&journal) == 0).await;
    })
    .await;
    assert_eq!(publisher.keys(), [["late"]]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_nobody_names_is_closed_when_it_is_drained_and_opened_again_for_more() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, publisher) =
        (open_journal(&directory, &journal::Config::default()), Scripted::healthy());
    run(&journal, &publisher, quick(), async |destinations, statuses| {
        destinations.send_replace(named(&[QUEUE]));
        until(|| statuses.of(QUEUE).is_some()).await;
        append(&journal, &["a"]).await;
        destinations.send_replace(named(&[]));
        until(|| statuses.all().is_empty()).await;
        assert_eq!(pending(&journal), 0);
        append(&journal, &["b"]).await;
        until(|| pending(&journal) == 0).await;
    })
    .await;
    assert_eq!(publisher.keys(), [["a"], ["b"]]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_named_stays_open_without_work() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, publisher) =
        (open_journal(&directory, &journal::Config::default()), Scripted::healthy());
    run(&journal, &publisher, quick(), async |destinations, statuses| {
        destinations.send_replace(named(&[QUEUE]));
        until(|| statuses.of(QUEUE).is_some()).await;
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert!(statuses.of(QUEUE).is_some());
    })
    .await;
}

/// The recorder forgets no gauge by itself.
#[tokio::test(start_paused = true)]
async fn the_metrics_of_a_lane_that_is_closed_say_so() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let directory = tempfile::tempdir().unwrap();
    let (journal, publisher) =
        (open_journal(&directory, &journal::Config::default()), Scripted::healthy());
    let shown = |statuses: &Statuses| {
        observe(&journal, statuses);
        recorder.handle().render()
    };
    let delivering = format!("fanfare_lane_state{{destination=\"{QUEUE}\",state=\"delivering\"}}");
    let concurrency = format!("fanfare_lane_concurrency{{destination=\"{QUEUE}\"}}");
    run(&journal, &publisher, quick(), async |destinations, statuses| {
        destinations.send_replace(named(&[QUEUE]));
        until(|| statuses.of(QUEUE).is_some_and(|lane| lane.concurrency > 0)).await;
        append(&journal, &["a"]).await;
        let open = shown(&statuses);
        assert!(open.contains(&format!("{delivering} 1")), "{open}");
        assert!(!open.contains(&format!("{concurrency} 0")), "{open}");

        destinations.send_replace(named(&[]));
        until(|| statuses.all().is_empty()).await;
        let closed = shown(&statuses);
        for line in [
            format!("{delivering} 0"),
            format!("{concurrency} 0"),
            format!("fanfare_books_delivered{{destination=\"{QUEUE}\"}} 1"),
        ] {
            assert!(closed.lines().any(|found| found == line), "{line} is not in {closed}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_a_lane_is_seen_while_it_delivers_and_falls_when_it_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, publisher) =
        (open_journal(&directory, &journal::Config::default()), Scripted::healthy());
    run(&journal, &publisher, quick(), async |destinations, statuses| {
        destinations.send_replace(named(&[QUEUE]));
        until(|| statuses.of(QUEUE).is_some()).await;
        let rate = || statuses.of(QUEUE).map(|lane| lane.rate).unwrap();
        assert!(rate() < 0.01, "{}", rate());
        append(&journal, &["a", "b", "c"]).await;
        until(|| rate() > 0.09).await;
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert!(rate() < 0.01, "{}", rate());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_journal_takes_events_again_where_the_oldest_may_die() {
    let directory = tempfile::tempdir().unwrap();
    let config = journal::Config {
        size_limit: ByteSize::kib(512),
        checkpoint_interval: Duration::from_millis(10),
        ..journal::Config::default()
    };
    let journal = open_journal(&directory, &config);
    let (publisher, _) = Scripted::down(denied());
    let config = Config { when_full: WhenFull::DeadLetterOldest, ..quick() };
    let many = || keys(100).iter().map(|key| record(key)).collect();
    while try_append(&journal, many()).await.is_ok() {}
    run(&journal, &publisher, config, async |destinations, _| {
        destinations.send_replace(named(&[QUEUE]));
        while let Err(cause) = try_append(&journal, many()).await {
            assert!(matches!(cause, AppendError::Full { .. }), "{cause}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let lane = journal.lanes().remove(0);
    assert_eq!(lane.accepted, lane.dead + lane.pending);
    assert!(lane.dead > 0 && lane.pending > lane.dead, "{lane:?}");
}
