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
    /// The model is not in memory, and to ask for a word would load it; or it refused to say one.
    Unclear,
    /// It could not be asked.
    Unknown,
    /// The list of models did not come either.
    Unreachable,
}

/// When to look, and what to make of it.
#[derive(Debug)]
pub(crate) struct Watch {
    /// When something last came from each model, or was only then asked for.
    heard: Vec<Instant>,
    /// Which have said a word since they were last seen to be out of memory.
    warm: Vec<bool>,
    /// Models of which an answer was broken off since they were looked at.
    suspected: Vec<Lane>,
    silent: Option<Silence>,
    looked: Instant,
    /// Whether the last look found out nothing.
    is_blind: bool,
    restarted: Option<Instant>,
}

/// A model said no word.
#[derive(Clone, Copy, Debug)]
struct Silence {
    lane: Lane,
    since: Instant,
    /// Looks in a row.
    looks: u32,
    is_suspected: bool,
    /// Whether that can be no answer to somebody who asks Ollama past the guard.
    is_lost: bool,
}

/// Silences in a row after which Ollama is restarted: the first may be a model that was just being loaded anew.
const ENOUGH: u32 = 2;

/// With requests in flight a long prompt is no wedge before so many looks' time; and where no slot is suspected an answer
/// that is no stream is none for as long as it may take.
const PATIENCE: u32 = 5;

/// The same for the first look at a model of which an answer was broken off.
const DOUBT: u32 = 2;

impl Watch {
    /// Over so many models.
    pub(crate) fn new(models: usize, now: Instant) -> Self {
        Self {
            heard: vec![now; models],
            warm: vec![false; models],
            suspected: Vec::new(),
            silent: None,
            looked: now,
            is_blind: false,
            restarted: None,
        }
    }

    /// An answer was broken off: that is how a slot is lost.
    pub(crate) fn suspect(&mut self, lane: Lane) {
        if !self.suspected.contains(&lane) {
            self.suspected.push(lane);
        }
    }

    /// Which model is to be looked at; none if it may be any.
    pub(crate) fn doubts(&self) -> Option<Lane> {
        // One that is lost, first: what it is looked at once more for is the restart.
        let is_pressing = |silence: &Silence| silence.is_lost && silence.looks < ENOUGH;
        let pressing = self.silent.filter(is_pressing).map(|silence| silence.lane);
        let suspected = self.suspected.first().copied();
        pressing.or(suspected).or(self.silent.map(|silence| silence.lane))
    }

    /// Whether a look is due, with so many requests in flight at the model in doubt, or at all where it may be any.
    pub(crate) fn is_due(&self, in_flight: usize, waits: &Waits, now: Instant) -> bool {
        let quiet = now.duration_since(self.last_heard());
        let looked = now.duration_since(self.looked);
        let is_suspected = self.doubts().is_some_and(|lane| self.suspected.contains(&lane));
        let is_silent = self.silent.is_some();
        let (soon, patient) = match in_flight {
            0 if is_suspected && !self.is_blind => return true,
            0 if is_suspected || self.is_wedged() => (waits.look / 4, Duration::ZERO),
            0 if is_silent => (waits.look, Duration::ZERO),
            0 => (waits.look, waits.look),
            _ if self.is_wedged() => (waits.look, waits.look * PATIENCE),
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
        self.is_blind = finding == Finding::Unknown;
        if self.is_blind {
            return false;
        }
        let is_suspected = about.is_some_and(|lane| self.suspected.contains(&lane));
        self.suspected.retain(|lane| about.is_some_and(|about| about != *lane));
        match (finding, about) {
            (Finding::Silent, Some(lane)) => self.was_silent(lane, is_suspected, waits, now),
            (Finding::Word, Some(lane)) => self.spoke(lane),
            (_, Some(lane)) => self.acquit(lane),
            (_, None) => self.silent = None,
        }
        let may_restart = self.restarted.is_none_or(|at| now.duration_since(at) >= waits.restart);
        let is_enough = |silence: Silence| silence.is_lost && silence.looks >= ENOUGH;
        let restarts = self.silent.is_some_and(is_enough) && may_restart;
        if restarts {
            self.restarted = Some(now);
        }
        restarts
    }

    /// Somebody has come to a model, at which so many are now: he is waited for anew, unless its slot may be lost, which others
    /// who come would hide for ever.
    pub(crate) fn enter(&mut self, lane: Lane, in_flight: usize, now: Instant) {
        if in_flight == 1 && self.doubts() != Some(lane) {
            self.hear(lane, now);
        }
    }

    /// Something came from a model.
    pub(crate) fn hear(&mut self, lane: Lane, now: Instant) {
        self.heard[lane] = now;
    }

    /// A model spoke.
    pub(crate) fn spoke(&mut self, lane: Lane) {
        self.warm[lane] = true;
        self.acquit(lane);
    }

    /// Which models are in memory.
    pub(crate) fn list(&mut self, is_listed: impl Fn(Lane) -> bool) {
        for (lane, warm) in self.warm.iter_mut().enumerate() {
            *warm &= is_listed(lane);
        }
    }

    /// Whether a model that is silent has not to be loaded first.
    pub(crate) fn is_warm(&self, lane: Lane) -> bool {
        self.warm[lane]
    }

    /// Another model may be silent all the same.
    fn acquit(&mut self, lane: Lane) {
        self.silent = self.silent.filter(|silence| silence.lane != lane);
    }

    pub(crate) fn is_wedged(&self) -> bool {
        self.silent.is_some_and(|silence| silence.is_lost)
    }

    pub(crate) fn restarted(&self, now: Instant) -> Option<Duration> {
        self.restarted.map(|at| now.duration_since(at))
    }

    /// Of the model in doubt, which others that speak would hide for ever; of any where none is.
    fn last_heard(&self) -> Instant {
        let last = self.heard.iter().max().copied().unwrap_or(self.looked);
        self.doubts().map_or(last, |lane| self.heard[lane])
    }

    fn was_silent(&mut self, lane: Lane, is_suspected: bool, waits: &Waits, now: Instant) {
        let begun = Silence { lane, since: now, looks: 0, is_suspected: false, is_lost: false };
        let before = self.silent.filter(|silence| silence.lane == lane).unwrap_or(begun);
        let is_suspected = before.is_suspected || is_suspected;
        // The owner himself may be at it: whoever asks Ollama directly is seen by nobody here, and may be answered as long as
        // any answer may take.
        let is_lost = is_suspected || now.duration_since(before.since) >= waits.answer;
        let looks = before.looks.saturating_add(1);
        self.silent = Some(Silence { looks, is_suspected, is_lost, ..before });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn when_to_look() {
        let (waits, start) = (Waits::DEFAULT, Instant::now());
        let check = |set: &dyn Fn(&mut Watch), in_flight, looks: u32, expect: bool| {
            let mut watch = Watch::new(2, start);
            set(&mut watch);
            let now = start + waits.look * looks / 4;
            assert_eq!(watch.is_due(in_flight, &waits, now), expect, "{watch:?} {in_flight} {looks}");
        };
        check(&|_| {}, 0, 3, false);
        check(&|_| {}, 0, 4, true);
        let suspect = |watch: &mut Watch| watch.suspect(1);
        check(&suspect, 0, 0, true);
        let blind = |watch: &mut Watch| {
            suspect(watch);
            assert!(!watch.observe(Finding::Unknown, None, &waits, start));
        };
        check(&blind, 0, 0, false);
        check(&blind, 0, 1, true);
        check(&suspect, 1, 7, false);
        check(&suspect, 1, 8, true);
        // An answer may take ten minutes.
        check(&|_| {}, 1, 39, false);
        check(&|_| {}, 1, 40, true);
        let silent = |watch: &mut Watch| assert!(!watch.observe(Finding::Silent, Some(0), &waits, start));
        check(&silent, 0, 3, false);
        check(&silent, 0, 4, true);
        check(&silent, 1, 39, false);
        check(&silent, 1, 40, true);
        let lost = |watch: &mut Watch| {
            watch.suspect(0);
            silent(watch);
        };
        check(&lost, 0, 1, true);
        check(&lost, 1, 19, false);
        check(&lost, 1, 20, true);
    }

    #[tokio::test(start_paused = true)]
    async fn each_model_is_looked_at_for_itself() {
        let (waits, now) = (Waits::DEFAULT, Instant::now());
        let mut watch = Watch::new(2, now);
        assert_eq!(watch.doubts(), None);
        for lane in [1, 0, 1] {
            watch.suspect(lane);
        }
        assert_eq!(watch.doubts(), Some(1));
        watch.observe(Finding::Silent, Some(1), &waits, now);
        watch.spoke(0);
        assert!(watch.is_wedged() && watch.doubts() == Some(1), "another one has spoken");
        watch.suspect(1);
        assert!(watch.observe(Finding::Silent, Some(1), &waits, now), "however many are in doubt");
        assert_eq!(watch.doubts(), Some(0));
        watch.observe(Finding::Word, Some(0), &waits, now);
        assert!(watch.is_wedged() && watch.doubts() == Some(1));
        watch.spoke(1);
        assert_eq!((watch.is_wedged(), watch.doubts()), (false, None));
        watch.suspect(0);
        watch.observe(Finding::Unreachable, None, &waits, now);
        assert_eq!(watch.doubts(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_speaks_hides_no_other() {
        let (waits, start) = (Waits::DEFAULT, Instant::now());
        let mut watch = Watch::new(2, start);
        watch.suspect(1);
        let now = start + waits.look * DOUBT;
        watch.hear(0, now);
        assert!(watch.is_due(1, &waits, now));
        watch.hear(1, now);
        assert!(!watch.is_due(1, &waits, now));
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_to_a_model_is_waited_for_anew() {
        let (waits, start) = (Waits::DEFAULT, Instant::now());
        let check = |act: &dyn Fn(&mut Watch, Instant), expect: bool| {
            let mut watch = Watch::new(2, start);
            let now = start + waits.look * DOUBT;
            watch.hear(0, now);
            act(&mut watch, now);
            watch.suspect(1);
            assert_eq!(watch.is_due(1, &waits, now), expect, "{watch:?}");
        };
        check(&|watch, now| watch.enter(1, 1, now), false);
        check(&|watch, now| watch.enter(1, 2, now), true);
        let suspected = |watch: &mut Watch, now| {
            watch.suspect(1);
            watch.enter(1, 1, now);
        };
        check(&suspected, true);
    }

    #[tokio::test(start_paused = true)]
    async fn what_to_make_of_it() {
        use Finding::{Silent, Unclear, Unknown, Unreachable, Word};
        let (waits, start) = (Waits::DEFAULT, Instant::now());
        let minute = Duration::from_secs(60);
        let check = |is_suspected: bool, findings: &[(Finding, bool)], wedged: bool| {
            let mut watch = Watch::new(1, start);
            if is_suspected {
                watch.suspect(0);
            }
            for (at, (finding, restarts)) in (0..).zip(findings) {
                let now = start + minute * at;
                let about = matches!(finding, Silent | Word).then_some(0);
                assert_eq!(watch.observe(*finding, about, &waits, now), *restarts, "{at}: {findings:?}");
            }
            assert_eq!(watch.is_wedged(), wedged, "{findings:?}");
        };
        check(true, &[(Word, false)], false);
        check(true, &[(Silent, false)], true);
        check(true, &[(Silent, false), (Silent, true), (Silent, false)], true);
        check(true, &[(Silent, false), (Silent, true), (Unclear, false)], false);
        check(true, &[(Silent, false), (Unknown, false), (Silent, true)], true);
        check(true, &[(Unknown, false), (Silent, false), (Silent, true)], true);
        check(true, &[(Unreachable, false), (Unreachable, false)], false);
        let mut long = vec![(Silent, false), (Silent, true)];
        long.extend([(Silent, false); 9]);
        long.extend([(Silent, true), (Silent, false)]);
        check(true, &long, true);
        // Nobody broke anything off: it may be the owner, who asks Ollama directly, for as long as an answer may take.
        check(false, &[(Silent, false); 10], false);
        check(false, &[&[(Silent, false); 10][..], &[(Silent, true)]].concat(), true);
        check(true, &[(Word, false), (Silent, false), (Silent, false)], false);
        check(true, &[(Silent, false), (Word, false), (Silent, false)], false);
    }
}
