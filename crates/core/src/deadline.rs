//! What is due while an answer streams: told by the time, not by a timer a chunk.

use std::time::Duration;

use crate::config::Deadlines;
use crate::platform::Moment;

/// Watches over one answer. The caller keeps one timer, armed for [`wait`](Self::wait), and asks what is
/// [`due`](Self::due) when it rings: a chunk costs a note of the time and nothing else.
#[derive(Clone, Debug)]
pub struct Watch {
    idle: Duration,
    heartbeat: Duration,
    /// When the whole answer must be there.
    end: Moment,
    /// When the node was last heard.
    heard: Moment,
    /// When the reader was last sent something.
    told: Moment,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet: the timer was armed before something happened.
    Nothing,
    /// The reader has not been sent anything for a while.
    Heartbeat,
    /// The node has said nothing for too long.
    Idle,
    /// The answer takes too long.
    End,
}

impl Watch {
    /// From `now` on, for an answer that must be there at `end`.
    pub fn new(deadlines: &Deadlines, end: Moment, now: Moment) -> Self {
        Self { idle: deadlines.idle, heartbeat: deadlines.heartbeat, end, heard: now, told: now }
    }

    /// The reader was sent something.
    pub fn told(&mut self, now: Moment) {
        self.told = now;
    }

    /// The node said something, and the reader has taken what there was of it for him. If he was slow the node is not to
    /// blame.
    pub fn heard(&mut self, now: Moment) {
        self.heard = now;
    }

    /// What is due at `now`, the gravest first. Where the clock was set back the waits begin anew.
    pub fn due(&mut self, now: Moment) -> Due {
        (self.heard, self.told) = (self.heard.min(now), self.told.min(now));
        match now {
            now if now >= self.end => Due::End,
            now if now >= self.heard + self.idle => Due::Idle,
            now if now >= self.told + self.heartbeat => Due::Heartbeat,
            _ => Due::Nothing,
        }
    }

    /// How long until something can be due.
    pub fn wait(&self, now: Moment) -> Duration {
        let next = self.end.min(self.heard + self.idle).min(self.told + self.heartbeat);
        next.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_answer() {
        let ms = Duration::from_millis;
        let deadlines = Deadlines { idle: ms(500), heartbeat: ms(100), ..Deadlines::DEFAULT };
        let mut watch = Watch::new(&deadlines, Moment(1800), Moment(1050));
        let check = |watch: &mut Watch, at, due, wait| {
            assert_eq!((watch.due(Moment(at)), watch.wait(Moment(at))), (due, ms(wait)), "at {at}");
        };
        check(&mut watch, 1050, Due::Nothing, 100);
        check(&mut watch, 1149, Due::Nothing, 1);
        check(&mut watch, 1150, Due::Heartbeat, 0);
        watch.told(Moment(1150));
        check(&mut watch, 1150, Due::Nothing, 100);
        watch.told(Moment(1500));
        check(&mut watch, 1540, Due::Nothing, 10);
        check(&mut watch, 1550, Due::Idle, 0);
        watch.heard(Moment(1550));
        check(&mut watch, 1600, Due::Heartbeat, 0);
        watch.told(Moment(1600));
        check(&mut watch, 1650, Due::Nothing, 50);
        check(&mut watch, 1700, Due::Heartbeat, 0);
        check(&mut watch, 1800, Due::End, 0);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_no_wait() {
        let ms = Duration::from_millis;
        let deadlines = Deadlines { idle: ms(500), heartbeat: ms(100), ..Deadlines::DEFAULT };
        let mut watch = Watch::new(&deadlines, Moment(9000), Moment(5000));
        assert_eq!((watch.due(Moment(1000)), watch.wait(Moment(1000))), (Due::Nothing, ms(100)));
        assert_eq!(watch.due(Moment(1100)), Due::Heartbeat);
        assert_eq!(watch.due(Moment(1500)), Due::Idle);
    }
}
