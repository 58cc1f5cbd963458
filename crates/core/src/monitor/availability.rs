//! How often a node was well, from a count a day.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::platform::Moment;

/// Days that are kept, today included.
const MOST_DAYS: usize = 31;

const MILLIS_A_DAY: u64 = 86_400_000;

/// Looks at a node, day by day in UTC, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(VecDeque<Day>);

/// One day, in three numbers: days since 1970, looks, good ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Day(u64, u32, u32);

impl Days {
    /// Counts one look.
    pub fn count(&mut self, now: Moment, is_good: bool) {
        let today = now.0 / MILLIS_A_DAY;
        // Days that a clock saw that was ahead: they would be counted as today's until they come.
        while self.0.back().is_some_and(|Day(day, ..)| *day > today) {
            self.0.pop_back();
        }
        if self.0.back().is_none_or(|Day(day, ..)| *day < today) {
            self.0.push_back(Day(today, 0, 0));
        }
        while self.0.len() > MOST_DAYS {
            self.0.pop_front();
        }
        let Day(_, looks, good) = self.0.back_mut().expect("a day was pushed");
        *looks = looks.saturating_add(1);
        *good = good.saturating_add(u32::from(is_good));
    }

    /// The share of good looks from 0 to 1 within the last `days`, today and the day before at least; none where nobody
    /// looked.
    pub fn share(&self, now: Moment, days: u64) -> Option<f64> {
        let first = (now.0 / MILLIS_A_DAY).saturating_sub(days);
        let recent = self.0.iter().filter(|Day(day, ..)| *day >= first);
        let (looks, good) = recent.fold((0_u64, 0_u64), |(looks, good), Day(_, more, well)| {
            (looks + u64::from(*more), good + u64::from(*well))
        });
        #[expect(clippy::cast_precision_loss, reason = "a month has no 2^52 looks")]
        (looks > 0).then(|| good as f64 / looks as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let at = |day: u64| Moment(day * MILLIS_A_DAY + 5);
        let mut days = Days::default();
        assert_eq!(days.share(at(100), 1), None);
        for day in 100..140 {
            days.count(at(day), day >= 138);
            days.count(at(day), true);
        }
        let check = |within, expect| assert_eq!(days.share(at(139), within), Some(expect), "{within}");
        check(1, 1.0);
        check(3, 0.75);
        check(30, 33.0 / 62.0);
        assert_eq!(days.0.len(), MOST_DAYS);
        assert_eq!(days.share(at(200), 30), None);
        // A clock that was ahead has seen nothing.
        days.count(at(500), false);
        days.count(at(140), true);
        days.count(at(140), true);
        assert_eq!(days.share(at(140), 0), Some(1.0));
        assert_eq!(days.share(at(141), 1), Some(1.0), "today and the day before");
    }
}
