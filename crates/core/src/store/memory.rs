//! This instance's memory: requests in flight, the last drafts, and the records where nothing else keeps them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Record;
use crate::by_name::ByName;
use crate::platform::Moment;
use crate::roll::Roll;

/// Drafts that are remembered, the newest.
const MOST_DRAFTS: usize = 128;

/// From one line that says that the keeper fails to the next, at the least: each question would write its own.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// What one instance remembers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    in_flight: Roll<()>,
    drafts: VecDeque<(String, String)>,
    records: ByName<String>,
    /// When it was last told that the keeper fails.
    told: Moment,
}

/// One request in flight, for as long as this value lives.
#[must_use = "a lease is returned when it is dropped"]
pub struct CountedIn {
    in_flight: usize,
    _return: CountOut,
}

impl CountedIn {
    /// Requests in flight when this one was counted in, itself included: at least one.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }
}

impl fmt::Debug for CountedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedIn").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

struct CountOut(Memory, u64);

impl Drop for CountOut {
    fn drop(&mut self) {
        self.0.inner().in_flight.leave(self.1);
    }
}

impl Memory {
    /// Counts one request in. It is counted out when the lease is dropped, and at `until` at the latest.
    pub fn lease(&self, now: Moment, until: Moment) -> CountedIn {
        let roll = &mut self.inner().in_flight;
        let number = roll.enter((), until);
        CountedIn { in_flight: roll.present(now).len(), _return: CountOut(self.clone(), number) }
    }

    /// Requests in flight in this instance.
    pub fn in_flight(&self, now: Moment) -> usize {
        self.inner().in_flight.present(now).len()
    }

    /// Whether it is time to tell that the keeper fails; if so, nobody else is told so.
    pub(super) fn tells_failure(&self, now: Moment) -> bool {
        let mut inner = self.inner();
        // Where the clock was set back the wait begins anew.
        inner.told = inner.told.min(now);
        let is_due = now.since(inner.told) >= TELL_EVERY;
        if is_due {
            inner.told = now;
        }
        is_due
    }

    /// Keeps a draft's body, placeholders and all, until many others have come: feedback is measured against it.
    pub fn keep_draft(&self, id: &str, body: &str) {
        let mut inner = self.inner();
        inner.drafts.push_back((id.to_owned(), body.to_owned()));
        if inner.drafts.len() > MOST_DRAFTS {
            inner.drafts.pop_front();
        }
    }

    /// The body that was kept under `id`, if it still is.
    pub fn draft(&self, id: &str) -> Option<String> {
        self.inner().drafts.iter().find(|(known, _)| known == id).map(|(_, body)| body.clone())
    }

    /// The record, if there is one.
    pub fn load(&self, record: Record) -> Option<String> {
        self.inner().records.get(record.key()).cloned()
    }

    /// Puts `new` in the place of `old`; `false` where something else is there by now.
    pub fn swap(&self, record: Record, old: Option<&str>, new: &str) -> bool {
        let mut inner = self.inner();
        let is_same = inner.records.get(record.key()).map(String::as_str) == old;
        if is_same {
            *inner.records.entry(record.key()) = new.to_owned();
        }
        is_same
    }

    /// Nothing here is left half done by a panic, so a poisoned lock is as good as any.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_first_swaps() {
        let memory = Memory::default();
        let check = |old, new, expect| assert_eq!(memory.swap(Record::Monitor, old, new), expect, "{old:?}");
        check(Some("a"), "b", false);
        check(None, "a", true);
        check(None, "b", false);
        check(Some("a"), "b", true);
        assert_eq!(memory.load(Record::Monitor).as_deref(), Some("b"));
    }

    #[test]
    fn leases_and_drafts() {
        let memory = Memory::default();
        let (now, until) = (Moment(0), Moment(9));
        let (one, two) = (memory.lease(now, until), memory.lease(now, until));
        assert_eq!((one.in_flight(), two.in_flight(), memory.in_flight(now)), (1, 2, 2));
        drop(one);
        assert_eq!((memory.in_flight(now), memory.in_flight(until)), (1, 0));
        drop(two);
        assert_eq!(memory.lease(until, Moment(10)).in_flight(), 1);
        for nth in 0..=MOST_DRAFTS {
            memory.keep_draft(&nth.to_string(), "body");
        }
        assert_eq!((memory.draft("0"), memory.draft("1").as_deref()), (None, Some("body")));
    }
}
