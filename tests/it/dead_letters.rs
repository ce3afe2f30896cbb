//! What a destination will not take is kept, and an operator sees it, has it sent again, or
//! removes it.

use std::{collections::BTreeSet, net::TcpListener, process::Stdio, thread};

use serde_json::Value;

use crate::harness::{
    Daemon, FANFARE, Home, Process, SOON, Script, Sink, arrived, ask, lines, minio, rule, rules,
    until,
};

const THUMBS: &str = "arn:aws:sqs:us-east-1:123456789012:thumbs";
const AUDIT: &str = "arn:aws:sqs:us-east-1:123456789012:audit";

/// A home with a rule for each of two queues, one of which takes nothing whose key has "bad".
fn home_with(sink: &Sink) -> Home {
    sink.one("thumbs", Script::poisoned(|body| body.contains("bad")));
    let home = Home::sending_to(sink);
    let both = [
        rule("thumbs", THUMBS, &["s3:ObjectCreated:*"]),
        rule("audit", AUDIT, &["s3:ObjectRemoved:*"]),
    ];
    home.document("photos", &rules(&both));
    home
}

fn put(daemon: &Daemon<'_>, keys: &[&str]) {
    for key in keys {
        daemon.accepts(&minio("ObjectCreated:Put", "photos", key));
    }
}

/// The dead letters that a command line lists as JSON.
fn listed(home: &Home, filter: &[&str]) -> Vec<Value> {
    let list = ["dead-letters", "list", "--json", "--limit", "100000"];
    let (code, said, complaint) = ask(home, &[&list, filter].concat());
    assert_eq!(code, Some(0), "{complaint}");
    said.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[track_caller]
fn until_dead(home: &Home, count: usize) -> Vec<Value> {
    until("they are dead letters", SOON, || {
        let letters = listed(home, &[]);
        (letters.len() >= count).then_some(letters)
    })
}

/// What became of a destination's events, once nothing is pending: accepted, delivered, dead and
/// discarded.
#[track_caller]
pub(crate) fn settled(daemon: &Daemon<'_>, arn: &str) -> [u64; 4] {
    until("nothing is pending", SOON, || {
        let answer = daemon.ask("destinations").json();
        let all = answer["destinations"].as_array().expect("it is a list");
        let books = &all.iter().find(|one| one["destination"] == arn)?["books"];
        let count = |name: &str| books[name].as_u64().expect("it is a count");
        let [accepted, delivered, dead, discarded] =
            ["accepted", "delivered", "dead", "discarded"].map(count);
        let sum = delivered + dead + discarded + count("lost") + count("pending");
        assert_eq!(accepted, sum, "the books balance: {books}");
        (count("pending") == 0).then_some([accepted, delivered, dead, discarded])
    })
}

#[test]
fn a_refused_message_is_seen_and_arrives_once_the_queue_takes_it() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    let (code, said, _) = ask(&home, &["dead-letters", "list"]);
    assert_eq!((code, said.as_str()), (Some(0), "no dead letters\n"));

    put(&daemon, &["good-1", "bad-1", "good-2", "dir/bad-2"]);
    let letters = until_dead(&home, 2);
    assert_eq!(settled(&daemon, THUMBS), [4, 2, 2, 0]);
    let (_, table, _) = ask(&home, &["dead-letters", "list"]);
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[1].starts_with(&format!("{THUMBS}#")), "{table}");
    assert!(rows[1].contains("  ObjectCreated:Put  photos/bad-1"), "{table}");
    assert!(rows[1].contains("  InvalidMessageContents  1"), "{table}");

    let id = letters[1]["id"].as_str().expect("it has an id");
    let (code, shown, _) = ask(&home, &["dead-letters", "show", id]);
    assert_eq!(code, Some(0));
    for line in [
        format!("id            {id}"),
        "event         ObjectCreated:Put".to_owned(),
        "key           dir/bad-2".to_owned(),
        "rule          thumbs".to_owned(),
        format!("destination   {THUMBS}"),
        "class         poison".to_owned(),
        "code          InvalidMessageContents".to_owned(),
        "message       the script says so".to_owned(),
        "attempts      1".to_owned(),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let payload: Value = serde_json::from_str(shown.lines().last().expect("there is a payload"))
        .expect("the payload is what was sent");
    assert_eq!(payload["Records"][0]["s3"]["object"]["key"], "dir/bad-2");

    // While the queue still refuses it, it only comes back, and the redrive ends all the same.
    let (code, said, complaint) = ask(&home, &["dead-letters", "redrive", id]);
    assert_eq!((code, said.as_str()), (Some(0), "1 dead letter redriven\n"), "{complaint}");
    assert_eq!(settled(&daemon, THUMBS), [4, 2, 2, 0]);

    sink.one("thumbs", Script::default());
    let (code, said, complaint) = ask(&home, &["dead-letters", "redrive", "--bucket", "photos"]);
    assert_eq!((code, said.as_str()), (Some(0), "2 dead letters redriven\n"), "{complaint}");
    assert_eq!(settled(&daemon, THUMBS), [4, 4, 0, 0]);
    let keys = ["good-1", "bad-1", "good-2", "dir/bad-2"].map(str::to_owned);
    assert_eq!((arrived(&sink), sink.count()), (BTreeSet::from(keys), 4));
    assert_eq!(listed(&home, &[]), Vec::<Value>::new());
    let (code, _, complaint) = ask(&home, &["dead-letters", "show", id]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("there is no dead letter `"), "{complaint}");
}

#[test]
fn dead_letters_are_chosen_by_what_is_known_of_them_and_removed() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    sink.one("audit", Script::poisoned(|_| true));
    let daemon = home.start();
    put(&daemon, &["a/bad-1", "a/bad-2", "b/bad-3"]);
    daemon.accepts(&minio("ObjectRemoved:Delete", "photos", "a/gone"));
    until_dead(&home, 4);
    for (filter, count) in [
        (&["--destination", THUMBS][..], 3),
        (&["--destination", "arn:aws:sqs:*:audit"], 1),
        (&["--prefix", "a/"], 3),
        (&["--prefix", "a/", "--destination", "*thumbs"], 2),
        (&["--bucket", "photos", "--code", "InvalidMessageContents"], 4),
        (&["--bucket", "music"], 0),
        (&["--code", "TooOld"], 0),
        (&["--since", "1h"], 4),
        (&["--until", "1h ago"], 0),
    ] {
        assert_eq!(listed(&home, filter).len(), count, "{filter:?}");
    }

    let chosen = ["dead-letters", "purge", "--prefix", "a/", "--destination", THUMBS];
    let (code, said, complaint) = ask(&home, &chosen);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.contains("would remove 2 dead letters for good; say `--yes`"), "{complaint}");
    let (code, said, _) = ask(&home, &[&chosen[..], &["--dry-run"]].concat());
    assert_eq!((code, said.as_str()), (Some(0), "2 dead letters would be purged\n"));
    assert_eq!(listed(&home, &[]).len(), 4);
    let (code, said, _) = ask(&home, &[&chosen[..], &["--yes"]].concat());
    assert_eq!((code, said.as_str()), (Some(0), "2 dead letters purged\n"));
    assert_eq!(settled(&daemon, THUMBS), [3, 0, 1, 2]);

    let left = listed(&home, &["--destination", THUMBS]);
    let id = left[0]["id"].as_str().expect("it has an id");
    let (code, said, _) = ask(&home, &["dead-letters", "purge", id, "x#9"]);
    let told = "1 dead letter purged\n1 of the 2 named are not there\n";
    assert_eq!((code, said.as_str()), (Some(1), told));
    assert_eq!(settled(&daemon, THUMBS), [3, 0, 0, 3]);
    assert_eq!(settled(&daemon, AUDIT), [1, 0, 1, 0]);

    daemon.stop();
    let daemon = home.start();
    assert_eq!(listed(&home, &[]).len(), 1, "a restart changes nothing");
    assert_eq!(settled(&daemon, THUMBS), [3, 0, 0, 3]);
}

const MANY: usize = 2000;
const GOOD: usize = 500;

#[test]
#[expect(clippy::print_stderr, reason = "the counts are what the test is about")]
fn a_redrive_may_be_killed_at_any_moment() {
    let sink = Sink::bind(0).expect("loopback has a port");
    let home = home_with(&sink);
    let daemon = home.start();
    // A queue that takes nothing at all is broken, and what is for it waits.
    let kind = |n: usize| if n.is_multiple_of(5) { "good" } else { "bad" };
    let keys: Vec<_> = (0..MANY + GOOD).map(|n| format!("{}-{n}", kind(n))).collect();
    for keys in keys.chunks(100) {
        let bodies = keys.iter().map(|key| minio("ObjectCreated:Put", "photos", key));
        assert_eq!(daemon.post_lines(&lines(bodies)).status, 200);
    }
    assert_eq!(settled(&daemon, THUMBS), [2500, 500, 2000, 0]);
    sink.one("thumbs", Script::default());

    let after = fastrand::usize(1..MANY / 2);
    let redrive = ["dead-letters", "redrive", "--destination", THUMBS, "--rate", "400"];
    let (code, said, _) = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&home, &redrive));
        until("the redrive has begun", SOON, || (sink.count() >= GOOD + after).then_some(()));
        daemon.signal("KILL");
        asking.join().expect("the command does not panic")
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("stopped: ") && said.contains(" of 2000 dead letters"), "{said}");
    daemon.ended(SOON);

    let daemon = home.start();
    let [accepted, delivered, dead, discarded] = settled(&daemon, THUMBS);
    assert_eq!((accepted, delivered + dead, discarded), (2500, 2500, 0));
    assert_eq!(listed(&home, &[]).len() as u64, dead);
    let again = ["dead-letters", "redrive", "--destination", "*", "--rate", "10000"];
    let (code, said, complaint) = ask(&home, &again);
    assert_eq!((code, said), (Some(0), format!("{dead} dead letters redriven\n")), "{complaint}");
    assert_eq!(settled(&daemon, THUMBS), [2500, 2500, 0, 0]);
    assert_eq!(arrived(&sink), keys.into_iter().collect::<BTreeSet<_>>());
    let twice = sink.count() - MANY - GOOD;
    eprintln!("killed after {after} of {MANY}: {dead} were still dead, {twice} arrived twice");
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_daemon_that_hangs() {
    let home = Home::without_aws();
    let hanging = TcpListener::bind(home.address("admin")).expect("it is free");
    let redriving = Process::start(FANFARE, |command| {
        let to = home.url("admin");
        command.args(["dead-letters", "redrive", "--bucket", "photos", "--admin", &to]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
    });
    let _asked = hanging.accept().expect("it asks");
    redriving.signal("INT");
    // A signal that is sent before the last one was taken is no second one.
    let mut redriving = Some(redriving);
    let ended = until("it ends", SOON, || {
        let mut asking = redriving.take()?;
        if asking.is_running() {
            asking.signal("INT");
            redriving = Some(asking);
            return None;
        }
        Some(asking.wait(SOON))
    });
    assert_eq!(ended.code(), Some(1));
}
