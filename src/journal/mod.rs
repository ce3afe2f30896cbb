//! Stage 3, make it durable: a segmented append-only log of bytes for named lanes.
//!
//! # Constraints
//!
//! - It stores bytes at positions and knows nothing of what they mean. A lane is one receiver; its
//!   name is opaque here.
//! - An append is all or nothing, and durable when it is answered. A record is stored once,
//!   whatever the number of its lanes, and each lane acknowledges it for itself: a lane that reads
//!   nothing delays no other, it only keeps segments from being unlinked.
//! - At least once: what a lane acknowledged is not delivered again, except after an end of the
//!   process that came before the acknowledgement was durable (some 10 ms).
//! - Memory follows what is in flight, never what is pending. An idle lane does not read. What a
//!   lane acknowledged out of order takes a run for each gap, here and in every checkpoint: the
//!   number of records that a lane keeps in flight, which its caller limits, bounds both.
//! - Space follows what is pending, of each lane: compaction keeps a record that nobody takes from
//!   holding its neighbours.
//! - One process, one writing thread. A failed fsync ends it, since nobody knows what is durable;
//!   a failed write does not: the half is cut off and the appends are refused.
//! - A full disk stops appends, never the rest: see Space.
//!
//! # Bytes
//!
//! ```text
//! lock                     the process that holds the journal
//! reserve                  bytes of no meaning: space for what frees space
//! meta.redb                checkpoint, the ids that were accepted lately, quarantine
//! dead_letters.redb        what a lane gave up on; see `dead`
//! corrupt/                 copies of bytes that were durable and are no longer valid
//! segments/<20 digits>.log, and .tmp for what is to replace one
//!
//! segment  ┌─ 4 KiB ─┬─ n × 4 KiB ─┬─ n × 4 KiB ─┬──
//!          │ header  │ frame       │ frame       │ …       one frame = one group commit
//!          └─────────┴─────────────┴─────────────┴──
//!
//! header   0 "FanfareJ" │ 8 version u16, 0 u16 │ 12 segment u64 │ 20 journal uuid
//!          36 first_seq u64 │ 44 begun at i64 │ 52 through segment u64 │ 60 end_seq u64
//!          68 generation u32 │ 72 crc32c of 0..72
//!
//! frame    0 "FfFr" │ 4 version u16 │ 6 flags u16 │ 8 payload length u32
//!          12 crc32c of 0..12 and 16..end, seeded with journal uuid and segment
//!          16 first_seq u64 │ 24 end_seq u64 │ 32 commit time i64
//!          40 lanes u32 │ 44 acks u32 │ 48 releases u32 │ 52 records u32
//!          56 journal uuid │ 72 payload, then zeros to the next 4 KiB:
//!
//!   lane   id u32 │ length u32 │ releases u32 │ accepted, delivered, dead, discarded, lost: u64
//!          name │ releases × u64                              every lane, in a segment's first
//!   ack    lane id u32 │ runs u32 │ segments u32 │ delivered, dead, discarded: u64
//!          runs × (first u64, after last u64) │ segments × (segment, records, bytes: u64)
//!   release lane id u32 │ 0 redriven, 1 purged: u32 │ count u32 │ count × u64
//!   record lanes u32 │ length u32 │ origin u32 │ event id u128 │ lanes × id u32 │ body
//!          number: first_seq, first_seq + 1 …; with flag 1, seq u64 │ time i64 stand before it
//! ```
//!
//! What an ack takes from the segments and counts in no other way is lost.
//!
//! All numbers are little-endian, all times microseconds since 1970, and no commit is earlier than
//! the one before it, whatever the clock does. Frames are padded so that a later write never
//! rewrites a page that holds acknowledged bytes. A run of an ack says that every record of the
//! lane in it is finished; it spans the records of other lanes, so a lane's account needs one run
//! more than it has records in flight. The log alone is the truth; the checkpoint only shortens
//! its reading.
//!
//! # Books
//!
//! Of each lane, at every moment: `accepted = delivered + dead + discarded + lost + pending`. What
//! is pending is counted per segment, by where the records lie, so the two sides are independent.
//! A segment's first frame carries each lane's account as it stood before, so the books are whole
//! without the segments that came earlier. A release takes dead letters back: redriven ones, which
//! the same frame appends again, are pending once more, and purged ones are discarded.
//!
//! # Recovery
//!
//! 1. Take the lock. Open `meta.redb`; a corrupt one is moved to `corrupt/`.
//! 2. Read the checkpoint: the account of every lane at one place of the log. Without it, begin
//!    at the first segment.
//! 3. Read the frames from there on into the accounts: declarations, acks, records.
//! 4. An invalid region that something valid follows was durable once: copy it to `corrupt/`,
//!    report it, go on behind it. One that nothing follows is the torn tail of a write that was
//!    never answered: cut it off.
//! 5. If anything was corrupt, missing, or without a checkpoint, count what is pending anew.
//! 6. Open `dead_letters.redb`; a corrupt one is moved to `corrupt/`, which is reported. Remove the
//!    rows that the log has released; acknowledge as dead what has a row and is pending; let the
//!    accounts follow the rows.
//!
//! A segment is unlinked when no lane needs a record in it or in one before it, after the checkpoint
//! that says so is durable. A frame of a later format version is refused.
//!
//! # Compaction
//!
//! A lane that delivers nothing needs the log from its first record on. So adjacent sealed segments
//! of which less than a quarter is live are merged, when that at least halves them: what some lane
//! has not finished is copied with its number and time into a file that takes the place of the
//! first and says through which it reaches, with all that the segments told of acknowledgements.
//! Numbers stay, so a reader goes on at the number that it had come to, and a record in flight is
//! found again by its number. What is left of merged segments, or of a merge that was not finished,
//! is removed when the journal is opened; see `compact` for the steps.
//!
//! # Space
//!
//! To free space takes some first: a page for the acknowledgements, one for the header of a new
//! segment, and some for the checkpoint. Were the disk full of records, none of it could be had.
//! So the `reserve`, an eighth of the limit and at most 4 MiB, is written before the first record:
//!
//! 1. A write that the disk refuses closes the door to appends. Acknowledgements are then written
//!    alone, once a second.
//! 2. What is refused even then is lent an eighth of the reserve at a time: the upper half for
//!    anything that is owed, the lower half only for what frees a segment.
//! 3. After each checkpoint, and once a second, the reserve is written anew. When that succeeds,
//!    with an eighth to spare, the door opens.
//!
//! What is finished stays as long as `retention` says, and is neither unlinked nor merged until then,
//! except while three quarters of the limit are held or an append was refused: then the oldest goes.
//!
//! A checkpoint that failed, and a segment that was not unlinked, are tried again each second.

mod admit;
mod checkpoint;
mod commit;
mod compact;
mod config;
mod database;
mod database_file;
mod dead;
mod disk;
mod entry;
mod find;
mod frame;
mod handle;
mod history;
mod quota;
mod ledger;
mod log;
mod meta;
mod metrics;
mod open;
mod reader;
mod recent;
mod record;
mod recover;
mod release;
mod reserve;
mod room;
mod runs;
mod scan;
mod segment;
mod upkeep;
mod visit;
mod writer;

#[cfg(test)]
mod tests;

pub use config::{Config, ConfigError};
pub use database::DatabaseError;
pub use dead::{
    BadDeadLetterId, Burial, BuryError, DeadError, DeadLetter, DeadLetterId, DeadLetters,
    RedriveError,
};
pub use handle::{AppendError, Appended, Journal, LaneStatus, OpenReaderError, Refusing, Status};
pub use history::{History, Past};
pub use log::WriteError;
pub use meta::{Aside, Quarantined};
pub use metrics::{describe, observe};
pub use open::{OpenError, open, open_with_quotas};
pub use quota::Quotas;
pub use reader::{Fetched, Position, ReadError, Reader};
pub use record::{NewRecord, Origin, Outcome};
pub use recover::{CheckpointFound, CorruptRegion, DeadLettersFound, Recovery};
pub use writer::Writer;
