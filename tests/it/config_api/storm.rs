//! Of every bucket, what is stored is a document that was sent, whole, and none that a later
//! acknowledged one had replaced; however often the daemon is killed in the middle.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Client, QUEUE, Request, SKIP, files_in, with_keys};
use crate::harness::{Daemon, Home, SOON, check, until};

const KILLS: usize = 20;
/// One of them has two writers.
const BUCKETS: [&str; 4] = ["photos", "photos", "videos", "logs"];
/// Large enough that it is not written at once.
const RULES: usize = 40;

/// One PUT: the clock's reading when it was sent and when it was acknowledged, if it was.
#[derive(Clone, Debug)]
struct Put {
    bucket: &'static str,
    id: String,
    sent: u64,
    acknowledged: Option<u64>,
}

/// What all writers share: a clock that only counts, and what they have sent in this life.
#[derive(Default)]
struct Storm {
    clock: AtomicU64,
    puts: Mutex<Vec<Put>>,
    ended: AtomicBool,
}

impl Storm {
    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn puts(&self) -> Vec<Put> {
        self.puts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn acknowledged(&self) -> usize {
        self.puts().iter().filter(|put| put.acknowledged.is_some()).count()
    }

    /// Puts one document after another until the daemon is gone.
    fn write(&self, client: &mut Client, bucket: &'static str, writer: usize) {
        let path = format!("/{bucket}");
        while !self.ended.load(Ordering::SeqCst) {
            let sent = self.now();
            let id = format!("{writer}-{sent}");
            let body = document(&id);
            let request =
                Request { path: &path, headers: &[SKIP], body: &body, ..Request::default() };
            let answer = client.try_send(&request);
            let acknowledged = answer.is_ok_and(|answer| answer.status == 200).then(|| self.now());
            let put = Put { bucket, id, sent, acknowledged };
            self.puts.lock().unwrap_or_else(PoisonError::into_inner).push(put);
        }
    }
}

/// A document all of whose rules carry this id.
fn document(id: &str) -> String {
    let rule = |n| {
        format!(
            "<QueueConfiguration><Id>{id}-{n}</Id><Filter><S3Key><FilterRule><Name>Prefix</Name>\
             <Value>{n}/{}</Value></FilterRule></S3Key></Filter><Queue>{QUEUE}</Queue>\
             <Event>s3:ObjectCreated:*</Event></QueueConfiguration>",
            id.repeat(40)
        )
    };
    format!("<a>{}</a>", (0..RULES).map(rule).collect::<String>())
}

/// The id that all rules of the stored document carry; none for the empty one.
#[track_caller]
fn stored(client: &mut Client, bucket: &str) -> Option<String> {
    let got = client.get(bucket);
    let rules = got["QueueConfigurations"].as_array()?;
    let first = rules[0]["Id"].as_str().expect("a rule has an id");
    let id = first.strip_suffix("-0").expect("the order is kept").to_owned();
    for (n, rule) in rules.iter().enumerate() {
        assert_eq!(rule["Id"], format!("{id}-{n}"), "{bucket} is a mixture");
        let value = rule["Filter"]["Key"]["FilterRules"][0]["Value"].as_str();
        assert_eq!(value, Some(format!("{n}/{}", id.repeat(40)).as_str()));
    }
    assert_eq!(rules.len(), RULES, "{bucket} is half a document");
    Some(id)
}

/// Holds what a bucket has against what was sent to it since `before` was stored.
#[track_caller]
fn is_the_last(bucket: &str, stored: Option<&String>, before: Option<&String>, puts: &[Put]) {
    let to_bucket: Vec<_> = puts.iter().filter(|put| put.bucket == bucket).collect();
    let found = to_bucket.iter().find(|put| Some(&put.id) == stored);
    assert!(found.is_some() || stored == before, "{bucket}: nobody sent {stored:?}");
    // What was acknowledged is replaced by whatever was sent after that and acknowledged, too.
    let done = match found {
        Some(found) => found.acknowledged,
        None => Some(0),
    };
    let lost = to_bucket
        .iter()
        .find(|later| later.acknowledged.is_some() && done.is_some_and(|done| done < later.sent));
    assert!(lost.is_none(), "{bucket}: {lost:?} was acknowledged, but {stored:?} is stored");
}

/// Lets the writers write for a while, and kills the daemon under them.
fn write_and_kill(daemon: &Daemon<'_>, storm: &Storm, clients: &mut [Client]) {
    thread::scope(|scope| {
        for ((writer, bucket), client) in BUCKETS.into_iter().enumerate().zip(clients) {
            scope.spawn(move || storm.write(client, bucket, writer));
        }
        let some = fastrand::usize(1..20);
        until("some are acknowledged", SOON, || (storm.acknowledged() >= some).then_some(()));
        let (start, after) = (Instant::now(), Duration::from_micros(fastrand::u64(0..20_000)));
        until("the moment of the kill", SOON, || (start.elapsed() >= after).then_some(()));
        daemon.signal("KILL");
        storm.ended.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_kill_leaves_the_old_document_or_the_new_one() {
    let home = with_keys(Home::without_aws());
    let mut clients: Vec<_> = BUCKETS.iter().map(|_| Client::of(&home)).collect();
    let mut before = [None, None, None];
    let mut acknowledged = 0;
    for _ in 0..KILLS {
        let daemon = home.start();
        // 0 is before everything.
        let storm = Storm { clock: AtomicU64::new(1), ..Storm::default() };
        write_and_kill(&daemon, &storm, &mut clients);
        daemon.ended(SOON);
        acknowledged += storm.acknowledged();

        let _daemon = home.start();
        for (bucket, before) in ["photos", "videos", "logs"].into_iter().zip(&mut before) {
            let now = stored(&mut clients[0], bucket);
            is_the_last(bucket, now.as_ref(), before.as_ref(), &storm.puts());
            *before = now;
        }
    }
    assert!(acknowledged > KILLS, "the storm was real");

    // What the kills left lying about harms nobody.
    let daemon = home.start();
    assert_eq!(daemon.readyz().status, 200, "{}", daemon.readyz().text);
    let (code, printed) = check(&home, &[]);
    assert_eq!(code, Some(0), "{printed}");
    for bucket in ["photos", "videos", "logs"] {
        let path = format!("/{bucket}");
        let body = document("calm");
        let put = Request { path: &path, headers: &[SKIP], body: &body, ..Request::default() };
        clients[0].send(&put).accepted();
        assert_eq!(stored(&mut clients[0], bucket).as_deref(), Some("calm"));
    }
    assert_eq!(files_in(&home), ["logs.json", "photos.json", "videos.json"]);
}
