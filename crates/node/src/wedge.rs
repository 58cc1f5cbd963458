//! A slot that is lost: the lists answer, and no model says a word (ollama#17131).

mod look;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use look::watch;

use crate::admission::Lane;
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
    /// Models of which an answer was broken off since they were looked at.
    suspected: Vec<Lane>,
    /// The one that said no word, and in how many looks in a row.
    silent: Option<(Lane, u32)>,
    looked: Instant,
    restarted: Option<Instant>,
}

/// Silences in a row after which Ollama is restarted: the first may be a model that was just being loaded anew.
const ENOUGH: u32 = 2;

/// With requests in flight a long prompt is no wedge before so many looks' time; and where no slot is suspected an answer
/// that is no stream is none for as long as it may take.
const PATIENCE: u32 = 5;

/// The same for the first look at a model of which an answer was broken off.
const DOUBT: u32 = 2;

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        Self { suspected: Vec::new(), silent: None, looked: now, restarted: None }
    }

    /// An answer was broken off: that is how a slot is lost.
    pub(crate) fn suspect(&mut self, lane: Lane) {
        if !self.suspected.contains(&lane) {
            self.suspected.push(lane);
        }
    }

    /// Which model is to be looked at; none if it may be any.
    pub(crate) fn doubts(&self) -> Option<Lane> {
        self.silent.map(|(lane, _)| lane).or_else(|| self.suspected.first().copied())
    }

    pub(crate) fn is_due(&self, sight: Sight, waits: &Waits, now: Instant) -> bool {
        let quiet = now.duration_since(sight.heard);
        let looked = now.duration_since(self.looked);
        let (is_silent, is_suspected) = (self.silent.is_some(), !self.suspected.is_empty());
        let (soon, patient) = match sight.in_flight {
            0 if is_suspected => return true,
            0 if is_silent => (waits.look / 4, Duration::ZERO),
            0 => (waits.look, waits.look),
            _ if is_silent => (waits.look, waits.look * PATIENCE),
            _ if is_suspected => (waits.look, waits.look * DOUBT),
            _ => (waits.look, waits.answer.max(waits.look * PATIENCE)),
        };
        looked >= soon && quiet >= patient
    }

    /// Takes in a finding about a model, or about Ollama itself. `true` if Ollama shall be restarted, where the owner has
    /// said how.
    pub(crate) fn observe(
        &mut self,
        finding: Finding,
        about: Option<Lane>,
        waits: &Waits,
        now: Instant,
    ) -> bool {
        self.looked = now;
        self.suspected.retain(|lane| about.is_some_and(|about| about != *lane));
        let before = self.silent.filter(|(lane, _)| about == Some(*lane)).map_or(0, |(_, silences)| silences);
        match (finding, about) {
            (Finding::Silent, Some(lane)) => self.silent = Some((lane, before.saturating_add(1))),
            (_, Some(lane)) => self.spoke(lane),
            (_, None) => self.silent = None,
        }
        let may_restart = self.restarted.is_none_or(|at| now.duration_since(at) >= waits.restart);
        let restarts = self.silent.is_some_and(|(_, silences)| silences >= ENOUGH) && may_restart;
        if restarts {
            self.restarted = Some(now);
        }
        restarts
    }

    /// A model spoke. Another one may be silent all the same.
    pub(crate) fn spoke(&mut self, lane: Lane) {
        self.silent = self.silent.filter(|(silent, _)| *silent != lane);
    }

    pub(crate) fn is_wedged(&self) -> bool {
        self.silent.is_some()
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
        let suspect = |watch: &mut Watch| watch.suspect(1);
        check(&suspect, 0, 0, true);
        check(&suspect, 1, 7, false);
        check(&suspect, 1, 8, true);
        // An answer may take ten minutes.
        check(&|_| {}, 1, 39, false);
        check(&|_| {}, 1, 40, true);
        let silent = |watch: &mut Watch| assert!(!watch.observe(Finding::Silent, Some(0), &waits, start));
        check(&silent, 0, 1, true);
        check(&silent, 1, 19, false);
        check(&silent, 1, 20, true);
    }

    #[tokio::test(start_paused = true)]
    async fn each_model_is_looked_at_for_itself() {
        let (waits, now) = (Waits::DEFAULT, Instant::now());
        let mut watch = Watch::new(now);
        assert_eq!(watch.doubts(), None);
        for lane in [1, 0, 1] {
            watch.suspect(lane);
        }
        assert_eq!(watch.doubts(), Some(1));
        watch.observe(Finding::Silent, Some(1), &waits, now);
        watch.spoke(0);
        assert!(watch.is_wedged() && watch.doubts() == Some(1), "another one has spoken");
        watch.spoke(1);
        assert_eq!((watch.is_wedged(), watch.doubts()), (false, Some(0)));
        watch.observe(Finding::Word, Some(0), &waits, now);
        assert_eq!(watch.doubts(), None);
        watch.suspect(0);
        watch.observe(Finding::Unreachable, None, &waits, now);
        assert_eq!(watch.doubts(), None);
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
                let about = matches!(finding, Silent | Word).then_some(0);
                assert_eq!(watch.observe(*finding, about, &waits, now), *restarts, "{at}: {findings:?}");
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
