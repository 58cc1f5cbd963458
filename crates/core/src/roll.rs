//! Who is in: each until he leaves, or until he can no longer be there. A platform may end a request without a word, and
//! then nobody leaves.

use crate::platform::Moment;

/// Those who are in.
#[derive(Debug)]
pub(crate) struct Roll<T> {
    next: u64,
    present: Vec<(u64, Moment, T)>,
}

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { next: 0, present: Vec::new() }
    }
}

impl<T> Roll<T> {
    /// Lets `who` in, for as long as `until` at most. By the number he leaves.
    pub(crate) fn enter(&mut self, who: T, until: Moment) -> u64 {
        self.next += 1;
        self.present.push((self.next, until, who));
        self.next
    }

    /// Lets him out; nothing where he is out already.
    pub(crate) fn leave(&mut self, number: u64) {
        self.present.retain(|(own, ..)| *own != number);
    }

    /// Those who are in `now`.
    pub(crate) fn present(&mut self, now: Moment) -> impl ExactSizeIterator<Item = &T> {
        self.present.retain(|(_, until, _)| *until > now);
        self.present.iter().map(|(_, _, who)| who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_leave_is_out_when_his_time_is_over() {
        let mut roll = Roll::default();
        let (a, b) = (roll.enter("a", Moment(10)), roll.enter("b", Moment(20)));
        roll.enter("c", Moment(10));
        let check = |roll: &mut Roll<&'static str>, now, expect: &[&str]| {
            assert_eq!(roll.present(Moment(now)).copied().collect::<Vec<_>>(), expect, "{now}");
        };
        check(&mut roll, 9, &["a", "b", "c"]);
        roll.leave(a);
        check(&mut roll, 9, &["b", "c"]);
        check(&mut roll, 10, &["b"]);
        // Late, but he does leave.
        roll.leave(a);
        check(&mut roll, 19, &["b"]);
        roll.leave(b);
        check(&mut roll, 19, &[]);
    }
}
