//! How much at once: for each model some requests in flight, some that wait, and a no for the rest.

mod gate;

use std::collections::VecDeque;

pub(crate) use gate::{Gate, Ticket};

/// Which model; the lane behind the last one is for what asks no model.
pub(crate) type Lane = usize;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    /// Until its number is called, or it gives up.
    Wait(u64),
    Busy,
}

/// How full one lane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) limit: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
}

/// Who is in, and who waits, in their order.
#[derive(Debug)]
pub(crate) struct Rules {
    lanes: Vec<Places>,
    queue: usize,
    next: u64,
}

#[derive(Debug)]
struct Places {
    limit: usize,
    in_flight: usize,
    waiting: VecDeque<u64>,
}

impl Rules {
    /// Lanes by their limits, and how many may wait in each.
    pub(crate) fn new(limits: impl IntoIterator<Item = usize>, queue: usize) -> Self {
        let places = |limit| Places { limit, in_flight: 0, waiting: VecDeque::new() };
        Self { lanes: limits.into_iter().map(places).collect(), queue, next: 0 }
    }

    pub(crate) fn enter(&mut self, lane: Lane) -> Verdict {
        let places = &mut self.lanes[lane];
        if places.in_flight < places.limit {
            places.in_flight += 1;
            return Verdict::Go;
        }
        if places.waiting.len() >= self.queue {
            return Verdict::Busy;
        }
        self.next += 1;
        places.waiting.push_back(self.next);
        Verdict::Wait(self.next)
    }

    /// One has left. Whose number this returns has its place now.
    pub(crate) fn leave(&mut self, lane: Lane) -> Option<u64> {
        let places = &mut self.lanes[lane];
        let next = places.waiting.pop_front();
        if next.is_none() {
            places.in_flight -= 1;
        }
        next
    }

    /// One that waits no longer wants to. `false` if it has been called already.
    pub(crate) fn give_up(&mut self, lane: Lane, number: u64) -> bool {
        let waiting = &mut self.lanes[lane].waiting;
        let before = waiting.len();
        waiting.retain(|waiting| *waiting != number);
        waiting.len() < before
    }

    /// Of `lanes`, given from the best to the least, the one with the most room; the better one if there is as much.
    pub(crate) fn pick(&self, lanes: &[Lane]) -> Option<Lane> {
        let full = |lane: &Lane| {
            let places = &self.lanes[*lane];
            let ahead = places.in_flight + places.waiting.len();
            // Whoever can begin at once is as good as idle.
            if ahead < places.limit { 0 } else { 1 + ahead - places.limit }
        };
        lanes.iter().copied().min_by_key(full)
    }

    pub(crate) fn load(&self, lane: Lane) -> Load {
        let places = &self.lanes[lane];
        Load { limit: places.limit, in_flight: places.in_flight, waiting: places.waiting.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    enum Act {
        Enter(Lane, Verdict),
        Leave(Lane, Option<u64>),
        GiveUp(Lane, u64, bool),
        Pick(&'static [Lane], Option<Lane>),
    }

    #[test]
    fn stories() {
        use Act::{Enter, GiveUp, Leave, Pick};
        use Verdict::{Busy, Go, Wait};
        let check = |queue: usize, story: &[Act]| {
            let mut rules = Rules::new([1, 2], queue);
            for (at, act) in story.iter().enumerate() {
                match act {
                    Enter(lane, expect) => assert_eq!(rules.enter(*lane), *expect, "{at}: {act:?}"),
                    Leave(lane, expect) => assert_eq!(rules.leave(*lane), *expect, "{at}: {act:?}"),
                    GiveUp(lane, number, expect) => {
                        assert_eq!(rules.give_up(*lane, *number), *expect, "{at}: {act:?}");
                    }
                    Pick(lanes, expect) => assert_eq!(rules.pick(lanes), *expect, "{at}: {act:?}"),
                }
            }
        };
        check(0, &[Enter(0, Go), Enter(0, Busy), Leave(0, None), Enter(0, Go)]);
        check(1, &[Enter(0, Go), Enter(0, Wait(1)), Enter(0, Busy), Enter(1, Go), Enter(1, Go)]);
        check(1, &[Enter(0, Go), Enter(0, Wait(1)), Leave(0, Some(1)), Leave(0, None), Enter(0, Go)]);
        check(
            2,
            &[Enter(0, Go), Enter(0, Wait(1)), Enter(0, Wait(2)), GiveUp(0, 1, true), Leave(0, Some(2))],
        );
        check(1, &[Enter(0, Go), Enter(0, Wait(1)), Leave(0, Some(1)), GiveUp(0, 1, false)]);
        check(1, &[Pick(&[0, 1], Some(0)), Enter(0, Go), Pick(&[0, 1], Some(1)), Enter(1, Go)]);
        check(
            1,
            &[Enter(1, Go), Pick(&[1, 0], Some(1)), Enter(1, Go), Pick(&[1, 0], Some(0)), Pick(&[], None)],
        );
        check(
            1,
            &[
                Enter(0, Go),
                Enter(1, Go),
                Enter(1, Go),
                Pick(&[0, 1], Some(0)),
                Enter(0, Wait(1)),
                Pick(&[0, 1], Some(1)),
            ],
        );
    }
}
