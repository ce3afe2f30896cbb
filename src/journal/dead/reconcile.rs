//! At a start: brings the rows and the log to say the same.
//!
//! - Rows that the log has released are removed.
//! - A row whose record is pending is a death whose acknowledgement was lost: it is acknowledged.
//! - What then differs is somebody's accident, such as a store that was moved aside. The accounts
//!   follow the rows, so the books balance, and the difference is reported.

use std::{collections::BTreeMap, error::Error, sync::Arc};

use tracing::warn;

use super::{DeadLetterId, Store};
use crate::journal::{
    DatabaseError, Outcome,
    entry::Ack,
    ledger::Ledger,
    log::Log,
    scan::{Scan, Step},
    segment::PAGE,
};

/// What differed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::journal) struct Reconciled {
    /// Deaths to acknowledge, by the number of the lane.
    pub(in crate::journal) acks: BTreeMap<u32, Ack>,
    /// The number after that of the last row.
    pub(in crate::journal) end_seq: u64,
    /// Deaths without a row.
    pub(in crate::journal) lost: u64,
    /// Rows that no account knew.
    pub(in crate::journal) found: u64,
}

/// Rows whose records are pending as far as the account knows: lane by number.
type Unsettled = BTreeMap<u64, Vec<u32>>;

pub(in crate::journal) fn reconcile(
    store: &Store,
    log: &Log,
    ledgers: &mut Vec<Ledger>,
) -> Result<Reconciled, DatabaseError> {
    let end_seq = store.last_seq()?.map_or(0, |seq| seq + 1);
    finish_releases(store, ledgers);
    for lane in store.totals().keys() {
        if !ledgers.iter().any(|ledger| ledger.name == *lane) {
            ledgers.push(Ledger::new(Arc::clone(lane)));
        }
    }
    let acks = acknowledge(log, &unsettled(store, ledgers)?);
    let mut reconciled = Reconciled { acks, end_seq, ..Reconciled::default() };
    let rows = store.rows()?;
    for (ledger, id) in ledgers.iter_mut().zip(0..) {
        let rows = rows.get(&ledger.name).copied().unwrap_or(0);
        let settled = reconciled.acks.get(&id).map_or(0, |ack| ack.dead);
        let (lost, found) = ledger.recount_dead(rows.saturating_sub(settled));
        reconciled.lost += lost;
        reconciled.found += found;
    }
    Ok(reconciled)
}

/// A disk that does not let rows go must not keep the journal closed: they are not shown, and the
/// account keeps their numbers.
fn finish_releases(store: &Store, ledgers: &mut [Ledger]) {
    let ids: Vec<_> = ledgers
        .iter()
        .flat_map(|Ledger { name, released, .. }| {
            released.iter().map(|&seq| DeadLetterId { lane: Arc::clone(name), seq })
        })
        .collect();
    if ids.is_empty() {
        return;
    }
    match store.remove(&ids) {
        Ok(()) => ledgers.iter_mut().for_each(|ledger| ledger.released.clear()),
        Err(error) => warn!(
            error = &error as &dyn Error,
            rows = ids.len(),
            "rows of former dead letters could not be removed; a later change removes them"
        ),
    }
}

fn unsettled(store: &Store, ledgers: &[Ledger]) -> Result<Unsettled, DatabaseError> {
    let mut unsettled = Unsettled::new();
    let totals = store.totals();
    for (ledger, id) in ledgers.iter().zip(0..) {
        if !totals.contains_key(&ledger.name) {
            continue;
        }
        for seq in store.seqs(&ledger.name, ledger.done.first_gap())? {
            if !ledger.done.contains(seq) && !ledger.released.contains(&seq) {
                unsettled.entry(seq).or_default().push(id);
            }
        }
    }
    Ok(unsettled)
}

/// The acknowledgements of those that are in the log. They are few: the burials of the last
/// moments before a crash.
fn acknowledge(log: &Log, unsettled: &Unsettled) -> BTreeMap<u32, Ack> {
    let mut acks = BTreeMap::new();
    let Some((&first, _)) = unsettled.first_key_value() else { return acks };
    let start = log.start_of(first).segment;
    let mut left: u64 = unsettled.values().map(|lanes| lanes.len() as u64).sum();
    for &segment in log.segments.range(start..).map(|(id, _)| id) {
        if left == 0 {
            break;
        }
        // What cannot be read now is read by nobody: its rows stay what they are.
        let found = acknowledge_in(log, segment, unsettled, &mut acks).unwrap_or_else(|cause| {
            warn!(segment, %cause, "a segment cannot be read; some dead letters stay pending");
            0
        });
        left = left.saturating_sub(found);
    }
    acks
}

fn acknowledge_in(
    log: &Log,
    segment: u64,
    unsettled: &Unsettled,
    acks: &mut BTreeMap<u32, Ack>,
) -> std::io::Result<u64> {
    let mut scan = Scan::open(&log.layout, log.journal, segment)?;
    let (mut offset, length, mut found) = (PAGE, scan.length()?, 0);
    while offset < length {
        let Step::Frame(frame) = scan.step(offset, length)? else {
            offset += PAGE;
            continue;
        };
        offset += frame.size();
        for record in frame.records() {
            let lanes = unsettled.get(&record.seq).into_iter().flatten();
            for &id in lanes.filter(|&&id| record.lanes().any(|lane| lane == id)) {
                let ack: &mut Ack = acks.entry(id).or_default();
                ack.count(Outcome::Dead, segment, record.body.len() as u64);
                ack.runs.insert(record.seq..record.seq + 1);
                found += 1;
            }
        }
    }
    Ok(found)
}
