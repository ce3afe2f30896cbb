//! Durable records a second: the journal beside a loop that writes and syncs each record.
//!
//! Both run on the same file system in the same run, so the ratio means something on any machine.
//! `cargo bench --bench journal`; without `--bench` it does one tiny pass and measures nothing.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use fanfare::journal::{Config, Journal, NewRecord, Origin, open};
use tokio::task::JoinSet;

const RECORD: usize = 1024;

/// What a run made durable, in how many syncs and how long.
struct Run {
    records: u64,
    syncs: u64,
    took: Duration,
}

impl Run {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn rate(&self) -> f64 {
        self.records as f64 / self.took.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn records_per_sync(&self) -> f64 {
        self.records as f64 / self.syncs as f64
    }
}

fn main() -> anyhow::Result<()> {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let time = Duration::from_millis(if measured { 3000 } else { 1 });
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let plain = one_sync_a_record(directory.path(), time)?;
    println!("{:<24} {:>12} {:>8} {:>16}", "1 KiB records", "records/s", "ratio", "records/fsync");
    print("write + fdatasync", &plain, &plain);
    for producers in [1, 16, 256] {
        let run = journal(&directory.path().join(producers.to_string()), producers, time)?;
        print(&format!("journal, {producers} producers"), &run, &plain);
    }
    Ok(())
}

fn print(name: &str, run: &Run, plain: &Run) {
    let (rate, ratio) = (run.rate(), run.rate() / plain.rate());
    println!("{name:<24} {rate:>12.0} {ratio:>7.1}x {:>16.1}", run.records_per_sync());
}

fn one_sync_a_record(directory: &Path, time: Duration) -> io::Result<Run> {
    let mut file = File::create(directory.join("plain"))?;
    let (begin, mut records) = (Instant::now(), 0);
    while records == 0 || begin.elapsed() < time {
        file.write_all(&[b'x'; RECORD])?;
        file.sync_data()?;
        records += 1;
    }
    Ok(Run { records, syncs: records, took: begin.elapsed() })
}

fn journal(directory: &Path, producers: usize, time: Duration) -> anyhow::Result<Run> {
    let config = Config { directory: directory.into(), ..Config::default() };
    let (journal, writer, _) = open(&config)?;
    let writer = thread::spawn(|| writer.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let begin = Instant::now();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..producers {
            tasks.spawn(produce(journal.clone(), begin + time));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })?;
    let (took, status) = (begin.elapsed(), journal.status());
    drop(journal);
    writer.join().expect("the writer does not panic")?;
    Ok(Run { records: status.records, syncs: status.commits, took })
}

async fn produce(journal: Journal, end: Instant) -> anyhow::Result<()> {
    let (lane, body): (Arc<str>, _) = ("lane".into(), Bytes::from_static(&[b'x'; RECORD]));
    loop {
        let record = NewRecord {
            lanes: vec![Arc::clone(&lane)],
            body: body.clone(),
            id: None,
            origin: Origin::Store,
        };
        journal.append(vec![record]).await?;
        if Instant::now() >= end {
            return Ok(());
        }
    }
}
