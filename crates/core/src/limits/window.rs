//! How often an address has come within a minute: each visit counts for as long, and one that was refused does not.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Key;
use crate::platform::Moment;

/// For how long a visit counts.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered; the one that came longest ago is forgotten.
const MOST_ADDRESSES: usize = 4096;

/// Who came when, as far as it still counts.
#[derive(Debug, Default)]
pub(super) struct Window {
    visits: HashMap<Key, VecDeque<Moment>>,
}

impl Window {
    /// Counts a visit, unless `most` of them count already; then it says how long to wait. `most` is at least one.
    pub(super) fn enter(&mut self, key: &Key, now: Moment, most: usize) -> Result<(), Duration> {
        if self.visits.len() >= MOST_ADDRESSES && !self.visits.contains_key(key) {
            self.make_room(now);
        }
        let visits = self.visits.entry(*key).or_default();
        // A clock that was put back must not make anybody wait for longer: whoever came later came now.
        visits.iter_mut().rev().take_while(|visit| **visit > now).for_each(|visit| *visit = now);
        while visits.front().is_some_and(|visit| is_over(*visit, now)) {
            visits.pop_front();
        }
        match visits.len().checked_sub(most) {
            Some(over) => Err((visits[over] + WINDOW).since(now)),
            None => {
                visits.push_back(now);
                Ok(())
            }
        }
    }

    /// The visit of this moment does not count after all.
    pub(super) fn leave(&mut self, key: &Key, at: Moment) {
        let Some(visits) = self.visits.get_mut(key) else { return };
        if let Some(nth) = visits.iter().rposition(|visit| *visit == at) {
            visits.remove(nth);
        }
        if visits.is_empty() {
            self.visits.remove(key);
        }
    }

    fn make_room(&mut self, now: Moment) {
        self.visits.retain(|_, visits| visits.back().is_some_and(|visit| !is_over(*visit, now)));
        if self.visits.len() >= MOST_ADDRESSES {
            let oldest = self.visits.iter().min_by_key(|(_, visits)| visits.back().copied());
            let oldest = oldest.map(|(key, _)| *key);
            oldest.and_then(|key| self.visits.remove(&key));
        }
    }
}

fn is_over(visit: Moment, now: Moment) -> bool {
    now.since(visit) >= WINDOW
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::*;

    fn key(name: &str) -> Key {
        Address(name.to_owned()).key()
    }

    #[test]
    fn so_many_within_a_minute() {
        let mut window = Window::default();
        let mut check = |at: u64, name: &str, most: usize, expect: Result<(), u64>| {
            let came = window.enter(&key(name), Moment(1_000_000 + at), most);
            assert_eq!(came, expect.map_err(Duration::from_millis), "{name} at {at}");
        };
        check(0, "a", 2, Ok(()));
        check(10_000, "a", 2, Ok(()));
        check(20_000, "a", 2, Err(40_000));
        check(20_000, "b", 2, Ok(()));
        check(59_999, "a", 2, Err(1));
        check(60_000, "a", 2, Ok(()));
        check(60_000, "a", 2, Err(10_000));
        check(70_000, "a", 2, Ok(()));
        // With fewer allowed than have come, all but so few must be over.
        check(70_000, "a", 1, Err(60_000));
        check(10_000, "a", 2, Err(60_000));
        check(69_999, "a", 2, Err(1));
        check(70_000, "a", 2, Ok(()));
    }

    #[test]
    fn a_visit_that_was_refused_elsewhere_does_not_count() {
        let mut window = Window::default();
        let check = |window: &mut Window, at: u64, expect: bool| {
            assert_eq!(window.enter(&key("a"), Moment(at), 2).is_ok(), expect, "at {at}");
        };
        check(&mut window, 1, true);
        check(&mut window, 2, true);
        window.leave(&key("a"), Moment(1));
        window.leave(&key("a"), Moment(7));
        window.leave(&key("b"), Moment(1));
        check(&mut window, 3, true);
        check(&mut window, 4, false);
        window.leave(&key("a"), Moment(2));
        window.leave(&key("a"), Moment(3));
        assert!(window.visits.is_empty());
    }

    #[test]
    fn not_everybody_is_remembered() {
        let mut window = Window::default();
        let enter = |window: &mut Window, nth: usize, at: usize| {
            window.enter(&key(&nth.to_string()), Moment(at.try_into().unwrap()), 1).is_ok()
        };
        for nth in 0..=MOST_ADDRESSES {
            assert!(enter(&mut window, nth, nth));
        }
        assert_eq!(window.visits.len(), MOST_ADDRESSES);
        assert!(!enter(&mut window, 1, 5_000), "the second is remembered");
        assert!(enter(&mut window, 0, 5_000), "the first was forgotten");
        assert!(enter(&mut window, MOST_ADDRESSES + 1, 63_000));
        assert_eq!(window.visits.len(), 1_098, "whatever is over was forgotten");
    }
}
