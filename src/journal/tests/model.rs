//! The journal equals a list with marks, under random appends, fetches, acknowledgements and ends.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::journal::{Outcome, Position};

const LANES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    /// Records, each with a set of lanes as bits and a length.
    Append(Vec<(u8, usize)>),
    Fetch {
        lane: usize,
        records: usize,
    },
    Finish {
        lane: usize,
        which: u64,
        outcome: Outcome,
    },
    /// Acknowledgements become durable.
    Settle,
    /// What can be merged is.
    Upkeep,
    /// A lane finishes nearly everything.
    Sweep {
        lane: usize,
        keep: u64,
    },
    Reopen(End),
    CloseReader(usize),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Stop,
    Kill,
    KillWithTornTail(usize),
    KillAndLoseCheckpoint,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = prop_oneof![
        Just(End::Stop),
        Just(End::Kill),
        (1..9000_usize).prop_map(End::KillWithTornTail),
        Just(End::KillAndLoseCheckpoint),
    ];
    let outcome = prop_oneof![3 => Just(Outcome::Delivered), 1 => Just(Outcome::Discarded)];
    // Most records are lane 0's only, and most of those are finished: the others hold what is left.
    let lanes = prop_oneof![5 => Just(1_u8), 1 => 0..8_u8];
    let swept = prop_oneof![3 => Just(0_usize), 1 => 0..3_usize];
    let step = prop_oneof![
        4 => vec((lanes, 0..20_000_usize), 1..8).prop_map(Step::Append),
        4 => (0..3_usize, 1..6_usize).prop_map(|(lane, records)| Step::Fetch { lane, records }),
        4 => (0..3_usize, any::<u64>(), outcome)
            .prop_map(|(lane, which, outcome)| Step::Finish { lane, which, outcome }),
        1 => Just(Step::Settle),
        1 => Just(Step::Upkeep),
        4 => (swept, any::<u64>()).prop_map(|(lane, keep)| Step::Sweep { lane, keep }),
        1 => end.prop_map(Step::Reopen),
        1 => (0..3_usize).prop_map(Step::CloseReader),
    ];
    vec(step, 1..80)
}

/// What the journal must know of one lane.
#[derive(Default)]
struct LaneModel {
    /// Records by their number, ascending as appended.
    pending: BTreeSet<usize>,
    /// Acknowledged; durable only with the next commit.
    wavering: BTreeSet<usize>,
    in_flight: BTreeMap<usize, Position>,
    accepted: u64,
}

struct Machine {
    directory: TempDir,
    running: Option<Running>,
    readers: [Option<Reader>; 3],
    lanes: [LaneModel; 3],
    appended: usize,
}

impl Machine {
    fn new() -> Self {
        let mut machine = Self {
            directory: tempfile::tempdir().unwrap(),
            running: None,
            readers: Default::default(),
            lanes: Default::default(),
            appended: 0,
        };
        machine.open();
        machine
    }

    fn open(&mut self) {
        let config = Config {
            size_limit: ByteSize::mib(8),
            segment_size: ByteSize::kib(48),
            checkpoint_interval: std::time::Duration::ZERO,
            ..config_in(self.directory.path())
        };
        let running = start_with(&config, Arc::new(RealDisk));
        assert!(running.recovery.corrupt.is_empty(), "{:?}", running.recovery);
        assert_eq!(running.recovery.missing, 0);
        self.running = Some(running);
    }

    fn journal(&self) -> Journal {
        self.running.as_ref().unwrap().journal.clone()
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Append(records) => self.append(&records).await,
            Step::Fetch { lane, records } => _ = self.fetch(lane, records).await,
            Step::Finish { lane, which, outcome } => self.finish(lane, which, outcome).await,
            Step::Settle => self.append(&[(0, 0)]).await,
            Step::Upkeep => self.upkeep().await,
            Step::Sweep { lane, keep } => {
                while self.fetch(lane, 100).await > 0 {}
                // About one in 16 stays.
                let finish = !(keep & keep.rotate_left(7) & keep.rotate_left(31));
                self.finish(lane, finish | finish.rotate_left(3), Outcome::Delivered).await;
            }
            Step::Reopen(end) => self.reopen(end).await,
            Step::CloseReader(lane) => self.close_reader(lane),
        }
    }

    async fn append(&mut self, records: &[(u8, usize)]) {
        let mut batch = Vec::new();
        for &(mask, length) in records {
            let n = self.appended;
            self.appended += 1;
            let wanted = |lane: &usize| mask >> *lane & 1 == 1;
            let lanes: Vec<&str> = (0..3).filter(wanted).map(|lane| LANES[lane]).collect();
            for lane in (0..3).filter(wanted) {
                self.lanes[lane].pending.insert(n);
                self.lanes[lane].accepted += 1;
            }
            batch.push(record(&lanes, &format!("{n}:{}", "-".repeat(length))));
        }
        self.journal().append(batch).await.unwrap();
        // What was acknowledged before rode with this commit.
        self.lanes.iter_mut().for_each(|lane| lane.wavering.clear());
        self.books_balance();
    }

    /// With every acknowledgement durable.
    fn books_balance(&self) {
        for status in self.journal().lanes() {
            let lane = LANES.iter().position(|name| **name == *status.name).unwrap();
            let model = &self.lanes[lane];
            assert_eq!(status.pending, model.pending.len() as u64, "lane {lane}");
            assert_eq!(status.accepted, model.accepted, "lane {lane}: {status:?}");
            assert_eq!((status.dead, status.lost), (0, 0), "lane {lane}: {status:?}");
            let finished = status.delivered + status.discarded;
            assert_eq!(status.accepted, finished + status.pending, "lane {lane}: {status:?}");
            assert_eq!(status.pending == 0, status.pending_bytes == 0, "lane {lane}: {status:?}");
        }
    }

    /// The first checkpoint may have been ordered before.
    async fn upkeep(&mut self) {
        for _ in 0..2 {
            let checkpoints = self.journal().status().checkpoints;
            self.append(&[(0, 0)]).await;
            until(|| self.journal().status().checkpoints > checkpoints).await;
        }
        self.reread_all().await;
    }

    /// What is in flight can be read wherever it lies now.
    async fn reread_all(&mut self) {
        for (reader, model) in self.readers.iter_mut().zip(&mut self.lanes) {
            for (n, position) in &mut model.in_flight {
                let reader = reader.as_mut().unwrap();
                let (moved, body) = reader.reread(*position).await.unwrap();
                assert_eq!(number(std::str::from_utf8(&body).unwrap()), *n);
                *position = moved;
            }
        }
    }

    async fn fetch(&mut self, lane: usize, records: usize) -> usize {
        if self.readers[lane].is_none() {
            let reader = self.journal().reader(&LANES[lane].into()).await.unwrap();
            self.readers[lane] = Some(reader);
        }
        let reader = self.readers[lane].as_mut().unwrap();
        let model = &mut self.lanes[lane];
        let fetched = reader.fetch(records, 1 << 20).await.unwrap();
        let numbers: Vec<usize> = bodies(&fetched).iter().map(|body| number(body)).collect();
        let last = model.in_flight.keys().next_back().copied();
        let due = model.pending.iter().filter(|n| last.is_none_or(|last| **n > last));
        let due: Vec<usize> =
            due.filter(|n| !model.in_flight.contains_key(n)).copied().take(numbers.len()).collect();
        assert_eq!(numbers, due, "lane {lane}");
        assert!(!numbers.is_empty() || model.in_flight.len() == model.pending.len());
        for (number, record) in numbers.iter().zip(&fetched) {
            let (_, body) = reader.reread(record.position).await.unwrap();
            assert_eq!(body, record.body);
            model.in_flight.insert(*number, record.position);
        }
        numbers.len()
    }

    async fn finish(&mut self, lane: usize, which: u64, outcome: Outcome) {
        let Some(reader) = &mut self.readers[lane] else { return };
        let model = &mut self.lanes[lane];
        let chosen: Vec<(usize, Position)> = model
            .in_flight
            .iter()
            .enumerate()
            .filter(|(index, _)| which >> (index % 64) & 1 == 1)
            .map(|(_, (n, position))| (*n, *position))
            .collect();
        for (n, _) in &chosen {
            model.in_flight.remove(n);
            model.pending.remove(n);
            model.wavering.insert(*n);
        }
        let positions: Vec<Position> = chosen.into_iter().map(|(_, position)| position).collect();
        match outcome {
            Outcome::Discarded => reader.discard(&positions).await,
            _ => reader.acknowledge(&positions).await,
        }
    }

    fn close_reader(&mut self, lane: usize) {
        self.readers[lane] = None;
        self.lanes[lane].in_flight.clear();
    }

    async fn reopen(&mut self, end: End) {
        let image = match end {
            End::Stop => None,
            _ => Some(self.kill(end)),
        };
        (0..3).for_each(|lane| self.close_reader(lane));
        self.running.take().unwrap().stop().unwrap();
        if let Some(image) = image {
            self.directory = image;
        }
        self.open();
        for lane in 0..3 {
            let pending = self.look(lane).await;
            let model = &mut self.lanes[lane];
            assert!(model.pending.is_subset(&pending), "lane {lane} lost a record");
            let back: BTreeSet<usize> = pending.difference(&model.pending).copied().collect();
            assert!(back.is_subset(&model.wavering), "lane {lane}: {back:?} came back");
            model.pending = pending;
            model.wavering.clear();
        }
        self.books_balance();
    }

    /// What a lane has to deliver, by a reader that leaves no trace.
    async fn look(&mut self, lane: usize) -> BTreeSet<usize> {
        let mut reader = self.journal().reader(&LANES[lane].into()).await.unwrap();
        let fetched = fetch_all(&mut reader).await;
        assert_eq!(reader.pending(), fetched.len() as u64);
        bodies(&fetched).iter().map(|body| number(body)).collect()
    }

    fn kill(&self, end: End) -> TempDir {
        let image = image_of(self.directory.path());
        match end {
            End::KillWithTornTail(bytes) => {
                if let Some(segment) = segment_files(image.path()).pop() {
                    let mut file = fs::read(&segment).unwrap();
                    file.extend((0..bytes).map(|n| u8::try_from(n % 251).unwrap()));
                    fs::write(segment, file).unwrap();
                }
            }
            End::KillAndLoseCheckpoint => {
                fs::remove_file(image.path().join("meta.redb")).unwrap();
            }
            End::Stop | End::Kill => {}
        }
        image
    }
}

fn number(body: &str) -> usize {
    body.split(':').next().unwrap().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_answered_is_lost_and_nothing_acknowledged_comes_back(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut machine = Machine::new();
            for step in steps {
                machine.step(step).await;
            }
        });
    }
}
