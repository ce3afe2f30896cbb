//! Whether every accepted event is accounted for.
//!
//! The journal counts what it was given at the append, what became of it at the acknowledgement, and
//! what is pending by what is live in its segments: three counts that know nothing of each other. The
//! rows of the dead letters are a fourth. They agree, or something is wrong.

use std::{collections::HashMap, sync::Arc};

use tracing::{error, info};

use crate::journal::LaneStatus;

/// The books of every destination, as they were last checked.
#[derive(Debug, Default)]
pub(super) struct Books {
    wrong: HashMap<Arc<str>, Imbalance>,
    /// What was counted at the last check.
    before: HashMap<Arc<str>, Look>,
}

/// The dead letters of a destination, as they were counted at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    dead: u64,
    rows: u64,
}

impl Look {
    fn rows_missing(self) -> i128 {
        i128::from(self.dead) - i128::from(self.rows)
    }
}

/// By how much the books of one destination differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Imbalance {
    /// Events accepted that are nowhere; less than zero if there are more than were accepted.
    pub(super) missing: i128,
    /// Dead letters counted that have no row; less than zero if there are more rows.
    pub(super) rows_missing: i128,
}

impl Imbalance {
    /// One number for an alarm: 0 if the books are right.
    pub(super) fn size(self) -> u64 {
        let size = self.missing.unsigned_abs().saturating_add(self.rows_missing.unsigned_abs());
        u64::try_from(size).unwrap_or(u64::MAX)
    }
}

impl Books {
    /// Compares the counts, and says so once when they begin to differ, and once when they agree
    /// again. A burial is a row first and counted with the next commit, so while dead letters come and
    /// go what was said of their rows stands: they are wrong when both counts have stood still, or when
    /// rows were missing twice.
    pub(super) fn check(
        &mut self,
        lanes: &[LaneStatus],
        rows: impl Fn(&str) -> u64,
    ) -> Vec<(Arc<str>, Imbalance)> {
        lanes.iter().map(|lane| (Arc::clone(&lane.name), self.check_one(lane, &rows))).collect()
    }

    fn check_one(&mut self, lane: &LaneStatus, rows: impl Fn(&str) -> u64) -> Imbalance {
        let missing = missing(lane);
        let look = Look { dead: lane.dead, rows: rows(&lane.name) };
        let before = self.before.insert(Arc::clone(&lane.name), look);
        let rows_missing = match (look.rows_missing(), before) {
            (0, _) => 0,
            (rows_missing, Some(before)) if before == look => rows_missing,
            // A row comes before it is counted, and goes after: too few are no burial under way.
            (rows_missing, Some(before)) if rows_missing > 0 && before.rows_missing() > 0 => {
                rows_missing.min(before.rows_missing())
            }
            _ => self.wrong.get(&lane.name).map_or(0, |wrong| wrong.rows_missing),
        };
        let imbalance = Imbalance { missing, rows_missing };
        self.tell(lane, imbalance);
        imbalance
    }

    fn tell(&mut self, lane: &LaneStatus, imbalance: Imbalance) {
        let LaneStatus {
            name: destination,
            accepted,
            delivered,
            dead,
            discarded,
            lost,
            pending,
            ..
        } = lane;
        let Imbalance { missing, rows_missing } = imbalance;
        if imbalance.size() == 0 {
            if self.wrong.remove(destination).is_some() {
                info!(%destination, "the books agree again");
            }
        } else if self.wrong.insert(Arc::clone(destination), imbalance) != Some(imbalance) {
            error!(
                %destination, accepted, delivered, dead, discarded, lost, pending, missing, rows_missing,
                "the books do not agree"
            );
        }
    }
}

fn missing(lane: &LaneStatus) -> i128 {
    let accounted = [lane.delivered, lane.dead, lane.discarded, lane.lost, lane.pending];
    i128::from(lane.accepted) - accounted.into_iter().map(i128::from).sum::<i128>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(accepted: u64, delivered: u64, dead: u64) -> LaneStatus {
        LaneStatus {
            name: "q".into(),
            accepted,
            delivered,
            dead,
            discarded: 1,
            lost: 1,
            pending: 2,
            pending_bytes: 9,
        }
    }

    fn check(books: &mut Books, lane: LaneStatus, rows: u64) -> u64 {
        books.check(&[lane], |_| rows).first().unwrap().1.size()
    }

    #[test]
    fn books_in_which_everything_is_somewhere_agree() {
        assert_eq!(check(&mut Books::default(), lane(10, 5, 1), 1), 0);
    }

    #[test]
    fn an_event_that_is_nowhere_and_one_that_is_twice_are_found() {
        assert_eq!(check(&mut Books::default(), lane(10, 4, 1), 1), 1);
        assert_eq!(check(&mut Books::default(), lane(10, 6, 1), 1), 1);
    }

    #[test]
    fn a_dead_letter_without_a_row_is_found_at_the_second_look() {
        let mut books = Books::default();
        assert_eq!(check(&mut books, lane(10, 5, 1), 0), 0, "it may be on its way");
        assert_eq!(check(&mut books, lane(10, 5, 1), 0), 1);
        assert_eq!(check(&mut books, lane(10, 5, 1), 1), 0);
    }

    #[test]
    fn burials_without_end_are_no_imbalance() {
        let mut books = Books::default();
        for dead in 1..100 {
            assert_eq!(check(&mut books, lane(9 + dead, 5, dead), dead + 64), 0);
        }
    }

    #[test]
    fn missing_rows_are_found_while_burials_go_on() {
        let mut books = Books::default();
        let looks = (1..9).map(|dead| check(&mut books, lane(9 + dead, 5, dead), dead - 1));
        assert_eq!(looks.collect::<Vec<_>>(), [0, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(check(&mut books, lane(18, 5, 9), 9), 0);
        assert_eq!(check(&mut books, lane(18, 5, 9), 8), 0, "rows were counted during a purge");
        assert_eq!(check(&mut books, lane(17, 5, 8), 8), 0);
    }

    #[test]
    fn what_was_wrong_stays_so_while_dead_letters_come_and_go() {
        let mut books = Books::default();
        check(&mut books, lane(10, 5, 1), 0);
        assert_eq!(check(&mut books, lane(10, 5, 1), 0), 1);
        assert_eq!(check(&mut books, lane(14, 5, 5), 3), 1);
        assert_eq!(check(&mut books, lane(14, 5, 5), 5), 0);
    }
}
