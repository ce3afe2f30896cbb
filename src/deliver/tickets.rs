//! The messages that a lane knows of and holds no bytes of: which to read again, and when.
//!
//! A message rests until its time has come, or, where the order of a key is kept, behind the one
//! before it of the same key. A message is the head of its key from when it is admitted until it is
//! finished, wherever it is: resting, ready, or on the wire. So a head that fails holds back its own
//! key and no other.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use tokio::time::Instant;

/// Tickets by their number, which is their age: a smaller one is older.
#[derive(Debug)]
pub(super) struct Tickets<T> {
    resting: BTreeMap<u64, Resting<T>>,
    /// The numbers of those resting, in the order in which to read them; no time is at once.
    due: BTreeSet<(Option<Instant>, u64)>,
    /// The keys that have a head, and what waits behind it.
    behind: HashMap<u64, VecDeque<(u64, T)>>,
    held_back: usize,
}

#[derive(Debug)]
struct Resting<T> {
    ticket: T,
    until: Option<Instant>,
}

impl<T> Tickets<T> {
    pub(super) fn new() -> Self {
        Self {
            resting: BTreeMap::new(),
            due: BTreeSet::new(),
            behind: HashMap::new(),
            held_back: 0,
        }
    }

    /// A new message of this key: answered back if it is the head, held back if there is one.
    pub(super) fn admit(&mut self, key: u64, number: u64, ticket: T) -> Option<T> {
        if let Some(behind) = self.behind.get_mut(&key) {
            behind.push_back((number, ticket));
            self.held_back += 1;
            return None;
        }
        self.behind.insert(key, VecDeque::new());
        Some(ticket)
    }

    /// The head of this key is delivered, dead or discarded: the next one may go.
    pub(super) fn finished(&mut self, key: u64) {
        let Some(behind) = self.behind.get_mut(&key) else { return };
        match behind.pop_front() {
            Some((number, ticket)) => {
                self.held_back -= 1;
                self.rest(number, ticket, None);
            }
            None => drop(self.behind.remove(&key)),
        }
    }

    /// Takes the one out that would go next after the head of this key, if it may go with it.
    pub(super) fn take_behind(&mut self, key: u64, may: impl FnOnce(u64, &T) -> bool) -> Option<T> {
        let behind = self.behind.get_mut(&key)?;
        let (_, ticket) = behind.pop_front_if(|(number, ticket)| may(*number, ticket))?;
        self.held_back -= 1;
        Some(ticket)
    }

    /// Keeps a ticket until then, or until there is room for its message.
    pub(super) fn rest(&mut self, number: u64, ticket: T, until: Option<Instant>) {
        self.due.insert((until, number));
        self.resting.insert(number, Resting { ticket, until });
    }

    /// When the next one is due; the inner `None` is at once.
    #[expect(clippy::option_option, reason = "nothing rests, or something does without a time")]
    pub(super) fn next_due(&self) -> Option<Option<Instant>> {
        self.due.first().map(|(until, _)| *until)
    }

    /// The next one that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<T> {
        let (until, number) = *self.due.first()?;
        if until.is_some_and(|until| until > now) {
            return None;
        }
        self.take(number)
    }

    /// The oldest one that rests with at least this number, whether it is due or not. A head is
    /// older than what it holds back.
    pub(super) fn oldest_from(&self, number: u64) -> Option<(u64, &T)> {
        let (number, resting) = self.resting.range(number..).next()?;
        Some((*number, &resting.ticket))
    }

    /// Takes one out, due or not.
    pub(super) fn take(&mut self, number: u64) -> Option<T> {
        let Resting { ticket, until } = self.resting.remove(&number)?;
        self.due.remove(&(until, number));
        Some(ticket)
    }

    /// Those whose time has not come, or for which there was no room.
    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }

    /// Those behind another of their key.
    pub(super) fn held_back(&self) -> usize {
        self.held_back
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_needs_no_wait_goes_first_and_the_oldest_of_it() {
        let (mut tickets, now) = (Tickets::new(), Instant::now());
        let later = now + Duration::from_secs(1);
        for (number, until) in [(1, Some(later)), (3, None), (2, None), (4, Some(now))] {
            tickets.rest(number, number, until);
        }
        let due: Vec<_> = std::iter::from_fn(|| tickets.take_due(now)).collect();
        assert_eq!(due, [2, 3, 4]);
        assert_eq!(tickets.next_due(), Some(Some(later)));
        assert_eq!(tickets.take_due(later), Some(1));
        assert_eq!(tickets.next_due(), None);
    }

    #[test]
    fn a_head_holds_back_its_own_key_only() {
        let (mut tickets, now) = (Tickets::new(), Instant::now());
        assert_eq!(tickets.admit(7, 1, "a1"), Some("a1"));
        assert_eq!(tickets.admit(7, 2, "a2"), None);
        assert_eq!(tickets.admit(8, 3, "b1"), Some("b1"));
        assert_eq!(tickets.admit(7, 4, "a3"), None);
        assert_eq!((tickets.take_due(now), tickets.held_back()), (None, 2));
    }

    #[test]
    fn what_was_held_back_follows_in_order() {
        let (mut tickets, now) = (Tickets::new(), Instant::now());
        let heads: Vec<_> = (1..=3).filter_map(|n| tickets.admit(7, n, n)).collect();
        assert_eq!(heads, [1]);
        tickets.finished(7);
        assert_eq!((tickets.take_due(now), tickets.take_due(now)), (Some(2), None));
        tickets.rest(2, 2, None);
        assert_eq!(tickets.take_due(now), Some(2), "a failed head stays the head");
        tickets.finished(7);
        assert_eq!(tickets.take_due(now), Some(3));
        tickets.finished(7);
        assert_eq!(tickets.admit(7, 9, 9), Some(9), "the key is free again");
    }

    #[test]
    fn what_may_go_with_its_head_is_taken_out_in_order() {
        let mut tickets = Tickets::new();
        assert_eq!(tickets.take_behind(7, |_, _| true), None);
        for number in 1..=4 {
            tickets.admit(7, number, number);
        }
        let taken: Vec<_> =
            std::iter::from_fn(|| tickets.take_behind(7, |number, _| number < 4)).collect();
        assert_eq!((taken, tickets.held_back()), (vec![2, 3], 1));
        tickets.finished(7);
        assert_eq!(tickets.take_due(Instant::now()), Some(4));
    }

    #[test]
    fn the_oldest_is_found_whether_it_is_due_or_not() {
        let (mut tickets, now) = (Tickets::new(), Instant::now());
        tickets.rest(5, "five", None);
        tickets.rest(2, "two", Some(now + Duration::from_secs(9)));
        assert_eq!(tickets.oldest_from(0), Some((2, &"two")));
        assert_eq!(tickets.oldest_from(3), Some((5, &"five")));
        assert_eq!(tickets.take(2), Some("two"));
        assert_eq!((tickets.take(2), tickets.resting()), (None, 1));
    }
}
