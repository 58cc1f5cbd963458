//! When a node is left alone for a while: after failures in a row that are its own, until one request has tried it.

use std::time::Duration;

use crate::failure::Failure;
use crate::platform::Moment;

/// The longest rest is so many times the first one.
const LONGEST: u32 = 8;

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `BREAK_AFTER`, 3: failures in a row; 0 means never.
    pub after: usize,
    /// `BREAK_MS`, 10 s: until a request may try the node again; twice as long after each try that fails.
    pub rest: Duration,
}

/// One node's, in one instance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: usize,
    rest: Option<Rest>,
}

/// The node is left alone.
#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Moment,
    until: Moment,
    times: u32,
    is_tried: bool,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known against the node.
    Closed,
    /// It is left alone.
    Open,
    /// One request may try it.
    Probation,
}

impl Breaker {
    /// How the node stands now.
    pub fn standing(&self, now: Moment) -> Standing {
        match self.rest {
            None => Standing::Closed,
            // A clock may have been put back since.
            Some(rest) if rest.since <= now && now < rest.until => Standing::Open,
            Some(_) => Standing::Probation,
        }
    }

    /// A request tries the node. Until it is known what came of it, or a rest is over, nobody else does.
    pub fn try_it(&mut self, now: Moment, rules: Rules) {
        if let Some(rest) = &mut self.rest {
            rest.until = now + rules.rest * rest.times;
            rest.is_tried = true;
        }
    }

    /// The node has said a word: it is no longer left alone. Whether it comes to an end is another question.
    pub fn spoke(&mut self) {
        self.rest = None;
    }

    /// The node has said all that was wanted.
    pub fn completed(&mut self) {
        *self = Self::default();
    }

    /// Somebody else has seen the node well at that moment: a request may try it at once.
    pub fn seen_well(&mut self, at: Moment) {
        if let Some(rest) = &mut self.rest
            && rest.since < at
        {
            rest.until = rest.until.min(at);
        }
    }

    /// A request has failed at the node.
    pub fn failed(&mut self, why: Failure, now: Moment, rules: Rules) {
        if !why.blames_node() || rules.after == 0 {
            return;
        }
        self.failures += 1;
        let times = match self.rest {
            // Who was under way when it opened says nothing new.
            Some(rest) if !rest.is_tried && now < rest.until => return,
            Some(rest) => (rest.times * 2).min(LONGEST),
            None => 1,
        };
        if self.failures >= rules.after {
            self.rest = Some(Rest { since: now, until: now + rules.rest * times, times, is_tried: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { after: 3, rest: Duration::from_secs(10) };

    /// What happens to a node at a second.
    enum Act {
        Fails(Failure),
        Speaks,
        Completes,
        SeenWell,
        Tried,
    }

    #[test]
    fn stories() {
        use Act::{Completes, Fails, SeenWell, Speaks, Tried};
        use Failure::{AnswerTimeout, Busy, FirstWordTimeout, Refused, Rejected, Status};
        use Standing::{Closed, Open, Probation};
        let check = |story: &[(u64, Act)], expect: &[(u64, Standing)]| {
            let mut breaker = Breaker::default();
            for (second, act) in story {
                let at = Moment(second * 1000);
                match act {
                    Fails(why) => breaker.failed(*why, at, RULES),
                    Speaks => breaker.spoke(),
                    Completes => breaker.completed(),
                    SeenWell => breaker.seen_well(at),
                    Tried => breaker.try_it(at, RULES),
                }
            }
            for (second, standing) in expect {
                assert_eq!(breaker.standing(Moment(second * 1000)), *standing, "at {second}: {breaker:?}");
            }
        };
        let open = || [(1, Fails(Refused)), (2, Fails(FirstWordTimeout)), (3, Fails(Status(530)))];
        let then = |more: Vec<(u64, Act)>| open().into_iter().chain(more).collect::<Vec<_>>();
        check(&[(1, Fails(Refused)), (2, Fails(Refused))], &[(2, Closed)]);
        check(&open(), &[(3, Open), (12, Open), (13, Probation), (99, Probation)]);
        // Who comes to an end in between starts the count anew; a word is not enough.
        check(
            &[(1, Fails(Refused)), (2, Completes), (3, Fails(Refused)), (4, Fails(Refused))],
            &[(5, Closed)],
        );
        check(&[(1, Fails(Refused)), (2, Speaks), (3, Fails(Refused)), (4, Fails(Refused))], &[(5, Open)]);
        // All that fail at once are one failure.
        check(&then(vec![(3, Fails(Refused)), (3, Fails(Refused)), (4, Fails(Refused))]), &[(13, Probation)]);
        // What says nothing of the node.
        let innocent = [Busy, Rejected, AnswerTimeout, Status(429), Busy, Busy];
        check(&innocent.map(|why| (1, Fails(why))), &[(2, Closed)]);
        // One request at a time, and a failed one makes the rest longer, up to a bound.
        check(&then(vec![(13, Tried)]), &[(13, Open), (22, Open), (23, Probation)]);
        check(&then(vec![(13, Tried), (14, Fails(Refused))]), &[(33, Open), (34, Probation)]);
        let again = vec![(13, Tried), (14, Fails(Refused)), (34, Tried)];
        check(&then(again), &[(53, Open), (54, Probation)]);
        check(&then(vec![(13, Tried), (14, Speaks)]), &[(14, Closed)]);
        check(&then(vec![(13, Tried), (14, Speaks), (15, Fails(Refused))]), &[(15, Open)]);
        let again = (0..6).map(|nth| (200 * nth + 200, Fails(Refused))).collect();
        check(&then(again), &[(1279, Open), (1280, Probation)]);
        // The monitor has looked after it opened, or before.
        check(&then(vec![(5, SeenWell)]), &[(5, Probation)]);
        check(&then(vec![(3, SeenWell)]), &[(5, Open)]);
    }

    #[test]
    fn none_at_all() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(Failure::Refused, Moment(1), Rules { after: 0, ..RULES });
        }
        assert_eq!(breaker.standing(Moment(1)), Standing::Closed);
    }
}
