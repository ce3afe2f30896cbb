//! Stores, a daemon, and one destination of each service, all judged at the end.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    io::{self, Write as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    aws::Endpoint,
    harness::{Daemon, Home, free_port, until},
    oracle::{Audience, BUCKET, Counts, Stores, document},
};

/// Long enough to drain what a test has posted, on a machine that is busy with a build.
const DRAINED: Duration = Duration::from_mins(1);
/// As many stores post at once.
const STORES: u64 = 4;

/// One daemon's whole life, with everything around it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) home: Home,
    pub(super) aws: Endpoint<Audience>,
    pub(super) stores: Stores,
    counts: Cell<Counts>,
    /// Events that a fault destroyed on the disk, and that fanfare has put aside where they can be seen.
    pub(super) aside: BTreeSet<u64>,
}

impl Scene {
    /// Everything is well, and nothing runs.
    pub(super) fn new() -> Self {
        let aws = Endpoint::bind(free_port()).expect("the port is ours");
        let home = Home::without_aws()
            .set("aws", "endpoint_url", aws.url())
            .set("rules", "overlap", "allow")
            .set("aws", "attempt_timeout", "700ms")
            .set("deliver", "probe_interval", "100ms")
            .set("journal", "segment_size", "64KiB")
            .set("journal", "checkpoint_interval", "50ms");
        home.document(BUCKET, &document());
        let stores = Stores::new(home.address("events"), STORES, Duration::ZERO);
        Self { home, aws, stores, counts: Cell::default(), aside: BTreeSet::new() }
    }

    /// Changes a setting.
    pub(super) fn set(mut self, section: &str, key: &str, value: impl Into<toml::Value>) -> Self {
        self.home = self.home.set(section, key, value);
        self
    }

    /// Starts the daemon and waits until it is ready.
    #[track_caller]
    pub(super) fn start(&self) -> Daemon<'_> {
        self.count(Counts { runs: 1, ..Counts::ZERO });
        self.home.start()
    }

    /// Starts the daemon with more in its environment, and does not wait for it.
    pub(super) fn start_with(&self, environment: &[(&str, &str)]) -> Daemon<'_> {
        self.count(Counts { runs: 1, ..Counts::ZERO });
        self.home.start_with(environment)
    }

    /// A life under load, in which `fault` happens. The load ends after the fault.
    pub(super) fn live(&self, fault: impl FnOnce(&Self, &Daemon<'_>)) {
        self.count_fault();
        let daemon = self.start();
        self.under_load(|| fault(self, &daemon));
        daemon.stop();
    }

    /// Does something while all stores post.
    pub(super) fn under_load<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let stores = &self.stores;
            scope.spawn(|| stores.post_until(&ended));
            let _end = EndOnDrop(&ended);
            meanwhile()
        })
    }

    /// Waits until so many more events were taken.
    #[track_caller]
    pub(super) fn take_more(&self, events: usize) {
        let enough = self.stores.accepted() + events;
        until("more events are taken", DRAINED, || {
            (self.stores.accepted() >= enough).then_some(())
        });
    }

    /// Counts something done to the daemon.
    pub(super) fn count_fault(&self) {
        self.count(Counts { faults: 1, ..Counts::ZERO });
    }

    fn count(&self, more: Counts) {
        let mut counts = self.counts.get();
        counts += more;
        self.counts.set(counts);
    }

    /// All is well again: takes fresh events, waits until nothing is pending, and judges. Answers
    /// the scene for a closer look.
    #[track_caller]
    pub(super) fn ends_well(self, faults: &str) -> Self {
        self.aws.listen().expect("the port is ours");
        self.aws.heal();
        let daemon = self.start();
        let before = self.stores.accepted();
        self.stores.post_each(3);
        let fresh = self.stores.accepted() - before;
        assert_eq!(fresh as u64, 3 * STORES, "it takes events again");
        self.judge(&daemon);
        daemon.stop();
        self.print(faults);
        self
    }

    /// What was counted until now.
    pub(super) fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// Waits until everything that is owed has come, which is also how progress is shown; then
    /// judges each destination.
    #[track_caller]
    fn judge(&self, daemon: &Daemon<'_>) {
        drains(daemon);
        let told = self.stores.told();
        assert!(!told.accepted.is_empty(), "the load was real");
        self.count(Counts { events: told.accepted.len() as u64, ..Counts::ZERO });
        let dead = dead_letters(daemon);
        let count = dead.values().map(|numbers| numbers.len() as u64).sum();
        self.count(Counts { dead: count, ..Counts::ZERO });
        let judged = self.aws.look(|audience| {
            audience.judge(&told, |arn| &self.aside | dead.get(arn).unwrap_or(&BTreeSet::new()))
        });
        match judged {
            Ok(counts) => self.count(counts),
            Err(wrong) => panic!("{wrong}"),
        }
    }

    fn print(&self, faults: &str) {
        static ALL: Mutex<Counts> = Mutex::new(Counts::ZERO);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        *all += self.counts.get();
        let line = format!("\nfaults: {faults}: {}\nfaults: so far: {all}\n", self.counts.get());
        io::stderr().write_all(line.as_bytes()).expect("stderr takes a line");
    }
}

/// The events of all dead letters, by the ARN of their destination; each is checked to hold what
/// was posted.
#[track_caller]
fn dead_letters(daemon: &Daemon<'_>) -> BTreeMap<String, BTreeSet<u64>> {
    let mut dead = BTreeMap::<_, BTreeSet<_>>::new();
    let mut next = Some("dead-letters?limit=1000".to_owned());
    while let Some(path) = next {
        let page = daemon.ask(&path).json();
        for letter in page["dead_letters"].as_array().expect("a page is a list") {
            let text = |name: &str| letter[name].as_str().expect("it is a text");
            let letter = daemon.ask(&format!("dead-letters/{}", encoded(text("id")))).json();
            let payload = letter["payload"]["body"].as_str().expect("it was sent");
            let number = Audience::read(text("destination"), payload);
            let number = number.unwrap_or_else(|| panic!("not what was posted: {payload}"));
            dead.entry(text("destination").to_owned()).or_default().insert(number);
        }
        let after = page["after"].as_str();
        next = after.map(|after| format!("dead-letters?limit=1000&after={}", encoded(after)));
    }
    dead
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Waits until nothing is pending.
#[track_caller]
pub(super) fn drains(daemon: &Daemon<'_>) {
    until("nothing is pending", DRAINED, || {
        (daemon.metric("fanfare_pending", &[]) < 0.5).then_some(())
    });
}

/// Says that a fault could not be made here.
pub(super) fn skipped(fault: &str, reason: &str) {
    let line = format!("\nfaults: {fault}: skipped: {reason}\n");
    io::stderr().write_all(line.as_bytes()).expect("stderr takes a line");
}

/// Ends the load also when what goes on meanwhile panics.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
