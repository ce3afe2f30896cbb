//! The replays on the disk: a small file that is replaced whole.
//!
//! What it says has happened has happened: a replay's cursor is written after the records before
//! it are durable, so a crash sends some events once more and leaves none out.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tracing::error;

use super::{Order, Replay, Through};
use crate::durable_file::{Flush, replace, unless_missing};

/// The file in the journal's directory.
const FILE: &str = "replays.json";
/// So many replays that have ended are remembered.
const ENDED_MAX: usize = 50;

/// Why the replays cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}; make it readable, or remove it to forget the replays", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

/// All replays that are remembered, the oldest first.
#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
    pages: Pages,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pages {
    /// The number of the last replay.
    last: u64,
    replays: Vec<Replay>,
}

impl Book {
    /// Reads the file, if there is one. A file that is no such file is put aside.
    pub(super) fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(FILE);
        let read = unless_missing(fs::read(&path))
            .and_then(|content| content.map_or(Ok(Pages::default()), |c| read(&path, &c)));
        match read {
            Ok(pages) => Ok(Self { path, pages }),
            Err(source) => Err(OpenError { path, source }),
        }
    }

    pub(super) fn replays(&self) -> &[Replay] {
        &self.pages.replays
    }

    /// The one that runs.
    pub(super) fn running(&self) -> Option<&Replay> {
        self.pages.replays.iter().find(|replay| replay.is_running())
    }

    /// The same, to be changed; [`Book::write`] makes it durable.
    pub(super) fn running_mut(&mut self) -> Option<&mut Replay> {
        self.pages.replays.iter_mut().find(|replay| replay.is_running())
    }

    /// Adds a replay, durably or not at all.
    pub(super) async fn add(
        &mut self,
        order: Order,
        through: Through,
        now: Timestamp,
    ) -> io::Result<&Replay> {
        let mut pages = self.pages.clone();
        pages.last += 1;
        pages.replays.push(Replay::new(pages.last, order, through, now));
        let surplus = pages.replays.len().saturating_sub(ENDED_MAX);
        pages.replays.drain(..surplus);
        write(&self.path, &pages).await?;
        self.pages = pages;
        Ok(self.pages.replays.last().expect("it was just added"))
    }

    /// Makes durable what has changed.
    pub(super) async fn write(&self) -> io::Result<()> {
        write(&self.path, &self.pages).await
    }
}

fn read(path: &Path, content: &[u8]) -> io::Result<Pages> {
    serde_json::from_slice(content).or_else(|cause| {
        let aside = path.with_extension("broken");
        fs::rename(path, &aside)?;
        let file = aside.display().to_string();
        error!(file, %cause, "the file of the replays is broken and put aside; they are forgotten");
        Ok(Pages::default())
    })
}

/// On a thread that may wait for the disk.
async fn write(path: &Path, pages: &Pages) -> io::Result<()> {
    let content = serde_json::to_vec_pretty(pages).expect("a replay has string keys only");
    let path = path.to_owned();
    spawn_blocking(move || replace(&path, &content, Flush::Now))
        .await
        .expect("a write is neither cancelled nor panics")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::State;

    fn order() -> Order {
        serde_json::from_str(r#"{"since":"2026-01-02T03:04:05Z","bucket":"photos"}"#).unwrap()
    }

    #[tokio::test]
    async fn a_replay_is_still_there_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let mut book = Book::open(directory.path()).unwrap();
        let now = Timestamp::now();
        let id = book.add(order(), Through::Rules, now).await.unwrap().id;
        let running = book.running_mut().unwrap();
        (running.cursor, running.replayed) = (Some(7), 3);
        book.write().await.unwrap();
        let mut again = Book::open(directory.path()).unwrap();
        assert_eq!(again.replays(), book.replays());
        assert_eq!((id, again.replays()[0].order.until), (1, Some(now)));

        again.running_mut().unwrap().end(State::Finished, None, now);
        assert!(again.running().is_none());
        assert_eq!(again.add(order(), Through::Rules, now).await.unwrap().id, 2);
    }

    #[tokio::test]
    async fn only_so_many_are_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let mut book = Book::open(directory.path()).unwrap();
        for _ in 0..=ENDED_MAX {
            book.add(order(), Through::Rules, Timestamp::now()).await.unwrap();
            book.running_mut().unwrap().end(State::Cancelled, None, Timestamp::now());
        }
        let ids: Vec<_> = book.replays().iter().map(|replay| replay.id).collect();
        assert_eq!((ids.len(), ids[0]), (ENDED_MAX, 2));
    }

    #[test]
    fn a_broken_file_is_put_aside_and_a_bad_disk_is_told() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "{").unwrap();
        assert_eq!(Book::open(directory.path()).unwrap().replays(), []);
        assert_eq!(fs::read(directory.path().join("replays.broken")).unwrap(), b"{");
        fs::create_dir(directory.path().join(FILE)).unwrap();
        let told = Book::open(directory.path()).unwrap_err().to_string();
        assert!(told.starts_with("cannot read /") && told.contains(FILE), "{told}");
    }
}
