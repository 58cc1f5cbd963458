//! A slot that is lost: the lists answer, and no model says a word (ollama#17131).

mod look;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use look::watch;

use crate::config::Waits;

/// What a look at Ollama found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// One token came.
    Word,
    /// None came, though the list of models did.
    Silent,
    /// No model is in memory, or it cannot be told: to ask for a word would load one.
    Unclear,
    /// The list of models did not come either.
    Unreachable,
}

/// What is known without a look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    pub(crate) in_flight: usize,
    /// When something last came from a model.
    pub(crate) heard: Instant,
}

/// When to look, and what to make of it.
#[derive(Debug)]
pub(crate) struct Watch {
    silences: u32,
    suspected: bool,
    looked: Instant,
    restarted: Option<Instant>,
}

/// Silences in a row after which Ollama is restarted: the first may be a model that was just being loaded anew.
const ENOUGH: u32 = 2;

/// With requests in flight a long prompt is no wedge before so many looks' time.
const PATIENCE: u32 = 5;

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        Self { silences: 0, suspected: false, looked: now, restarted: None }
    }

    /// An answer was broken off: that is how a slot is lost.
    pub(crate) fn suspect(&mut self) {
        self.suspected = true;
    }

    pub(crate) fn is_due(&self, sight: Sight, waits: &Waits, now: Instant) -> bool {
        let quiet = now.duration_since(sight.heard);
        let looked = now.duration_since(self.looked);
        match sight.in_flight {
            0 if self.suspected => true,
            0 if self.silences > 0 => looked >= waits.look / 4,
            0 => looked >= waits.look && quiet >= waits.look,
            _ => looked >= waits.look && quiet >= waits.look * PATIENCE,
        }
    }

    /// Takes in a finding. `true` if Ollama shall be restarted, where the owner has said how.
    pub(crate) fn observe(&mut self, finding: Finding, waits: &Waits, now: Instant) -> bool {
        (self.suspected, self.looked) = (false, now);
        self.silences = if finding == Finding::Silent { self.silences.saturating_add(1) } else { 0 };
        let may_restart = self.restarted.is_none_or(|at| now.duration_since(at) >= waits.restart);
        let restarts = self.silences >= ENOUGH && may_restart;
        if restarts {
            self.restarted = Some(now);
        }
        restarts
    }

    /// A model spoke to a client.
    pub(crate) fn spoke(&mut self) {
        self.silences = 0;
    }

    pub(crate) fn is_wedged(&self) -> bool {
        self.silences > 0
    }

    pub(crate) fn restarted(&self, now: Instant) -> Option<Duration> {
        self.restarted.map(|at| now.duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn when_to_look() {
        let (waits, start) = (Waits::DEFAULT, Instant::now());
        let check = |set: &dyn Fn(&mut Watch), in_flight, looks: u32, expect: bool| {
            let mut watch = Watch::new(start);
            set(&mut watch);
            let sight = Sight { in_flight, heard: start };
            let now = start + waits.look * looks / 4;
            assert_eq!(watch.is_due(sight, &waits, now), expect, "{watch:?} {in_flight} {looks}");
        };
        check(&|_| {}, 0, 3, false);
        check(&|_| {}, 0, 4, true);
        check(&Watch::suspect, 0, 0, true);
        check(&Watch::suspect, 1, 0, false);
        check(&|_| {}, 1, 4, false);
        check(&|_| {}, 1, 20, true);
        let silent = |watch: &mut Watch| assert!(!watch.observe(Finding::Silent, &waits, start));
        check(&silent, 0, 1, true);
        check(&silent, 1, 1, false);
    }

    #[tokio::test(start_paused = true)]
    async fn what_to_make_of_it() {
        use Finding::{Silent, Unclear, Unreachable, Word};
        let (waits, start) = (Waits::DEFAULT, Instant::now());
        let minute = Duration::from_secs(60);
        let check = |findings: &[(Finding, bool)], wedged: bool| {
            let mut watch = Watch::new(start);
            for (at, (finding, restarts)) in (0..).zip(findings) {
                let now = start + minute * at;
                assert_eq!(watch.observe(*finding, &waits, now), *restarts, "{at}: {findings:?}");
            }
            assert_eq!(watch.is_wedged(), wedged, "{findings:?}");
        };
        check(&[(Word, false)], false);
        check(&[(Silent, false)], true);
        check(&[(Silent, false), (Word, false), (Silent, false)], true);
        check(&[(Silent, false), (Silent, true), (Silent, false)], true);
        check(&[(Silent, false), (Silent, true), (Unclear, false)], false);
        check(&[(Unreachable, false), (Unreachable, false)], false);
        let mut long = vec![(Silent, false), (Silent, true)];
        long.extend([(Silent, false); 9]);
        long.extend([(Silent, true), (Silent, false)]);
        check(&long, true);
    }
}
